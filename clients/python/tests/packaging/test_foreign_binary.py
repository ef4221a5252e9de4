"""A binary that is missing, of another system, or not allowed to run: the error says what to do."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from pengbridge import _binary, _launch
from pengbridge.errors import SidecarError

S390 = 22  # a processor that no machine of a player has


def elf_for(machine: int) -> bytes:
    """Returns a 64-bit ELF header without a program, for a processor by its ELF number."""
    identification = b"\x7fELF\x02\x02\x01" + bytes(9)
    return identification + struct.pack(">HHIQQQIHHHHHH", 2, machine, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package without a binary, which is what is looked at."""
    folder = tmp_path / "site-packages" / "pengbridge"
    folder.mkdir(parents=True)
    monkeypatch.delenv(_binary.VARIABLE, raising=False)
    monkeypatch.setattr(_binary, "__file__", str(folder / "_binary.py"))
    return folder


def test_a_missing_binary(package: Path) -> None:
    with pytest.raises(SidecarError, match=r"no sidecar binary .*: install a wheel .*, or set PENGBRIDGE_BINARY"):
        _binary.find()


@pytest.mark.skipif(sys.platform == "win32", reason="it is the other system")
def test_a_windows_wheel_unpacked_here(package: Path) -> None:
    (package / "_bin").mkdir()
    (package / "_bin" / "pengbridge.exe").touch()
    with pytest.raises(SidecarError, match=r"is for another system .*has pengbridge\.exe.*install the wheel for this one"):
        _binary.find()


def test_a_frozen_program_without_it(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(SidecarError, match=r"frozen program has no sidecar binary .*PyInstaller hook"):
        _binary.find()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has its own error for this")
@pytest.mark.parametrize("content", [elf_for(S390), b"\x00" * 64], ids=["of another processor", "no program"])
def test_a_binary_that_cannot_run_here(tmp_path: Path, content: bytes) -> None:
    binary = tmp_path / "pengbridge"
    binary.write_bytes(content)
    binary.chmod(0o755)
    with pytest.raises(SidecarError, match=r"another system or processor .*Install the wheel .*Exec format error"):
        _launch.spawn(binary)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission")
def test_a_binary_without_permission(tmp_path: Path) -> None:
    binary = tmp_path / "pengbridge"
    binary.write_bytes(b"#!/bin/sh\n")
    binary.chmod(0o644)
    with pytest.raises(SidecarError, match=r"may not be executed\. Give it the permission"):
        _launch.spawn(binary)
