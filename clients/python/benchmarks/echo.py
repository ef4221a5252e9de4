"""How long one packet takes there and back through a Python application, the only one under way.

python benchmarks/echo.py [--burn]

The application is bench/application.py, and make bench measures it too, with fresh processes for each figure. Here both run
all the time and have short turns, so that whatever else the machine does hits both alike. The reference takes part if
PENGBRIDGE_REFERENCE_PYTHON says where it is. Linux only.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgpack

APPLICATION = Path(__file__).parents[3] / "bench" / "application.py"
TURNS = 20
ECHOES = 300  # a turn
WARM_UP = 200
PATIENCE = 20.0  # seconds
HEADER = struct.Struct("!IIH")  # length of the rest, id, flags
FIRST_ID = 64  # of an application's packets
TICK = os.sysconf("SC_CLK_TCK")  # units of processor time a second


class Contender:
    """An application with one connection to it."""

    def __init__(self, python: str, library: str, arguments: list[str]) -> None:
        command = [python, str(APPLICATION), library, *arguments]
        self.name = library
        self.times: list[float] = []  # seconds
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self._sock = socket.create_connection(("127.0.0.1", int(self.process.stdout.readline().split()[1])), PATIENCE)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._receive()  # hello
        self._send(2, {"conntype": "classic"})
        self._receive()  # the registry
        self._send(4, {"success": True})
        self._frame = self._encoded(FIRST_ID, {"x": 1.0, "y": 2.0, "text": "x" * 24})
        self.turn(WARM_UP)
        self.times.clear()
        self._began = self._processor_time()

    def turn(self, echoes: int) -> None:
        """Sends so many packets, each when the one before is back."""
        for _ in range(echoes):
            begin = time.perf_counter()
            self._sock.sendall(self._frame)
            self._receive()
            self.times.append(time.perf_counter() - begin)

    def report(self) -> None:
        """Prints what was found."""
        cuts = statistics.quantiles(self.times, n=100)
        found = "  ".join(f"p{percent} {cuts[percent - 1] * 1e6:6.0f} us" for percent in (50, 90, 99))
        spent = (self._processor_time() - self._began) / len(self.times)
        print(f"{self.name:<12} {found}  CPU {spent * 1e6:4.0f} us an echo")

    def close(self) -> None:
        """Ends the application."""
        self._sock.close()
        with self.process:
            self.process.communicate(timeout=PATIENCE)

    def _processor_time(self) -> float:
        """What the application's own process has used, without its sidecar; in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def _send(self, packet: int, body: Any) -> None:
        self._sock.sendall(self._encoded(packet, body))

    def _receive(self) -> None:
        """Takes one frame. There is never more than one under way."""
        data = self._sock.recv(65536)
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
            data += self._sock.recv(65536)

    @staticmethod
    def _encoded(packet: int, body: Any) -> bytes:
        packed = msgpack.packb(body)
        return HEADER.pack(HEADER.size - 4 + len(packed), packet, 0) + packed


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--burn", action="store_true", help="beside a thread that computes for 10 ms of each frame")
    arguments = ["--burn"] if options.parse_args().burn else []
    contenders = [Contender(sys.executable, "pengbridge", arguments)]
    if reference := os.environ.get("PENGBRIDGE_REFERENCE_PYTHON"):
        contenders.append(Contender(reference, "peng3dnet", arguments))
    for _ in range(TURNS):
        for contender in contenders:
            contender.turn(ECHOES)
    for contender in contenders:
        contender.report()
        contender.close()


if __name__ == "__main__":
    main()
