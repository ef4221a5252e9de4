"""PyInstaller freezes a game without being told anything about pengbridge, and the game runs from the frozen files alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from environment import GAME, LONG, Environment, run

pytestmark = pytest.mark.full

PYINSTALLER = "pyinstaller==6.22.3"
SYSTEM = [Path(folder) for folder in os.defpath.split(os.pathsep)]  # PyInstaller asks ldd and objdump
_SUFFIX = ".exe" if sys.platform == "win32" else ""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    """Where games are frozen: the wheel and PyInstaller, nothing else."""
    environment = Environment(tmp_path_factory.mktemp("workshop") / "environment")
    installed = environment.pip_install(wheel, PYINSTALLER)
    assert installed.returncode == 0, installed.stderr
    return environment


def freeze(workshop: Environment, layout: str, folder: Path) -> None:
    """Freezes the game into folder/dist."""
    done = workshop.run(
        *("-m", "PyInstaller", layout),
        *("--distpath", folder / "dist", "--workpath", folder / "work", "--specpath", folder),
        GAME,
        path=SYSTEM,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr


def check_game(played: subprocess.CompletedProcess[str]) -> Path:
    """Checks what the game says, and returns the sidecar's path."""
    assert played.returncode == 0, played.stderr
    sidecar, _, answer = played.stdout.splitlines()
    assert answer == "came back: hello"
    return Path(sidecar.removeprefix("sidecar: "))


def test_a_folder(workshop: Environment, tmp_path: Path) -> None:
    freeze(workshop, "--onedir", tmp_path)
    elsewhere = tmp_path / "player" / "game"
    shutil.copytree(tmp_path / "dist" / "game", elsewhere, symlinks=True)
    sidecar = check_game(run([elsewhere / f"game{_SUFFIX}"], tmp_path))
    assert sidecar.is_relative_to(elsewhere)


def test_a_single_file(workshop: Environment, tmp_path: Path) -> None:
    freeze(workshop, "--onefile", tmp_path)
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    sidecar = check_game(run([tmp_path / "dist" / f"game{_SUFFIX}"], tmp_path, temporary=unpacked))
    assert sidecar.is_relative_to(unpacked)
    assert list(unpacked.iterdir()) == [], "the sidecar still held what the game had unpacked"


def test_a_game_frozen_without_the_hook_says_what_is_missing(workshop: Environment, tmp_path: Path) -> None:
    freeze(workshop, "--onedir", tmp_path)
    (binary,) = (tmp_path / "dist" / "game").rglob(f"_bin/pengbridge{_SUFFIX}")
    binary.unlink()
    played = run([tmp_path / "dist" / "game" / f"game{_SUFFIX}"], tmp_path)
    assert played.returncode != 0
    assert "this frozen program has no sidecar binary" in played.stderr
