"""The benchmark of a game's start runs, and prints what it is for. What it finds is for people: machines differ."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "startup.py"


def test_the_benchmark_of_the_start() -> None:
    printed = subprocess.run([sys.executable, BENCHMARK, "1"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"(?m)^both +\d+\.\d +\d+\.\d$", printed), printed
