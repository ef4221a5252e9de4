"""Putting this package where programs import peng3dnet from."""

from __future__ import annotations

import importlib
import sys

_SUBMODULES = (
    "conntypes",
    "constants",
    "errors",
    "ext",
    "ext.mpgame",
    "ext.ping",
    "net",
    "packet",
    "packet.internal",
    "registry",
    "util",
    "version",
)


def install() -> None:
    """Makes `import peng3dnet`, and every submodule of it, mean this package from now on. It may be called again.

    Raises:
        ImportError: the real peng3dnet was imported before; call install earlier.
    """
    package = importlib.import_module("pengbridge")
    if sys.modules.get("peng3dnet", package) is not package:
        raise ImportError("peng3dnet itself was imported before: call pengbridge.install() earlier")
    modules = {f"peng3dnet.{name}": importlib.import_module(f"pengbridge.{name}") for name in _SUBMODULES}
    sys.modules.update({"peng3dnet": package, **modules})
