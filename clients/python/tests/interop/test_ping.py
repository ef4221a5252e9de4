"""Pings are answered, whoever asks."""

from __future__ import annotations

import pytest

from .peer import PATIENCE, Peer, unpack

pytestmark = pytest.mark.reference


def test_ping(pair: tuple[Peer, Peer]) -> None:
    server, client = pair
    address = server.serve(pingdata={"motd": "Grüße", "players": 3})
    client.do("ping", address=address, data={"asked": "yes"}, timeout=PATIENCE)
    pong = unpack(client.wait("pong")["body"])
    assert pong["motd"] == "Grüße"
    assert pong["players"] == 3
    assert pong["oldmsg"]["asked"] == "yes"
    assert pong["peng3dnet"]["protoversion"] == 2
    assert 0 < pong["delay"] < PATIENCE
    assert pong["recvtime"] >= pong["oldmsg"]["time"]
