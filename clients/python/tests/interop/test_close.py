"""Reasons for closing arrive. Where the reference loses them, that is written down; where ours is involved, it is true."""

from __future__ import annotations

import pytest

from .peer import OURS, REFERENCE, Peer

pytestmark = pytest.mark.reference

ROUNDS = 20  # for closes whose outcome is a race in the reference


def test_a_server_closes(pair: tuple[Peer, Peer]) -> None:
    server, client = pair
    address = server.serve("a")
    for _ in range(ROUNDS):
        client.connect(address, "a")
        client.wait("connected")
        server.do("close", cid=server.wait("connected")["cid"], reason="kicked")
        seen = client.wait("closed")["reason"]
        if server.library == client.library == REFERENCE:
            assert seen in ("kicked", "socketclose")  # defect 15: about half of them each
        else:
            assert seen == "kicked"
        assert server.wait("closed")["reason"] == ("kicked" if server.library == OURS else None)


@pytest.mark.parametrize("reason", ["bye, bye", None])
def test_a_client_closes(pair: tuple[Peer, Peer], reason: str | None) -> None:
    server, client = pair
    client.connect(server.serve("a"), "a")
    client.wait("connected")
    client.do("close", reason=reason)
    assert server.wait("closed")["reason"] == reason
    # A reference client never learns its own reason (defect 14).
    assert client.wait("closed")["reason"] == (reason if client.library == OURS else "socketclose")


def test_a_server_shuts_down(pair: tuple[Peer, Peer]) -> None:
    server, client = pair
    client.connect(server.serve("a"), "a")
    client.wait("connected")
    server.wait("connected")
    server.do("shutdown", reason="maintenance", timeout=5)  # the reference does not wait without (defect 16)
    seen = client.wait("closed")["reason"]
    assert seen == "maintenance" or (server.library == client.library == REFERENCE and seen == "socketclose")
