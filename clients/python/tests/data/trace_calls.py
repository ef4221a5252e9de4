"""Writes which public methods a library calls by itself on subclasses that override them all, as JSON.

Run it with the library's name. A server and a client exchange a packet, the server closes the client, and both stop.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import sys
import threading
from typing import Any

TIMEOUT = 10.0


def overriding(cls: Any, calls: set[str], name: str) -> Any:
    """Derives a class whose methods note each call that this file does not make itself."""

    def noting(method: Any) -> Any:
        @functools.wraps(method)
        def note(*args: Any, **kwargs: Any) -> Any:
            if sys._getframe(1).f_code.co_filename != __file__:
                calls.add(f"{name}.{method.__name__}")
            return method(*args, **kwargs)

        return note

    methods = inspect.getmembers(cls, inspect.isfunction)
    watched = {key: noting(method) for key, method in methods if not key.startswith("_") or key in ("_receive", "_send")}
    return type(name, (cls,), watched)


def main() -> None:
    library = importlib.import_module(sys.argv[1])
    calls: set[str] = set()
    kinds = {"Server": library.Server, "Client": library.Client, "ClientOnServer": library.ClientOnServer}
    server_class, client_class, person_class = (overriding(kind, calls, name) for name, kind in kinds.items())
    came_back = threading.Event()

    class Echo(library.packet.SmartPacket):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            if cid is None:
                came_back.set()
            else:
                self.peer.send_message("t:echo", msg, cid)

    packet_class = overriding(Echo, calls, "SmartPacket")
    type_class = overriding(library.conntypes.ClassicConnectionType, calls, "ConnectionType")
    server = server_class(addr=("127.0.0.1", 0), clientcls=person_class)
    listening = threading.Event()
    bind = server.bind
    server.bind = lambda: (bind(), listening.set())
    server.addConnType("t:type", type_class(server))
    server.register_packet("t:echo", packet_class(server.registry, server))
    server.runAsync()
    server.process_async()
    listening.wait(TIMEOUT)
    client = client_class(addr=server.sock.getsockname(), conntype="t:type")
    client.addConnType("t:type", type_class(client))
    client.register_packet("t:echo", packet_class(client.registry, client))
    client.runAsync()
    client.process_async()
    client.wait_for_connection(TIMEOUT)
    client.send_message("t:echo", "hi")
    came_back.wait(TIMEOUT)
    server.shutdown(timeout=1)
    client.wait_for_close(TIMEOUT)
    client.join(TIMEOUT)
    print(json.dumps(sorted(calls)))


main()
