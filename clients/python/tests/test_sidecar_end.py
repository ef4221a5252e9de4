"""How sidecars of the API for new programs end: closed, forgotten, killed, or left behind in a fork."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from harness import WAIT, eventually

import pengbridge
from pengbridge import Sidecar, _host


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own to its end."""
    environment = {**os.environ, "PYTHONPATH": str(Path(pengbridge.__file__).parents[1])}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT, env=environment)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_lost_sidecar_ends_everything() -> None:
    sidecar = Sidecar.spawn()
    server = sidecar.bind("127.0.0.1:0", ["t:a"])
    os.kill(sidecar.info().pid, signal.SIGKILL)
    with pytest.raises(pengbridge.SidecarError):
        list(server)
    for call in (server.poll, server.flush, lambda: server.send(1, "t:a", 1), lambda: next(iter(server))):
        with pytest.raises(pengbridge.SidecarError):
            call()
    eventually(sidecar._host.process.has_ended, "the end of the process")
    for call in (sidecar.info, sidecar.list_endpoints):
        with pytest.raises(pengbridge.UnavailableError, match="the sidecar has ended"):
            call()
    sidecar.close()


def test_a_closed_one_says_so() -> None:
    sidecar = Sidecar.spawn()
    server = sidecar.bind("127.0.0.1:0", ["t:a"])
    sidecar.close()
    sidecar.close()
    for call in (sidecar.info, sidecar.bind, sidecar.list_endpoints, server.flush):
        with pytest.raises(pengbridge.SidecarError, match=r"closed|ended"):
            call()
    server.stop()  # it has
    assert len(list(server)) <= 5  # those that were here already


def test_an_endpoint_that_is_made_while_its_sidecar_is_closed_is_ended_too() -> None:
    host = _host.spawn()

    class Tenant:
        def __init__(self, then: Tenant | None = None) -> None:
            self.then = then
            self.calls: list[str] = []

        def stop(self) -> None:
            self.calls.append("stop")

        def join(self, timeout: float | None) -> bool:
            self.calls.append("join")
            if self.then is not None:
                host.add(self.then)
            return True

        def close(self) -> None:
            self.calls.append("close")

    late = Tenant()
    early = Tenant(then=late)
    host.add(early)
    host.close()
    assert [early.calls, late.calls] == [["stop", "join"], ["stop", "join"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_told_and_leaves_the_parent_s_alone() -> None:
    code = """
import os, sys, warnings
import pengbridge
warnings.simplefilter("ignore")
with pengbridge.Sidecar.spawn() as sidecar, sidecar.bind("127.0.0.1:0", ["t:a"]) as server:
    child = os.fork()
    if child == 0:
        for call in (sidecar.info, sidecar.bind, server.flush, server.poll, lambda: server.send(1, "t:a", 1)):
            try:
                call()
            except pengbridge.SidecarError as error:
                assert "forked" in str(error)
            else:
                os._exit(2)
        sys.exit(0)  # leaves both with statements
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), server.list_connections())
"""
    done = run(code)
    assert done.stdout == "0 []\n", done.stderr


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts in /proc")
def test_nothing_is_left_of_those_that_have_ended() -> None:
    def live(kill: bool) -> None:
        with Sidecar.spawn() as sidecar, sidecar.bind("127.0.0.1:0", ["t:a"]) as server:
            client = sidecar.connect(server.address, ["t:a"])
            client.send("t:a", 1)
            if kill:
                os.kill(sidecar.info().pid, signal.SIGKILL)
                with pytest.raises(pengbridge.SidecarError):
                    list(client)

    def held() -> tuple[int, list[threading.Thread], str]:
        """Sockets, pipes and files (what gRPC polls with comes and goes), threads, children."""
        kinds: Counter[str] = Counter()
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # it was closed meanwhile
                kinds[os.readlink(f"/proc/self/fd/{number}").partition(":")[0]] += 1
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
        return kinds.total() - kinds["anon_inode"], threading.enumerate(), children

    live(kill=False)
    before = held()
    for number in range(6):
        live(kill=number % 2 == 1)
    eventually(lambda: held() == before, f"the same as before, {before}")
