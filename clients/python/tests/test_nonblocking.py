"""Sockets that do not block, read and written by the C library or by Python: the same comes of both."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pengbridge import _nonblocking
from pengbridge._nonblocking import Broken, Nonblocking

Pair = tuple[Nonblocking, socket.socket, socket.socket]


@pytest.fixture(params=["the C library", "Python"])
def made(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """What is tested, its socket, and the other end of that."""
    library: Any = None
    if request.param == "the C library":
        library = _nonblocking.LIBRARY
        if library is None:
            pytest.skip("this Python has none to call")
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield Nonblocking(ours, library), ours, theirs


def test_the_c_library_is_called_where_there_is_one() -> None:
    assert (_nonblocking.LIBRARY is None) == (sys.platform == "win32")


def test_there_and_back(made: Pair) -> None:
    ends, _, theirs = made
    data = b"\0binary\xff" * 1000
    assert ends.send(data) == len(data)
    assert theirs.recv(len(data), socket.MSG_WAITALL) == data
    theirs.sendall(data)
    assert ends.receive() == data
    theirs.sendall(b"x")
    assert ends.receive() == b"x", "nothing is left of what came before"


def test_more_than_is_read_at_once(made: Pair) -> None:
    ends, _, theirs = made
    theirs.setblocking(False)
    data = bytes(range(256)) * (_nonblocking._CHUNK // 128)
    sent = received = 0
    while received < len(data):
        if sent < len(data):
            sent += theirs.send(data[sent : sent + 4096])
        part = ends.receive()
        assert part == data[received : received + len(part)]
        received += len(part)


def test_nothing_to_read(made: Pair) -> None:
    assert made[0].receive() is None


def test_no_room_to_write(made: Pair) -> None:
    ends, _, theirs = made
    data = bytes(1 << 20)
    sent = 0
    while sent < 100 * len(data) and (size := ends.send(data)):
        sent += size
    assert sent < 100 * len(data), "there is always room"
    while sent > 0:
        sent -= len(theirs.recv(1 << 20))
    assert sent == 0


def test_the_end(made: Pair) -> None:
    ends, _, theirs = made
    theirs.close()
    assert ends.receive() == b""
    with pytest.raises(Broken, match="Broken pipe"):
        ends.send(b"x")


@pytest.mark.skipif(not _nonblocking.QUIETLY, reason="this system has no such flag")
def test_writing_beyond_the_end_is_no_signal(made: Pair) -> None:
    """A program may have given it back its default action, which ends the process."""
    ends, _, theirs = made
    came: list[int] = []
    before = signal.signal(signal.SIGPIPE, lambda number, _: came.append(number))
    try:
        theirs.close()
        with pytest.raises(Broken, match="Broken pipe"):
            ends.send(b"x")
    finally:
        signal.signal(signal.SIGPIPE, before)
    assert not came


def test_a_closed_socket_is_nobody_elses(made: Pair) -> None:
    """Its number may be another file's by now."""
    ends, ours, _ = made
    ours.close()
    with pytest.raises(Broken, match="Bad file descriptor"):
        ends.receive()
    with pytest.raises(Broken, match="Bad file descriptor"):
        ends.send(b"x")
