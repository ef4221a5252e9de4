"""The hook gives PyInstaller the binary under the name that a frozen program looks for. Real freezing: tests/packaging."""

from __future__ import annotations

import os
import runpy
import sys
import types
from pathlib import Path

import pytest

from pengbridge import _binary, _pyinstaller


@pytest.mark.parametrize("name", [_binary.NAME, "pengbridge-1.2-linux", "sidecar"])
def test_the_binary_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    built, work = tmp_path / "built", tmp_path / "work"
    built.mkdir()
    work.mkdir()
    (built / name).write_bytes(b"a program")
    (built / name).chmod(0o755)
    config = types.ModuleType("PyInstaller.config")
    config.CONF = {"workpath": str(work)}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "PyInstaller", types.ModuleType("PyInstaller"))
    monkeypatch.setitem(sys.modules, "PyInstaller.config", config)
    monkeypatch.setenv(_binary.VARIABLE, str(built / name))
    (folder,) = _pyinstaller.hook_directories()
    ((source, target),) = runpy.run_path(os.path.join(folder, "hook-pengbridge.py"))["binaries"]
    assert (os.path.basename(source), target) == (_binary.NAME, "pengbridge/_bin")
    assert Path(source).read_bytes() == b"a program"
    assert os.access(source, os.X_OK)
