"""The messages of the API, as generated from api/pengbridge/v1. Each module is imported when it is first used.

Protobuf takes about as long to be imported as a sidecar takes to start: a game that starts one does both at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import command_pb2 as command_pb2
    from . import endpoint_pb2 as endpoint_pb2
    from . import event_pb2 as event_pb2
    from . import packet_pb2 as packet_pb2
    from . import sidecar_service_pb2 as sidecar_service_pb2
else:

    def __getattr__(name):
        if name.endswith("_pb2"):
            return importlib.import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
