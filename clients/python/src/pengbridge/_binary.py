"""Where the sidecar's binary is. Never looked for in PATH or the current folder: what runs must be what was installed.

Paths are strings here: pathlib would be half of what this package adds to a program's start beyond gRPC's own.
"""

from __future__ import annotations

import os
import sys

from .errors import SidecarError

VARIABLE = "PENGBRIDGE_BINARY"
NAME = "pengbridge.exe" if sys.platform == "win32" else "pengbridge"


def find() -> str:
    """Returns the absolute path of the binary: the one PENGBRIDGE_BINARY names, the package's own, or a source checkout's.

    A source checkout without one gets it built, which takes a while and needs Go.

    Raises:
        SidecarError: there is none, or it could not be built. The message says what to do.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not os.path.isabs(named) or not os.path.isfile(named):
            raise SidecarError(f"{VARIABLE} is {named!r}: it has to be the absolute path of the sidecar's binary")
        return named
    package = os.path.dirname(os.path.realpath(__file__))
    packaged = os.path.join(package, "_bin", NAME)
    if os.path.isfile(packaged):
        return packaged
    built = _in_checkout(package)
    if built is None:
        raise SidecarError(f"{_absence(packaged)}, or set {VARIABLE} to the path of one")
    return built


def _in_checkout(package: str) -> str | None:
    """Returns the binary of the source checkout that the package lies in; None if it is installed."""
    from pathlib import Path  # only here: see above

    from . import _checkout

    built = _checkout.binary_of(Path(package), NAME)
    return None if built is None else str(built)


def _absence(packaged: str) -> str:
    """Says why an installation has no binary at that path, and how it gets one."""
    if getattr(sys, "frozen", False):
        return (
            f"this frozen program has no sidecar binary ({packaged}): freeze it where pengbridge is installed with pip, "
            "whose PyInstaller hook takes it along; with other tools, add the folder pengbridge/_bin to the program's data"
        )
    folder = os.path.dirname(packaged)
    try:
        others = os.listdir(folder)
    except OSError:
        others = []
    import sysconfig  # only here: see above

    if others:
        return (
            f"this installation's sidecar binary is for another system ({folder} has {', '.join(others)}): "
            f"install the wheel for this one, {sysconfig.get_platform()}"
        )
    return f"this installation has no sidecar binary ({packaged}): install a wheel for your platform"
