"""Builds the sidecar's binary into the wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
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
        folder = Path(self.root) / "src" / "pengbridge" / "_bin"
        folder.mkdir(exist_ok=True)
        binary = folder / ("pengbridge.exe" if sys.platform == "win32" else "pengbridge")
        environment = {**os.environ, "CGO_ENABLED": "0"}  # runs on every libc
        subprocess.run(
            ["go", "build", *_FLAGS, "-o", str(binary), "./cmd/pengbridge"], cwd=root, check=True, env=environment
        )
        build_data["artifacts"].append(f"src/pengbridge/_bin/{binary.name}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
