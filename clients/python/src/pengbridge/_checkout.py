"""A source checkout's binary: built by the local Go when it is first needed. Installed packages never come here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .errors import SidecarError

_BUILD_TIMEOUT = 600.0  # seconds; a first build compiles all dependencies


def binary_of(package: Path, name: str) -> Path | None:
    """Returns the binary of the checkout that the package's directory lies in; None if it lies in none.

    Args:
        package: the directory of this package.
        name: the binary's file name.

    Raises:
        SidecarError: it was not built yet, and cannot be.
    """
    root = package.parents[3] if len(package.parents) > 3 else None
    if root is None or package != root / "clients" / "python" / "src" / "pengbridge":
        return None
    if not (root / "cmd" / "pengbridge").is_dir() or not (root / "go.mod").is_file():
        return None
    built = root / "bin" / name
    if not built.is_file():
        build(root, built)
    return built


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
        environment = {**os.environ, "CGO_ENABLED": "0"}  # as make build does it
        try:
            done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=_BUILD_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SidecarError(f"building the sidecar failed: {error}") from error
        if done.returncode != 0:
            raise SidecarError(f"building the sidecar failed:\n{done.stderr.strip()}")
        os.replace(fresh, target)
