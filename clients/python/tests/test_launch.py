"""Starting a sidecar: the two lines, and everything that can go wrong with them. The children here are scripts."""

from __future__ import annotations

import json
import os
import stat
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pengbridge import _binary, _checkout, _launch
from pengbridge.errors import SidecarError

READY = {"api_version": "v1", "address": "unix:/tmp/x.sock", "pid": 99, "version": "0.1.0"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the children are started by their first line")


def script(folder: Path, code: str) -> Path:
    path = folder / "child"
    path.write_text(f"#!{sys.executable}\nimport json, sys, time\n{textwrap.dedent(code)}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_two_lines(tmp_path: Path) -> None:
    code = f"""
        hello = json.loads(sys.stdin.readline())
        json.dump([sys.argv[1:], hello], open({str(tmp_path / "seen")!r}, "w"))
        print(json.dumps({READY!r}), flush=True)
        sys.stdin.read()
    """
    process = _launch.spawn(script(tmp_path, code))
    assert process.ready == _launch.Ready("unix:/tmp/x.sock", 99, "0.1.0")
    arguments, hello = json.loads((tmp_path / "seen").read_text())
    assert arguments[:2] == ["serve", "--spawned"]
    assert hello == {"token": process.token, "api_versions": ["v1"], "pid": os.getpid()}
    assert len(process.token) == 64
    assert process.token not in " ".join(arguments)
    assert process.alive()
    process.close()
    process.close()
    assert not process.alive()


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    process = _launch.spawn(script(tmp_path, f"print(json.dumps({READY!r}), flush=True)\ntime.sleep(60)"))
    process.close(timeout=0.1)
    assert not process.alive()


@pytest.mark.parametrize(
    ("files", "left"),
    [
        (["pengbridge-1/pengbridge.sock"], []),
        (["pengbridge-1/pengbridge.sock", "pengbridge-1/other"], ["pengbridge-1", "pengbridge-1/other"]),
        (["mine/pengbridge.sock"], ["mine", "mine/pengbridge.sock"]),
        (["pengbridge-1/mine.sock"], ["pengbridge-1", "pengbridge-1/mine.sock"]),
    ],
)
def test_what_a_killed_one_leaves_is_removed(tmp_path: Path, files: list[str], left: list[str]) -> None:
    temporary = tmp_path / "tmp"
    for file in files:
        (temporary / file).parent.mkdir(parents=True, exist_ok=True)
        (temporary / file).touch()
    ready = {**READY, "address": f"unix:{temporary / files[0]}"}
    process = _launch.spawn(script(tmp_path, f"print(json.dumps({ready!r}), flush=True)\ntime.sleep(60)"))
    process.close(timeout=0.1)
    assert sorted(str(path.relative_to(temporary)) for path in temporary.rglob("*")) == left


def test_a_forked_child_leaves_the_socket_alone(tmp_path: Path) -> None:
    socket = tmp_path / "pengbridge-1" / "pengbridge.sock"
    socket.parent.mkdir()
    socket.touch()
    ready = {**READY, "address": f"unix:{socket}"}
    code = f"import os\nprint(json.dumps({{**{ready!r}, 'pid': os.getpid()}}), flush=True)\nsys.stdin.read()"
    process = _launch.spawn(script(tmp_path, code))
    process.forget()  # what happens in the child
    process.close()
    assert socket.exists()
    os.waitpid(process.ready.pid, 0)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("sys.stdin.readline(); print(json.dumps({'error': 'no socket'}))", "no socket"),
        ("sys.exit(3)", "ended before it was ready"),
        ("print('hello')", "instead of its address"),
        ("print('[]')", "instead of its address"),
        ("print('{}')", "instead of its address"),
        ("print(json.dumps({'api_version': 'v9'}))", "speaks API v9"),
    ],
)
def test_what_can_go_wrong(tmp_path: Path, code: str, message: str) -> None:
    with pytest.raises(SidecarError, match=message):
        _launch.spawn(script(tmp_path, code))


def test_one_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_launch, "_READY_TIMEOUT", 0.1)
    with pytest.raises(SidecarError, match="not ready within"):
        _launch.spawn(script(tmp_path, "time.sleep(60)"))


def test_a_binary_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match="cannot start"):
        _launch.spawn(tmp_path / "nothing")


def test_the_variable_names_the_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(tmp_path, "")
    monkeypatch.setenv(_binary.VARIABLE, str(path))
    assert _binary.find() == str(path)


@pytest.mark.parametrize("value", ["pengbridge", "./pengbridge", "/nowhere/pengbridge"])
def test_the_variable_is_an_absolute_path(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_binary.VARIABLE, value)
    with pytest.raises(SidecarError, match="absolute path"):
        _binary.find()


def test_neither_path_nor_the_current_folder_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "").rename(tmp_path / "pengbridge")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(_binary.VARIABLE, raising=False)
    monkeypatch.setattr(_binary, "__file__", str(tmp_path / "site-packages" / "pengbridge" / "_binary.py"))
    with pytest.raises(SidecarError, match="no sidecar binary"):
        _binary.find()


def checkout(root: Path) -> Path:
    package = root / "clients" / "python" / "src" / "pengbridge"
    package.mkdir(parents=True)
    (root / "cmd" / "pengbridge").mkdir(parents=True)
    (root / "go.mod").touch()
    return package


def test_the_package_comes_before_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = checkout(tmp_path)
    monkeypatch.delenv(_binary.VARIABLE, raising=False)
    monkeypatch.setattr(_binary, "__file__", str(package / "_binary.py"))
    built: list[Any] = []
    monkeypatch.setattr(_checkout, "build", lambda *args: built.append(args))
    assert _binary.find() == str(tmp_path / "bin" / "pengbridge")
    assert built == [(tmp_path, tmp_path / "bin" / "pengbridge")]
    (package / "_bin").mkdir()
    (package / "_bin" / "pengbridge").touch()
    assert _binary.find() == str(package / "_bin" / "pengbridge")


def test_a_checkout_without_go_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SidecarError, match="make build"):
        _checkout.build(tmp_path, tmp_path / "bin" / "pengbridge")


def test_a_build_that_fails_shows_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = script(tmp_path, "sys.exit('no such package')")
    go.rename(tmp_path / "go")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SidecarError, match="no such package"):
        _checkout.build(tmp_path, tmp_path / "bin" / "pengbridge")
    assert os.listdir(tmp_path / "bin") == []
