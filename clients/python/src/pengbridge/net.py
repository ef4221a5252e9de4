"""Server and Client, as programs import them."""

from __future__ import annotations

from . import conntypes as conntypes
from . import errors as errors
from . import packet as packet
from . import registry as registry
from . import util as util
from . import version as version
from ._client import Client
from ._client_on_server import ClientOnServer
from ._server import Server
from ._wire import HEADER as STRUCT_HEADER
from ._wire import LENGTH32 as STRUCT_LENGTH32
from .constants import *  # noqa: F403 - every module of peng3dnet carries the constants

__all__ = ["STRUCT_HEADER", "STRUCT_LENGTH32", "Client", "ClientOnServer", "Server"]
