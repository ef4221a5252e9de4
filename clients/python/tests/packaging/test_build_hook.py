"""The build hook's parts: where Go's source is, what the sdist takes of it, what wheels are called, what errors say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import hatch_build
import pytest

PROJECT = Path(hatch_build.__file__).parent
REPOSITORY = PROJECT.parents[1]
SYSTEMS = sorted({system for system, _ in hatch_build.PLATFORM_TAGS})

# Makes go list print what a package is compiled from, file by file.
COMPILED = """{{$folder := .Dir}}
{{range .GoFiles}}{{$folder}}/{{.}}
{{end}}{{range .EmbedFiles}}{{$folder}}/{{.}}
{{end}}"""


def module(folder: Path) -> Path:
    (folder / "cmd" / "pengbridge").mkdir(parents=True)
    (folder / "go.mod").touch()
    return folder


def test_the_source_is_the_checkouts(tmp_path: Path) -> None:
    assert hatch_build.go_module(module(tmp_path) / "clients" / "python") == tmp_path
    assert hatch_build.go_module(PROJECT) == REPOSITORY


def test_the_sdists_own_source_comes_first(tmp_path: Path) -> None:
    root = module(tmp_path) / "clients" / "python"
    inner = module(root / "sidecar-source")
    assert hatch_build.go_module(root) == inner


def test_without_source_there_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"source is missing.*Clone the whole repository, or install a wheel"):
        hatch_build.go_module(tmp_path / "clients" / "python")


def test_without_go_there_is_an_error_that_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"needs Go 1\.26 or newer.*Install Go, or install a wheel"):
        hatch_build.go("version", cwd=tmp_path)


def test_what_go_complains_about_is_shown(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"go build failed:\n.*nowhere"):
        hatch_build.go("build", "./nowhere", cwd=REPOSITORY)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_sdist_has_every_file_that_is_compiled(system: str) -> None:
    listed = subprocess.run(
        ["go", "list", "-deps", "-f", COMPILED, "./cmd/pengbridge"],
        cwd=REPOSITORY,
        env={**os.environ, "GOOS": system, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {line for line in listed.stdout.splitlines() if line.startswith(f"{REPOSITORY}{os.sep}")}
    shipped = hatch_build.sdist_source(REPOSITORY)
    assert ours
    assert ours <= shipped.keys()
    assert not [file for file in shipped if file.endswith("_test.go")]
    assert {"sidecar-source/go.mod", "sidecar-source/go.sum", "sidecar-source/LICENSE"} <= set(shipped.values())


def test_a_wheel_for_a_system_of_ours_has_its_tag_wherever_it_is_built() -> None:
    assert hatch_build.platform_tag("windows", "arm64", native=False) == "win_arm64"
    assert hatch_build.platform_tag("linux", "amd64", native=True) == "manylinux2014_x86_64.musllinux_1_1_x86_64"


def test_other_systems_build_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hatch_build.sysconfig, "get_platform", lambda: "freebsd-14.1-release-amd64")
    assert hatch_build.platform_tag("freebsd", "amd64", native=True) == "freebsd_14_1_release_amd64"
    with pytest.raises(RuntimeError, match=r"freebsd/amd64 from elsewhere, only for linux/amd64, "):
        hatch_build.platform_tag("freebsd", "amd64", native=False)


def test_the_package_has_the_projects_licence() -> None:
    assert (PROJECT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()
