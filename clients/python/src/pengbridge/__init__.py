"""peng3dnet for Python programs, with the network in a process of its own.

Programs that were written for peng3dnet use it by `import pengbridge as peng3dnet`, or by calling install() first. Each
name that peng3dnet has is here, in the same submodules, and `import *` brings those and no others.

New programs begin with Sidecar, or with aio.Sidecar for asyncio.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from . import conntypes, constants, errors, ext, net, packet, registry, util, version
from ._install import install
from .conntypes import *  # noqa: F403
from .constants import *  # noqa: F403
from .errors import *  # noqa: F403
from .ext import mpgame, ping
from .net import *  # noqa: F403
from .registry import *  # noqa: F403
from .util import normalize_addr_formatted, normalize_addr_socketstyle, parse_address
from .version import *  # noqa: F403

if TYPE_CHECKING:
    from . import aio as aio
    from ._api import *  # noqa: F403 - not in __all__: for `import *` there is only what peng3dnet has

__version__ = "0.1.0"

__all__ = [
    *conntypes.__all__,
    *constants.__all__,
    *errors.__all__,
    *net.__all__,
    *registry.__all__,
    *version.__all__,
    "conntypes",
    "constants",
    "errors",
    "ext",
    "install",
    "mpgame",
    "net",
    "normalize_addr_formatted",
    "normalize_addr_socketstyle",
    "packet",
    "parse_address",
    "ping",
    "registry",
    "util",
    "version",
]

if not TYPE_CHECKING:  # type checkers know the names from above; to them this would make every name right

    def __getattr__(name):
        """Finds the names of the API for new programs: imported when first used, they cost no game any time."""
        if name == "aio":
            return importlib.import_module(".aio", __name__)
        if not name.startswith("_"):
            from . import _api

            if name in _api.__all__:
                value = globals()[name] = getattr(_api, name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        from . import _api

        return sorted({*globals(), *_api.__all__, "aio"})
