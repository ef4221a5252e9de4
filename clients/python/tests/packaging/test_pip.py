"""pip installs it: a wheel where there is no Go, and from source where there is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from environment import GAME, REPOSITORY, Environment, go_folder

pytestmark = pytest.mark.full


def check_game(environment: Environment) -> None:
    """Runs the game in the environment, without Go: with the sidecar that was installed there."""
    played = environment.run(GAME)
    assert played.returncode == 0, played.stderr
    sidecar, go, answer = played.stdout.splitlines()
    assert answer == "came back: hello"
    assert go == "go: None"
    binary = Path(sidecar.removeprefix("sidecar: "))
    assert binary.is_relative_to(environment.folder)
    assert binary.parts[-3:-1] == ("pengbridge", "_bin")
    assert os.access(binary, os.X_OK)


def test_a_wheel_in_an_empty_environment_without_go(environment: Environment, wheel: Path) -> None:
    installed = environment.pip_install(wheel)
    assert installed.returncode == 0, installed.stderr
    check_game(environment)


def test_the_checkout_with_the_local_go(environment: Environment) -> None:
    project = REPOSITORY / "clients" / "python"
    installed = environment.pip_install(project, path=[go_folder()])
    assert installed.returncode == 0, installed.stderr
    check_game(environment)
    assert not (project / "src" / "pengbridge" / "_bin").exists(), "the build left a binary in the source tree"


def test_the_sdist_with_the_local_go(environment: Environment, sdist: Path) -> None:
    installed = environment.pip_install(sdist, path=[go_folder()])
    assert installed.returncode == 0, installed.stderr
    check_game(environment)


def test_the_sdist_without_go_says_what_is_missing(environment: Environment, sdist: Path) -> None:
    installed = environment.pip_install(sdist)
    assert installed.returncode != 0
    assert "needs Go 1.26 or newer, and there is no go in PATH" in installed.stdout + installed.stderr
