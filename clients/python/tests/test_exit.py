"""How programs end: promptly, with what they sent delivered, and without leaving a process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from harness import WAIT, Net, Recorder, eventually
from rawpeer import RawPeer

import pengbridge as peng3dnet
from pengbridge import _host

PROGRAM = """
    import os, sys, threading
    import pengbridge as peng3dnet
    from pengbridge import _host

    class Print(peng3dnet.packet.Packet):
        def receive(self, msg, cid=None):
            print(msg, flush=True)

    server = peng3dnet.Server(addr=("127.0.0.1", 0))
    server.register_packet("t:a", Print(server.registry, server))
    server.runAsync()
    server.process_async()
    print(_host.shared().process.ready.pid, server.sock.getsockname()[1], flush=True)
"""


def start(code: str) -> subprocess.Popen[str]:
    source = Path(peng3dnet.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


def ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def first_line(program: subprocess.Popen[str]) -> tuple[int, int]:
    assert program.stdout is not None
    pid, port = program.stdout.readline().split()
    return int(pid), int(port)


def finish(program: subprocess.Popen[str]) -> tuple[float, str, str]:
    begin = time.monotonic()
    out, err = program.communicate(timeout=WAIT)
    return time.monotonic() - begin, out, err


@pytest.mark.parametrize("code", ["", "server.stop()", "server.shutdown(timeout=1)", "sys.exit(0)"])
def test_a_program_that_comes_to_its_end(code: str) -> None:
    program = start(code)
    pid, _ = first_line(program)
    took, _, err = finish(program)
    assert (program.returncode, err) == (0, "")
    assert took < 3
    eventually(lambda: ended(pid), "the end of the sidecar")


def test_what_was_sent_right_before_the_end_arrives() -> None:
    program = start("""
        client = peng3dnet.Client(addr=server.sock.getsockname())
        sys.stdin.readline()
        for number in range(1000):
            server.send_message("t:a", number, 1)
    """)
    pid, port = first_line(program)
    peer = RawPeer.connect(("127.0.0.1", port))
    peer.send(64, "ready")
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()
    assert [peer.receive_until(64) for _ in range(1000)] == list(range(1000))
    peer.close()
    _, _, err = finish(program)
    assert err == ""
    eventually(lambda: ended(pid), "the end of the sidecar")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_is_ended_leaves_no_sidecar(number: int) -> None:
    program = start("""
        import signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored for its background jobs
        print("waiting", flush=True)
        sys.stdin.readline()
    """)
    pid, _ = first_line(program)
    assert program.stdout is not None
    assert program.stdout.readline() == "waiting\n"
    program.send_signal(number)
    finish(program)
    assert program.returncode != 0
    eventually(lambda: ended(pid), "the end of the sidecar")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_told_and_harms_nobody() -> None:
    program = start("""
        import warnings
        warnings.simplefilter("ignore")
        child = os.fork()
        if child == 0:
            try:
                peng3dnet.Server(addr=("127.0.0.1", 0)).runAsync()
            except peng3dnet.SidecarError as error:
                print("child:", error, flush=True)
            os._exit(0)
        print("child ended with", os.waitpid(child, 0)[1], flush=True)
        client = peng3dnet.Client(addr=server.sock.getsockname())
        client.register_packet("t:a", Print(client.registry, client))
        client.runAsync()
        client.process_async()
        client.wait_for_connection(5)
        client.send_message("t:a", "parent goes on")
        client.flush()
        client.stop()
        client.join(5)
    """)
    first_line(program)
    _, out, err = finish(program)
    assert "child: this process was forked from one that already used pengbridge" in out, err
    assert "child ended with 0" in out, err
    assert "parent goes on" in out, err


def test_a_lost_sidecar_closes_everything(net: Net) -> None:
    closes: list[str | None] = []
    lost: list[Exception] = []
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    client.on_close = lambda reason=None: closes.append(reason)
    client.on_sidecar_lost = server.on_sidecar_lost = lost.append
    old = _host.shared()
    os.kill(old.process.ready.pid, signal.SIGKILL)
    client.wait_for_close(WAIT)
    eventually(lambda: len(lost) == 2)
    assert closes == ["sidecarlost"]
    assert not server.run
    assert not server.clients
    for send in (lambda: client.send_message("t:a", 1), lambda: server.broadcast("t:a", 1), server.flush):
        with pytest.raises(peng3dnet.SidecarError):
            send()
    assert net.client(net.server()).remote_state == 64
    assert _host.shared() is not old
