"""Pairs of peers, one for each way to put the two libraries together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import product

import pytest

from .peer import OURS, REFERENCE, Peer

LIBRARIES = (REFERENCE, OURS)


@pytest.fixture
def start() -> Iterator[Callable[[str], Peer]]:
    """Starts peers that end with the test."""
    with ExitStack() as peers:
        yield lambda library: peers.enter_context(closing(Peer(library)))


@pytest.fixture(
    params=list(product(LIBRARIES, LIBRARIES)),
    ids=lambda pair: f"{pair[0]}-server-{pair[1]}-client",
)
def pair(request: pytest.FixtureRequest, start: Callable[[str], Peer]) -> tuple[Peer, Peer]:
    """A server's process and a client's, in which nothing is open yet."""
    server, client = request.param
    return start(server), start(client)
