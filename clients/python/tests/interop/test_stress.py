"""What brings a reference server down does nothing to ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .peer import OURS, interpreter

PROGRAM = Path(__file__).with_name("stress.py")
TIME_LIMIT = 60.0  # seconds; it takes a few


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [
        ("one_byte", {"others are served": True}),
        ("bad_frame", {"others are served": True}),
        ("burst", {"sent": 5000, "came back": 5000}),
        ("crowd", {"clients": 300, "reached": 300}),
    ],
)
def test_server_bears_it(scenario: str, outcome: dict[str, Any]) -> None:
    python, environment = interpreter(OURS)
    command = [python, str(PROGRAM), OURS, scenario]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == outcome
