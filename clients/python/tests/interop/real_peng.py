"""A session between a server and a client that each have a real peng3d.Peng. Prints what their event handlers got, as JSON.

Arguments: the folder of packages that has peng3d, which is put behind all others. PYGLET_SHADOW_WINDOW=0 makes do without
a display.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

sys.path.append(sys.argv[1])

import peng3d

import pengbridge as peng3dnet

TIMEOUT = 10.0

SERVER_EVENTS = ("initialize", "bind", "start", "stop", "interrupt", "shutdown")
CONNECTION_EVENTS = ("accept", "handshakecomplete", "send", "recv", "close")
CLIENT_EVENTS = ("initialize", "connect", "start", "stop", "interrupt", "handshakecomplete", "recv", "send", "close")
EVENTS = (
    *(f"peng3dnet:server.{name}" for name in SERVER_EVENTS),
    *(f"peng3dnet:server.connection.{name}" for name in CONNECTION_EVENTS),
    *(f"peng3dnet:client.{name}" for name in CLIENT_EVENTS),
)


class Listener:
    """A peng with a handler for each event there is.

    Attributes:
        seen: the handled events' data keys, by name.
        owners: whether each event named this peng and its peer.
    """

    def __init__(self) -> None:
        self.peng: Any = peng3d.Peng()
        self.seen: dict[str, list[str]] = {}
        self.owners: list[bool] = []
        self.closed = threading.Event()
        for event in EVENTS:
            self.peng.addEventListener(event, self.handle)

    def handle(self, event: str, data: dict[str, Any]) -> None:
        self.seen[event] = sorted(data)
        word = event.split(":")[1].split(".")[0]
        self.owners.append(data["peng"] is self.peng and getattr(data[word], "peng", None) is self.peng)
        if event.endswith(".close"):
            self.closed.set()


class Echo(peng3dnet.packet.Packet):
    def receive(self, msg: Any, cid: int | None = None) -> None:
        if cid is None:
            self.peer.close_connection(reason="enough")
        else:
            self.peer.send_message("t:echo", msg, cid)


def main() -> None:
    at_server, at_client = Listener(), Listener()
    server = peng3dnet.Server(at_server.peng, ("127.0.0.1", 0))
    server.register_packet("t:echo", Echo(server.registry, server))
    server.runAsync()
    server.process_async()
    client = peng3dnet.Client(at_client.peng, server.sock.getsockname())
    client.register_packet("t:echo", Echo(client.registry, client))
    client.runAsync()
    client.process_async()
    client.wait_for_connection(TIMEOUT)
    client.send_message("t:echo", "hi")
    for listener in (at_server, at_client):
        listener.closed.wait(TIMEOUT)
    client.stop()
    client.join(TIMEOUT)
    server.shutdown(timeout=1)
    print(json.dumps({"seen": {**at_server.seen, **at_client.seen}, "owners": at_server.owners + at_client.owners}))


main()
