"""How games end: what they sent before an orderly end arrives, no end leaves a process behind, and none takes for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from harness import WAIT, Net, Recorder, eventually
from programs import GAMES, NUMBERS, SOURCE, Game, has_ended, needs_signals, playing

import pengbridge as peng3dnet
from pengbridge import _host

REST = """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored for its background jobs
    print("at rest", flush=True)
    sys.stdin.readline()
"""


def take_all(game: Game) -> None:
    """Joins a game and takes what it sends before its end."""
    peer = game.greet()
    assert [peer.receive_until(64) for _ in range(NUMBERS)] == list(range(NUMBERS))
    peer.close()


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("threading.Thread(target=sys.exit).start()", 0),
        ("import a_module_that_is_missing", 1),
    ],
)
def test_what_was_sent_before_an_orderly_end_arrives(game: str, end: str, code: int) -> None:
    with playing(GAMES[game], end) as played:
        take_all(played)
        ended_with, errors = played.finish()
    assert ended_with == code, errors
    assert bool(errors) == (code == 1), errors


@pytest.mark.parametrize("end", ["server.stop()", "server.shutdown(timeout=1)", "server.join()"])
def test_a_server_that_is_stopped_in_the_end(end: str) -> None:
    with playing(GAMES["drop-in"], end) as played:
        take_all(played)
        assert played.finish() == (0, "")


@needs_signals
@pytest.mark.parametrize("game", GAMES)
def test_control_c_goes_to_the_whole_group(game: str) -> None:
    with playing(GAMES[game], REST, start_new_session=True) as played:
        peer = played.greet()
        assert played.line() == "at rest"
        os.killpg(played.process.pid, signal.SIGINT)
        assert [peer.receive_until(64) for _ in range(NUMBERS)] == list(range(NUMBERS))
        peer.close()
        code, errors = played.finish()
    assert code == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")


@needs_signals
@pytest.mark.parametrize("how", ["drop-in", "aio"])
def test_control_c_while_a_server_does_not_answer(how: str) -> None:
    code = """
        import asyncio, os, signal, socket, threading
        import pengbridge

        kept = []

        def interrupt():
            kept.append(silent.accept())
            os.kill(os.getpid(), signal.SIGINT)

        async def join(address):
            sidecar = await pengbridge.aio.Sidecar.spawn()
            patient = pengbridge.EndpointOptions(limits=pengbridge.Limits(handshake_timeout=300))
            await sidecar.connect(address, endpoint_options=patient, timeout=300)

        signal.signal(signal.SIGINT, signal.default_int_handler)
        silent = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=interrupt).start()
        address = "127.0.0.1:%d" % silent.getsockname()[1]
    """
    ends = {
        "aio": "asyncio.run(join(address))\n",
        "drop-in": "client = pengbridge.Client(addr=address)\nclient.runAsync()\nclient.wait_for_connection(300)\n",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code) + ends[how]],
        capture_output=True,
        text=True,
        timeout=2 * WAIT,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert done.returncode == -signal.SIGINT, done.stderr
    assert "KeyboardInterrupt" in done.stderr


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_game_that_is_ended_leaves_no_sidecar(number: int) -> None:
    with playing(GAMES["drop-in"], REST) as played:
        take_all(played)
        assert played.line() == "at rest"
        played.process.send_signal(number)
        assert played.finish() == (-number, "")


@needs_signals
def test_a_game_that_ends_without_python_knowing() -> None:
    with playing(GAMES["Sidecar"], "os._exit(7)") as played:
        peer = played.greet()
        assert played.finish() == (7, "")
        peer.close()


@needs_signals
def test_a_child_that_holds_the_pipes_does_not_hold_the_sidecar() -> None:
    code = """
        import subprocess
        pipe = sidecar._host.process._child.stdin
        os.set_inheritable(pipe.fileno(), True)
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        print(subprocess.Popen(["sleep", "600"], close_fds=False, **quiet).pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with playing(GAMES["Sidecar"], code) as played:
        peer = played.greet()
        holder = int(played.line())
        try:
            assert played.finish() == (-signal.SIGKILL, "")
            assert not has_ended(holder)
        finally:
            os.kill(holder, signal.SIGKILL)
        peer.close()


@needs_signals
def test_a_terminal_that_is_closed() -> None:
    import pty  # not on Windows

    terminal, game_side = pty.openpty()
    heed = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # it may be ignored, as by nohup
    attach = heed + "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    with playing(attach, GAMES["drop-in"], REST, stdin=game_side, stderr=game_side, start_new_session=True) as played:
        os.close(game_side)
        take_all(played)
        assert played.line() == "at rest"
        os.close(terminal)
        assert played.finish() == (-signal.SIGHUP, "")


@pytest.mark.parametrize("end", ["", "raise RuntimeError"])
def test_nobody_is_left_to_read_what_it_complains_about(end: str) -> None:
    with playing(GAMES["drop-in"], "sys.stdin.readline()\n", end) as played:
        assert played.process.stderr is not None
        played.process.stderr.close()
        played.process.stderr = None
        take_all(played)
        assert played.finish()[0] in (0, 1, 120)  # 120: Python could not flush it


@needs_signals
@pytest.mark.parametrize("end", ["", "server.join()\n"])
def test_a_sidecar_that_stands_still_delivers_and_ends(end: str) -> None:
    """A debugger, or a thumb on Ctrl-Z, has stopped it."""
    numbers = "for number in range(NUMBERS): server.send_message('t:a', number, 1)\n"
    with playing(GAMES["drop-in"], "print('at rest', flush=True); sys.stdin.readline()\n", numbers, end) as played:
        peer = played.greet()
        assert [peer.receive_until(64) for _ in range(NUMBERS)] == list(range(NUMBERS))
        assert played.line() == "at rest"
        os.kill(played.sidecar, signal.SIGSTOP)
        assert played.process.stdin is not None
        played.process.stdin.close()
        assert [peer.receive_until(64) for _ in range(NUMBERS)] == list(range(NUMBERS))
        peer.close()
        assert played.finish() == (0, "")


def test_a_peer_that_does_not_read_does_not_hold_the_game() -> None:
    with playing(GAMES["drop-in"], "for _ in range(64): server.send_message('t:a', bytes(1 << 18), 1)\n") as played:
        peer = played.greet()
        assert played.finish()[0] == 0
        peer.close()


@pytest.mark.parametrize("game", GAMES)
def test_a_peer_that_does_not_close_its_socket_does_not_hold_the_game(game: str) -> None:
    with playing(GAMES[game]) as played:
        peer = played.greet()
        assert [peer.receive_until(64) for _ in range(NUMBERS)] == list(range(NUMBERS))
        assert played.finish() == (0, "")  # after 1.2 s that peers have for it; see core/endpoint/linger_test.go
        assert peer.receive_until(16) == {"reason": "servershutdown"}
        peer.close()


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
