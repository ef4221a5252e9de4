"""Builds the sidecar's binary into the wheel, and puts its source into the sdist, from which wheels are built, too.

GOOS and GOARCH say which system the wheel is for; without them it is this one.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What has to be true of a system for the binary to run there. Without cgo it needs no libc, so one wheel serves every
# Linux; Go 1.26 starts on macOS 12, and says so in the binary.
PLATFORM_TAGS = {
    ("linux", "amd64"): "manylinux2014_x86_64.musllinux_1_1_x86_64",
    ("linux", "arm64"): "manylinux2014_aarch64.musllinux_1_1_aarch64",
    ("darwin", "amd64"): "macosx_12_0_x86_64",
    ("darwin", "arm64"): "macosx_12_0_arm64",
    ("windows", "amd64"): "win_amd64",
    ("windows", "arm64"): "win_arm64",
}

_SDIST_SOURCE = "sidecar-source"  # where the sdist has the Go module
_LICENSES = "cmd/pengbridge/licenses.txt"  # of what is compiled into the binary, which embeds it
_GO_PACKAGES = ["api", "clients/go", "cmd", "core", "sidecar"]
# -buildvcs=false: git refuses to tell the revision of a checkout that somebody else owns, and the build would fail.
_BUILD = ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"]


class SidecarBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs go build for a wheel, unless the install is editable: then the package finds the checkout's own binary."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            build_data["force_include"].update(sdist_source(go_module(Path(self.root))))
        elif version != "editable":
            self._build(build_data)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.target_name == "wheel" and version != "editable":
            self._folder.cleanup()

    def _build(self, build_data: dict[str, Any]) -> None:
        module = go_module(Path(self.root))
        system, machine, *host = go("env", "GOOS", "GOARCH", "GOHOSTOS", "GOHOSTARCH", cwd=module).split()
        name = "pengbridge.exe" if system == "windows" else "pengbridge"
        # Not into the source tree: there it would be found before the checkout's own, and go stale.
        self._folder = tempfile.TemporaryDirectory(prefix="pengbridge-wheel-")
        binary = Path(self._folder.name) / name
        go(*_BUILD, "-o", str(binary), "./cmd/pengbridge", cwd=module)
        build_data["force_include"][str(binary)] = f"pengbridge/_bin/{name}"
        build_data["force_include"][str(module / _LICENSES)] = "pengbridge/THIRD_PARTY_LICENSES.txt"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(system, machine, native=[system, machine] == host)}"


def go_module(root: Path) -> Path:
    """Returns the Go module the binary is built from: the checkout's, or the sdist's copy.

    Args:
        root: the folder of pyproject.toml.

    Raises:
        RuntimeError: there is none.
    """
    candidates = [root / _SDIST_SOURCE, *root.parents[1:2]]
    for module in candidates:
        if (module / "go.mod").is_file() and (module / "cmd" / "pengbridge").is_dir():
            return module
    raise RuntimeError(
        f"the sidecar's Go source is missing: {root} is neither in a checkout of pengbridge nor an unpacked sdist. "
        "Clone the whole repository, or install a wheel"
    )


def sdist_source(module: Path) -> dict[str, str]:
    """Returns what the binary is built from, without tests: files of the module, and where the sdist has them."""
    files = [module / "go.mod", module / "go.sum", module / "LICENSE", module / _LICENSES]
    for package in _GO_PACKAGES:
        files += (file for file in sorted((module / package).rglob("*.go")) if not file.stem.endswith("_test"))
    return {str(file): f"{_SDIST_SOURCE}/{file.relative_to(module).as_posix()}" for file in files}


def platform_tag(system: str, machine: str, native: bool) -> str:
    """Returns the wheel's platform tag for a GOOS and a GOARCH.

    Systems without wheels of ours can still build their own: native says that this is the system the build runs on.

    Raises:
        RuntimeError: it is another system, and nobody knows what pip calls it.
    """
    if tag := PLATFORM_TAGS.get((system, machine)):
        return tag
    if not native:
        known = ", ".join("/".join(target) for target in PLATFORM_TAGS)
        raise RuntimeError(f"no wheels are made for GOOS/GOARCH {system}/{machine} from elsewhere, only for {known}")
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def go(*arguments: str, cwd: Path) -> str:
    """Runs the local Go without cgo, and returns its output.

    Raises:
        RuntimeError: there is no Go, or it failed; the message has its output.
    """
    environment = {**os.environ, "CGO_ENABLED": "0"}
    try:
        done = subprocess.run(["go", *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RuntimeError(
            "building pengbridge from source needs Go 1.26 or newer, and there is no go in PATH. "
            "Install Go, or install a wheel: pip install --only-binary pengbridge pengbridge"
        ) from error
    if done.returncode != 0:
        raise RuntimeError(f"go {arguments[0]} failed:\n{done.stderr.strip()}")
    return done.stdout
