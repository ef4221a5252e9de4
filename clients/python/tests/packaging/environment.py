"""Python environments as players have them: fresh, without Go, and without anything of this checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

GAME = Path(__file__).with_name("game.py")
REPOSITORY = Path(__file__).parents[4]

LONG = 300.0  # seconds; for builds that may compile every dependency
_SHORT = 60.0


def run(
    command: Sequence[str | Path],
    cwd: Path,
    path: Sequence[Path] = (),
    timeout: float = _SHORT,
    temporary: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command that knows nothing of this checkout.

    Args:
        command: the program's absolute path and its arguments.
        cwd: where it runs.
        path: the only folders in PATH.
        timeout: in seconds.
        temporary: where it makes temporary files, if not in the usual place.
    """
    ours = ("PENGBRIDGE_", "PYTHON", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["PATH"] = os.pathsep.join(map(str, path))
    if temporary is not None:
        environment["TMPDIR"] = environment["TEMP"] = str(temporary)
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)


class Environment:
    """A new virtual environment in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=_SHORT)

    def run(
        self, *arguments: str | Path, path: Sequence[Path] = (), timeout: float = _SHORT
    ) -> subprocess.CompletedProcess[str]:
        """Runs its Python; path is what comes behind its scripts in PATH."""
        return run([self._scripts / "python", *arguments], self.folder, [self._scripts, *path], timeout)

    def pip_install(self, *what: str | Path, path: Sequence[Path] = ()) -> subprocess.CompletedProcess[str]:
        """Installs something, and returns what came of it."""
        return self.run("-m", "pip", "install", *what, path=path, timeout=LONG)


def go_folder() -> Path:
    """Returns where the local Go is."""
    go = shutil.which("go")
    assert go is not None, "these tests need Go"
    return Path(go).parent
