"""Events reach a real peng3d.Peng: all twenty, with the data keys of their documentation."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from .peer import OURS, REFERENCE, interpreter

pytestmark = pytest.mark.reference

PROGRAM = Path(__file__).with_name("real_peng.py")
TIME_LIMIT = 60.0  # seconds; it takes one or two

DOCUMENTED = {
    "server.initialize": [],
    "server.bind": ["addr"],
    "server.start": [],
    "server.stop": ["reason"],
    "server.interrupt": [],
    "server.shutdown": ["join", "reason", "timeout"],
    "server.connection.accept": ["addr", "cid", "client", "sock"],
    "server.connection.handshakecomplete": ["client"],
    "server.connection.send": ["client", "data", "pid"],
    "server.connection.recv": ["client", "msg", "pid"],
    "server.connection.close": ["client", "reason"],
    "client.initialize": [],
    "client.connect": ["addr", "sock"],
    "client.start": [],
    "client.stop": ["reason"],
    "client.interrupt": [],
    "client.handshakecomplete": [],
    "client.recv": ["msg", "pid"],
    "client.send": ["data", "pid"],
    "client.close": ["reason"],
}


def packages_of_the_reference() -> str:
    python, _ = interpreter(REFERENCE)
    command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT).stdout.strip()


def test_21_every_event_reaches_a_real_peng() -> None:
    python, environment = interpreter(OURS)
    done = subprocess.run(
        [python, "-W", "ignore", str(PROGRAM), packages_of_the_reference()],
        env={**environment, "PYGLET_SHADOW_WINDOW": "0"},
        capture_output=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["seen"] == {
        f"peng3dnet:{name}": sorted([*keys, "peng", name.split(".")[0]]) for name, keys in DOCUMENTED.items()
    }
    assert all(report["owners"])
