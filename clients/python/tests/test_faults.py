"""The fault suite of cmd/pengbridge/faults with an application in Python, whose events and packets are all there, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[3]
_SEED = "1000"  # always the same schedules here; make soak looks for others
_PATIENCE = 600  # seconds, more than a run that hangs; building takes most of the ten that an idle machine needs


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
def test_faults() -> None:
    command = ["go", "test", "-count=1", "-run", "TestFaults", "./cmd/pengbridge/faults"]
    environment = {**os.environ, "FAULTS_PYTHON": sys.executable, "FAULTS_SEED": _SEED, "FAULTS_RUNS": "20"}
    done = subprocess.run(command, cwd=_REPOSITORY, env=environment, capture_output=True, text=True, timeout=_PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr  # with the schedule that failed
