"""The same programs with both libraries: only its import changes, and only what the reference gets wrong differs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .peer import OURS, REFERENCE, interpreter

pytestmark = pytest.mark.reference

FOLDER = Path(__file__).parent
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


@pytest.mark.parametrize(("program", "lines"), [("program.py", 30), ("hooks.py", 10)])
def test_one_import_is_all_that_changes(tmp_path: Path, program: str, lines: int) -> None:
    source = (FOLDER / program).read_text(encoding="utf-8")
    switched = source.replace("import peng3dnet as net", "import pengbridge as net")
    assert switched != source
    ours = tmp_path / program
    ours.write_text(switched, encoding="utf-8")
    expected = [CORRECTED.get(line, line) for line in transcript(REFERENCE, FOLDER / program)]
    assert len(expected) > lines
    assert transcript(OURS, ours) == expected
