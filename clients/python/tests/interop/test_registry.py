"""Server and client agree on their packets' ids, or say that they cannot."""

from __future__ import annotations

import pytest

from .peer import OURS, Peer, pack

pytestmark = pytest.mark.reference

IGNORE = {"net.registry.missingpacketaction": "ignore"}


def test_a_missing_packet_ends_the_handshake(pair: tuple[Peer, Peer]) -> None:
    server, client = pair
    client.connect(server.serve("a", "b"), "a")
    assert server.wait("closed")["reason"] == "packetregmismatch"


def test_a_missing_packet_can_be_ignored(pair: tuple[Peer, Peer]) -> None:
    server, client = pair
    client.connect(server.serve("a", "b"), "a", "x", config=IGNORE)
    client.wait("connected")
    client.send("a", 1)
    assert client.received() == pack(1)


def test_the_servers_order_counts(pair: tuple[Peer, Peer]) -> None:
    server, client = pair
    client.connect(server.serve("b", "a", "c"), "a", "b", "c")
    registry = client.wait("connected")["registry"]
    kept = [name for name in ("a", "b", "c") if name in registry]
    # A reference client loses one packet of the two that swapped their ids (defect 25).
    assert len(kept) == (3 if client.library == OURS else 2)
    ids = {"b": 64, "a": 65, "c": 66}
    for name in kept:
        assert registry[name] == ids[name]
        client.send(name, name)
        assert client.wait("received")["packet"] == name
        assert server.wait("received")["packet"] == name
