"""Where the sidecar's binary is. Never looked for in PATH or the current folder: what runs must be what was installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from .errors import SidecarError

VARIABLE = "PENGBRIDGE_BINARY"
_NAME = "pengbridge.exe" if sys.platform == "win32" else "pengbridge"
_BUILD_TIMEOUT = 600.0  # seconds; a first build compiles all dependencies


def find() -> Path:
    """Returns the binary: the one PENGBRIDGE_BINARY names, the package's own, or a source checkout's.

    A source checkout without one gets it built, which takes a while and needs Go.

    Raises:
        SidecarError: there is none, or it could not be built. The message says what to do.
    """
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not path.is_absolute() or not path.is_file():
            raise SidecarError(f"{VARIABLE} is {named!r}: it has to be the absolute path of the sidecar's binary")
        return path
    package = Path(__file__).resolve().parent
    packaged = package / "_bin" / _NAME
    if packaged.is_file():
        return packaged
    root = checkout_of(package)
    if root is None:
        raise SidecarError(f"{_absence(packaged)}, or set {VARIABLE} to the path of one")
    built = root / "bin" / _NAME
    if not built.is_file():
        build(root, built)
    return built


def _absence(packaged: Path) -> str:
    """Says why an installation has no binary at that path, and how it gets one."""
    if getattr(sys, "frozen", False):
        return (
            f"this frozen program has no sidecar binary ({packaged}): freeze it where pengbridge is installed with pip, "
            "whose PyInstaller hook takes it along; with other tools, add the folder pengbridge/_bin to the program's data"
        )
    try:
        others = os.listdir(packaged.parent)
    except OSError:
        others = []
    if others:
        return (
            f"this installation's sidecar binary is for another system ({packaged.parent} has {', '.join(others)}): "
            f"install the wheel for this one, {sysconfig.get_platform()}"
        )
    return f"this installation has no sidecar binary ({packaged}): install a wheel for your platform"


def checkout_of(package: Path) -> Path | None:
    """Returns the root of the source checkout that the package's directory lies in, None if it is installed."""
    root = package.parents[3] if len(package.parents) > 3 else None
    if root is None or package != root / "clients" / "python" / "src" / "pengbridge":
        return None
    return root if (root / "cmd" / "pengbridge").is_dir() and (root / "go.mod").is_file() else None


def build(root: Path, target: Path) -> None:
    """Builds the binary of the checkout at root with the local Go. Several processes may do it at once.

    Raises:
        SidecarError: there is no Go, or it failed; the message has its output.
    """
    go = shutil.which("go")
    if go is None:
        raise SidecarError(f"the sidecar's binary is not built: install Go, or run 'make build' in {root}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(fresh), "./cmd/pengbridge"]
        try:
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=_BUILD_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SidecarError(f"building the sidecar failed: {error}") from error
        if done.returncode != 0:
            raise SidecarError(f"building the sidecar failed:\n{done.stderr.strip()}")
        os.replace(fresh, target)
