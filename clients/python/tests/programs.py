"""Games in processes of their own, for tests of how they end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import WAIT, eventually
from rawpeer import RawPeer

import pengbridge

SOURCE = Path(pengbridge.__file__).parents[1]
NUMBERS = 1000  # what a game sends to its only peer before it ends

# Each is a server that waits for a packet from its first peer and then sends it all the numbers. The first line that it
# prints says which process its sidecar is, and where peers find it.
GAMES = {
    "drop-in": """
        import os, signal, sys, threading
        import pengbridge as peng3dnet
        from pengbridge import _host

        class Greeting(peng3dnet.packet.Packet):
            def receive(self, msg, cid=None):
                greeted.set()

        greeted = threading.Event()
        server = peng3dnet.Server(addr=("127.0.0.1", 0))
        server.register_packet("t:a", Greeting(server.registry, server))
        server.runAsync()
        server.process_async()
        print(_host.shared().process.ready.pid, server.sock.getsockname()[1], flush=True)
        greeted.wait()
        for number in range(NUMBERS):
            server.send_message("t:a", number, 1)
        """,
    "Sidecar": """
        import os, signal, sys, threading
        import pengbridge

        sidecar = pengbridge.Sidecar.spawn()
        server = sidecar.bind("127.0.0.1:0", ["t:a"])
        print(sidecar.info().pid, server.address.port, flush=True)
        while not isinstance(server.next_event(), pengbridge.Received):
            pass
        for number in range(NUMBERS):
            server.send(1, "t:a", number)
        """,
    "aio": """
        import asyncio, os, signal, sys, threading
        import pengbridge

        async def play():
            sidecar = await pengbridge.aio.Sidecar.spawn()
            server = await sidecar.bind("127.0.0.1:0", ["t:a"])
            print((await sidecar.info()).pid, server.address.port, flush=True)
            while not isinstance(await server.next_event(), pengbridge.Received):
                pass
            for number in range(NUMBERS):
                server.send(1, "t:a", number)

        asyncio.run(play())
        """,
}


class Game:
    """A running game. It belongs to the test's thread.

    Args:
        code: what it does, usually one of GAMES and how that ends.
        options: for Popen; without them, it has pipes.

    Attributes:
        process: the game's.
        sidecar: the process id of its sidecar.
        port: where its server listens.
    """

    def __init__(self, *code: str, **options: Any) -> None:
        source = "".join(map(textwrap.dedent, code)).replace("NUMBERS", str(NUMBERS))
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
        self.process = subprocess.Popen([sys.executable, "-c", source], text=True, env=environment, **{**pipes, **options})
        self.sidecar, self.port = map(int, self.line().split())

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def greet(self) -> RawPeer:
        """Joins it as its first peer, which it has waited for."""
        peer = RawPeer.connect(("127.0.0.1", self.port))
        peer.send(64, "hello")
        return peer

    def finish(self) -> tuple[int, str]:
        """Closes its stdin and waits for the end of both processes.

        Returns:
            The game's exit code, and its complaints; not its sidecar's, which says so when goodbyes take too long.
        """
        if self.process.stdin is not None:
            self.process.stdin.close()
        code = self.process.wait(2 * WAIT)
        errors = "" if self.process.stderr is None else self.process.stderr.read()
        eventually(lambda: has_ended(self.sidecar), "the end of the sidecar")
        return code, "".join(line for line in errors.splitlines(True) if not line.startswith(("time=", "pengbridge: ")))

    def close(self) -> None:
        """Ends the game at once, if nothing else did."""
        with self.process:
            self.process.kill()


@contextlib.contextmanager
def playing(*code: str, **options: Any) -> Iterator[Game]:
    """Runs a Game, which ends with the with statement."""
    game = Game(*code, **options)
    try:
        yield game
    finally:
        game.close()


def has_ended(pid: int) -> bool:
    """Whether a process is no more, or waits only for its parent to take note of its end."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with contextlib.suppress(OSError):  # it may just have gone; and not every system has /proc
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
