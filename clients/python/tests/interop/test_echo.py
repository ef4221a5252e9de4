"""Packets arrive as they were sent, whoever sends them. They go one at a time: bursts can stall the reference (defect 1)."""

from __future__ import annotations

import random

import pytest

from .peer import Peer, pack
from .values import values

pytestmark = pytest.mark.reference

ECHO = "interop:echo"


def opened(pair: tuple[Peer, Peer]) -> tuple[Peer, Peer]:
    server, client = pair
    client.connect(server.serve(ECHO), ECHO)
    client.wait("connected")
    return pair


def test_every_type(pair: tuple[Peer, Peer]) -> None:
    server, client = opened(pair)
    for i, value in enumerate(values()):
        client.send(ECHO, value)
        assert client.received() == pack(value), f"value {i}, as it came back"
        assert server.received() == pack(value), f"value {i}, as the server saw it"


# A reference server sends no more than about 4 MB in one piece (defect 9).
@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_large_bodies(pair: tuple[Peer, Peer], size: int) -> None:
    server, client = opened(pair)
    for value in ("All work and no play. " * (size // 22), random.Random(1).randbytes(size)):
        client.send(ECHO, value)
        assert server.received() == pack(value), "as the server saw it"
        assert client.received() == pack(value), "as it came back"


def test_a_server_may_send_unasked(pair: tuple[Peer, Peer]) -> None:
    server, client = opened(pair)
    server.send(ECHO, {"news": "none"}, server.wait("connected")["cid"])
    assert client.received() == pack({"news": "none"})
