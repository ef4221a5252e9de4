"""What PyInstaller has to know of this package. It asks by itself, through the entry point "pyinstaller40"."""

from __future__ import annotations

from pathlib import Path


def hook_directories() -> list[str]:
    """Returns the folders with PyInstaller's hooks."""
    return [str(Path(__file__).parent)]
