"""Builds the sidecar's binary into the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FLAGS = ["-trimpath", "-ldflags", "-s -w"]


class SidecarBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs go build, unless the install is editable: then the package finds the checkout's own binary."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root).parents[1]
        if not (root / "cmd" / "pengbridge").is_dir():
            raise RuntimeError("wheels are built from a checkout of pengbridge, where the sidecar's source is")
        # Not into the source tree: there it would be found before the checkout's own, and go stale.
        self._folder = tempfile.mkdtemp(prefix="pengbridge-wheel-")
        binary = Path(self._folder) / ("pengbridge.exe" if sys.platform == "win32" else "pengbridge")
        command = ["go", "build", *_FLAGS, "-o", str(binary), "./cmd/pengbridge"]
        subprocess.run(command, cwd=root, check=True, env={**os.environ, "CGO_ENABLED": "0"})
        build_data["force_include"][str(binary)] = f"pengbridge/_bin/{binary.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            shutil.rmtree(self._folder)


def _platform() -> str:
    """The wheel's platform tag. Without cgo the binary needs no libc, so that one wheel serves every Linux."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if not platform.startswith("linux_"):
        return platform
    machine = platform.removeprefix("linux_")
    return f"manylinux2014_{machine}.musllinux_1_1_{machine}"
