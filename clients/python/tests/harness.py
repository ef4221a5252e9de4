"""Servers, clients and recorders for the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import pengbridge as peng3dnet

WAIT = 20.0  # seconds; for things that take milliseconds on an idle machine


def eventually(condition: Callable[[], Any], what: str = "condition") -> None:
    """Polls until condition() is true."""
    deadline = time.monotonic() + WAIT
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {WAIT} s")
        pause.wait(0.005)


class Peng:
    """Records events as peng3d would distribute them."""

    def __init__(self, **cfg: Any) -> None:
        self.cfg = cfg
        self.events: list[tuple[str, dict[str, Any]]] = []

    def sendEvent(self, event: str, data: dict[str, Any]) -> None:
        self.events.append((event, data))

    def names(self) -> list[str]:
        return [event.removeprefix("peng3dnet:") for event, _ in self.events]

    def data_of(self, name: str) -> list[dict[str, Any]]:
        return [data for event, data in self.events if event == f"peng3dnet:{name}"]


class Recorder(peng3dnet.packet.Packet):
    """A packet type that keeps what comes in."""

    def __init__(self, reg: Any, peer: Any, obj: Any = None) -> None:
        super().__init__(reg, peer, obj)
        self.received: list[tuple[Any, int | None]] = []

    def receive(self, msg: Any, cid: int | None = None) -> None:
        self.received.append((msg, cid))

    def messages(self) -> list[Any]:
        return [msg for msg, _ in self.received]


class Echo(peng3dnet.packet.Packet):
    """A packet type that answers with itself."""

    def receive(self, msg: Any, cid: int | None = None) -> None:
        self.peer.send_message(self.obj, msg, cid)


class Net:
    """Makes servers and clients, and ends them all."""

    def __init__(self) -> None:
        self._peers: list[Any] = []

    def server(self, *, packets: Any = None, kind: Any = None, run: bool = True, process: bool = True, **args: Any) -> Any:
        server = (kind or peng3dnet.Server)(addr=("127.0.0.1", 0), **args)
        self._peers.append(server)
        register(server, packets)
        if run:
            server.runAsync()
            if process:
                server.process_async()
        return server

    def client(self, server: Any, *, packets: Any = None, kind: Any = None, run: bool = True, **args: Any) -> Any:
        address = server.sock.getsockname() if hasattr(server, "sock") else server
        client = (kind or peng3dnet.Client)(addr=address, **args)
        self._peers.append(client)
        register(client, packets)
        if run:
            client.runAsync()
            client.process_async()
            client.wait_for_connection(WAIT)
            if getattr(server, "_process_thread", None) is not None:
                own = client.sock.getsockname()
                eventually(lambda: any(c.addr == own and c.state >= 64 for c in server.clients.values()))
        return client

    def close(self) -> None:
        for peer in self._peers:
            if peer.run:
                peer.stop()
        for peer in self._peers:
            peer.join(WAIT)


def register(peer: Any, packets: Any) -> None:
    """Registers packet types: {name: class}, in order."""
    for name, kind in (packets or {}).items():
        peer.register_packet(name, kind(peer.registry, peer, name))
