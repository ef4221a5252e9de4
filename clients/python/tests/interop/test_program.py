"""The same program with both libraries: only its import changes, and only what the reference gets wrong differs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .peer import OURS, REFERENCE, interpreter

pytestmark = pytest.mark.reference

PROGRAM = Path(__file__).with_name("program.py")
TIME_LIMIT = 60.0  # seconds; it takes about one

# A reference server loses the reasons it closes with itself (defect 15), and the one of pings (defect 23).
CORRECTED = {
    "server: Ben left: None": "server: Ben left: closing time",
    "server: Eve left: None": "server: Eve left: closing time",
    "server: None left: None": "server: None left: pingcomplete",
}


def transcript(library: str, program: Path) -> list[str]:
    python, environment = interpreter(library)
    command = [python, "-W", "ignore::UserWarning", str(program)]  # the reference warns on every server
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    if library == OURS:
        assert done.stderr == ""
    return done.stdout.splitlines()


def test_one_import_is_all_that_changes(tmp_path: Path) -> None:
    source = PROGRAM.read_text(encoding="utf-8")
    switched = source.replace("import peng3dnet as net", "import pengbridge as net")
    assert switched != source
    ours = tmp_path / PROGRAM.name
    ours.write_text(switched, encoding="utf-8")
    expected = [CORRECTED.get(line, line) for line in transcript(REFERENCE, PROGRAM)]
    assert len(expected) > 30
    assert transcript(OURS, ours) == expected
