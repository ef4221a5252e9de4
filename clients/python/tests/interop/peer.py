"""A peer in a process of its own, that runs one of the two libraries as it is told: see testdata/peer.py."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgpack
import pytest

PATIENCE = 20.0  # seconds; for things that take milliseconds on an idle machine
REFERENCE = "peng3dnet"
OURS = "pengbridge"

_ROOT = Path(__file__).resolve().parents[4]
_SCRIPT = _ROOT / "core" / "endpoint" / "interop" / "testdata" / "peer.py"
_SOURCE = _ROOT / "clients" / "python" / "src"


def interpreter(library: str) -> tuple[str, dict[str, str]]:
    """Returns the Python that has a library, and the environment to run it in."""
    if library == OURS:
        return sys.executable, {**os.environ, "PYTHONPATH": str(_SOURCE)}
    python = Path(os.environ.get("PENGBRIDGE_REFERENCE_PYTHON") or _ROOT / ".interop" / "bin" / "python")
    if not python.is_file():
        pytest.fail(f"{python} is missing: run `make interop-env`, or set PENGBRIDGE_REFERENCE_PYTHON", pytrace=False)
    return str(python), {**os.environ, "PYGLET_SHADOW_WINDOW": "0"}


def pack(value: Any) -> str:
    return base64.b64encode(msgpack.packb(value)).decode()


def unpack(body: str) -> Any:
    return msgpack.unpackb(base64.b64decode(body))


class Peer:
    """A process that runs one peer. It belongs to the test's thread; close() ends it.

    Args:
        library: REFERENCE or OURS.
    """

    def __init__(self, library: str) -> None:
        self.library = library
        python, environment = interpreter(library)
        self._process = subprocess.Popen(
            [python, str(_SCRIPT), library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            encoding="utf-8",
        )
        self._reports: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._passed: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.release = self.wait("hello")["release"]
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._reports.put(json.loads(line))
        self._reports.put({"event": "ended"})

    def do(self, action: str, **arguments: Any) -> None:
        """Tells the peer what to do."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": action, **arguments}) + "\n")
        self._process.stdin.flush()

    def wait(self, event: str) -> dict[str, Any]:
        """Returns the next report of a kind. Others are kept for later calls."""
        for i, report in enumerate(self._passed):
            if report["event"] == event:
                return self._passed.pop(i)
        while True:
            try:
                report = self._reports.get(timeout=PATIENCE)
            except queue.Empty:
                pytest.fail(f"{self.library} did not report {event!r}; it did report {self._passed}")
            if report["event"] == event:
                return report
            if report["event"] in ("ended", "failed"):
                pytest.fail(f"{self.library} {report['event']} while {event!r} was awaited: {report.get('detail')}")
            self._passed.append(report)

    def serve(self, *packets: str, **more: Any) -> str:
        """Opens a server that echoes, and returns its address."""
        self.do("open", side="server", address="127.0.0.1:0", packets=packets, echo=packets, **more)
        return f"127.0.0.1:{self.wait('listening')['port']}"

    def connect(self, address: str, *packets: str, **more: Any) -> None:
        """Opens a client. Whether its handshake succeeds is for the caller to wait for."""
        self.do("open", side="client", address=address, packets=packets, **more)

    def send(self, packet: str, value: Any, cid: int | None = None) -> None:
        self.do("send", packet=packet, body=pack(value), cid=cid)

    def received(self) -> str:
        """Waits for a packet and returns its body, as pack() would write it."""
        body: str = self.wait("received")["body"]
        return body

    def close(self) -> None:
        """Ends the process; it is killed if it does not end by itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # it may have ended already
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
