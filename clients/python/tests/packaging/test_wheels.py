"""What make wheels makes: one wheel for each system, of a decent size, with the binary it promises."""

from __future__ import annotations

import stat
import zipfile
from email import message_from_bytes
from pathlib import Path

import executable
import hatch_build
import pytest
from packaging.tags import parse_tag

import pengbridge

pytestmark = pytest.mark.full

LIMIT = 12 << 20  # bytes
TARGETS = list(hatch_build.PLATFORM_TAGS)


@pytest.fixture(params=TARGETS, ids="/".join)
def target(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A GOOS and a GOARCH."""
    made_for: tuple[str, str] = request.param
    return made_for


@pytest.fixture
def path(dist: Path, target: tuple[str, str]) -> Path:
    return dist / f"pengbridge-{pengbridge.__version__}-py3-none-{hatch_build.PLATFORM_TAGS[target]}.whl"


def test_there_is_one_for_each_system_and_nothing_else(dist: Path) -> None:
    expected = {f"pengbridge-{pengbridge.__version__}-py3-none-{tag}.whl" for tag in hatch_build.PLATFORM_TAGS.values()}
    assert {file.name for file in dist.iterdir()} == expected | {f"pengbridge-{pengbridge.__version__}.tar.gz"}


def test_it_is_small(path: Path) -> None:
    assert path.stat().st_size < LIMIT


def test_it_says_what_it_is_for(path: Path, target: tuple[str, str]) -> None:
    with zipfile.ZipFile(path) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/WHEEL"))
        fields = message_from_bytes(wheel.read(name))
    assert fields["Root-Is-Purelib"] == "false"
    assert set(fields.get_all("Tag", [])) == set(map(str, parse_tag(f"py3-none-{hatch_build.PLATFORM_TAGS[target]}")))


def test_the_binary_keeps_what_the_tag_promises(path: Path, target: tuple[str, str]) -> None:
    with zipfile.ZipFile(path) as wheel:
        (entry,) = (entry for entry in wheel.infolist() if "/_bin/" in entry.filename)
        program = executable.read(wheel.read(entry))
    system, machine = target
    assert entry.filename == f"pengbridge/_bin/{'pengbridge.exe' if system == 'windows' else 'pengbridge'}"
    assert entry.external_attr >> 16 & stat.S_IXUSR
    assert (program.system, program.machine) == (system, machine)
    assert not program.dynamic, "a wheel for every Linux must not ask for a libc"
    if program.minimum:
        assert "macosx_{}_{}_".format(*program.minimum) in path.name


def test_it_has_the_package_and_no_more(path: Path) -> None:
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
    folders = {name.split("/")[0] for name in names}
    assert folders == {"pengbridge", f"pengbridge-{pengbridge.__version__}.dist-info"}
    assert {"pengbridge/py.typed", "pengbridge/_pyinstaller/hook-pengbridge.py"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert "pengbridge/THIRD_PARTY_LICENSES.txt" in names
    assert not [name for name in names if name.endswith(".pyc")]
