"""peng3dnet for Python programs, with the network in a process of its own.

Programs that were written for peng3dnet use it by `import pengbridge as peng3dnet`, or by calling install() first. Each
name that peng3dnet has is here, in the same submodules, and `import *` brings those and no others.

New programs begin with Sidecar, or with aio.Sidecar for asyncio.
"""

from __future__ import annotations

from . import aio as aio
from . import conntypes, constants, errors, ext, net, packet, registry, util, version
from ._api import *  # noqa: F403 - not in __all__: for `import *` there is only what peng3dnet has
from ._install import install
from .conntypes import *  # noqa: F403
from .constants import *  # noqa: F403
from .errors import *  # noqa: F403
from .ext import mpgame, ping
from .net import *  # noqa: F403
from .registry import *  # noqa: F403
from .util import normalize_addr_formatted, normalize_addr_socketstyle, parse_address
from .version import *  # noqa: F403

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
