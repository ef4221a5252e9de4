"""Forks: the child gets an error at once from whatever it tries, ends as it should, and the parent goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from harness import WAIT

import pengbridge as peng3dnet

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# A server and a client of it in one program, which forks. The child tries everything that needs the sidecar.
PROGRAM = """
    import multiprocessing, os, signal, sys, threading, time, warnings
    import pengbridge as peng3dnet

    warnings.simplefilter("ignore")  # Python's own, about forks of programs with threads

    class Echo(peng3dnet.packet.SmartPacket):
        def receive(self, msg, cid=None):
            if cid is not None:
                self.peer.send_message("t:echo", msg, cid)
            else:
                came_back.set()

    def started(peer):
        peer.register_packet("t:echo", Echo(peer.registry, peer))
        peer.runAsync()
        peer.process_async()
        return peer

    came_back = threading.Event()
    unused = peng3dnet.Server(addr=("127.0.0.1", 0))
    server = started(peng3dnet.Server(addr=("127.0.0.1", 0)))
    client = started(peng3dnet.Client(addr=server.sock.getsockname()))
    client.wait_for_connection(5)
    client.send_message("t:echo", "hello")
    assert came_back.wait(5)  # the server has seen the client, too
    came_back.clear()

    def child():
        signal.alarm(10)  # a child that hangs is ended, with a code that shows it
        refused(lambda: client.send_message("t:echo", 1))
        refused(lambda: server.broadcast("t:echo", 1))
        refused(client.flush)
        refused(client.process)
        refused(lambda: client.process(wait=True))
        refused(server.process_forever)
        refused(client.wait_for_connection)
        refused(client.wait_for_close)
        refused(unused.runBlocking)
        client.interrupt()
        client.stop()
        client.join()
        server.stop()
        server.join()

    def refused(call):
        try:
            call()
        except peng3dnet.SidecarError as error:
            assert "connections do not survive a fork" in str(error), error
        else:
            raise AssertionError("nothing was refused")

    def by_hand(leave):
        pid = os.fork()
        if pid == 0:
            child()
            leave(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def by_multiprocessing():
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join()
        return process.exitcode
"""
PARENT_GOES_ON = """
    client.send_message("t:echo", "still here")
    assert came_back.wait(5)
    client.stop()
    server.shutdown(timeout=1)
    print("parent went on")
"""


def play(*parts: str) -> subprocess.CompletedProcess[str]:
    source = Path(peng3dnet.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", "".join(map(textwrap.dedent, parts))],
        capture_output=True,
        text=True,
        timeout=2 * WAIT,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


@pytest.mark.parametrize("fork", ["by_hand(os._exit)", "by_hand(sys.exit)", "by_multiprocessing()"])
def test_a_child_is_refused_and_the_parent_goes_on(fork: str) -> None:
    played = play(PROGRAM, f"code = {fork}\nassert code == 0, code\n", PARENT_GOES_ON)
    assert (played.returncode, played.stdout) == (0, "parent went on\n"), played.stderr


def test_a_program_that_forks_before_it_starts_may_use_the_network_in_both() -> None:
    played = play("""
        import os, sys
        import pengbridge as peng3dnet

        server = peng3dnet.Server(addr=("127.0.0.1", 0))
        pid = os.fork()
        server.runAsync()
        server.process_async()
        client = peng3dnet.Client(addr=server.sock.getsockname())
        client.runAsync()
        client.process_async()
        client.wait_for_connection(5)
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
            print("both")
    """)
    assert (played.returncode, played.stdout) == (0, "both\n"), played.stderr


def test_a_child_that_lives_on_does_not_keep_the_parents_sidecar() -> None:
    played = play("""
        import os, signal, time
        from pengbridge import _binary, _launch

        process = _launch.spawn(_binary.find())
        pid = os.fork()
        if pid == 0:
            signal.alarm(10)
            signal.pause()
        begin = time.monotonic()
        process.close(timeout=5)
        took = time.monotonic() - begin
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert took < 2, took
    """)
    assert played.returncode == 0, played.stderr
