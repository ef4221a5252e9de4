"""The benchmarks of a start and of sending run, and print what they find, which is for people: machines differ."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("program", "arguments", "pattern"),
    [
        ("startup.py", ["1"], r"(?m)^both +\d+\.\d +\d+\.\d$"),
        ("send_message.py", [], r"(?m)^send_message of a client: -?\d+\.\d\d us"),
    ],
)
def test_a_benchmark(program: str, arguments: list[str], pattern: str) -> None:
    run = subprocess.run(
        [sys.executable, BENCHMARKS / program, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    assert re.search(pattern, run.stdout), run.stdout
