"""Commands and frames as bytes, put together by hand where they are many.

A packet that is sent costs one lookup and one join here; building protobuf objects for it costs ten times as much. That
the bytes are the same is tested.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from . import constants

if TYPE_CHECKING:
    from .v1 import command_pb2 as pb

FIRST_APPLICATION_ID, LAST_ID = 64, 2**32 - 1

HEADER = struct.Struct(constants.STRUCT_FORMAT_HEADER)
LENGTH32 = struct.Struct(constants.STRUCT_FORMAT_LENGTH32)

# Field tags: number << 3 | wire type (0 varint, 2 length-delimited).
_REQUEST_ENDPOINT = b"\x0a"
_REQUEST_SENDER = b"\x12"
_REQUEST_FIRST = b"\x18"
_REQUEST_COMMAND = b"\x22"
_REQUEST_ANSWER_LATER = b"\x28\x01"
_COMMAND_SEND = b"\x0a"
_COMMAND_ACKNOWLEDGE = b"\x3a"
_ACKNOWLEDGEMENT_SUBSCRIBER = b"\x0a"
_ACKNOWLEDGEMENT_SEQUENCE = b"\x10"
_MESSAGE_CONNECTION = b"\x08"
_MESSAGE_NAME = b"\x12"
_MESSAGE_ID = b"\x18"
_MESSAGE_BODY = b"\x22"
_BODY_MSGPACK = b"\x0a"
_RESPONSE_EVENTS = b"\x0a"


_SMALL = [bytes((n,)) for n in range(128)]


def varint(n: int) -> bytes:
    """Protobuf's variable-length form of an unsigned integer."""
    if n < 128:
        return _SMALL[n]
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def has_events(response: bytes) -> bool:
    """Whether an encoded SubscribeResponse is a batch of events, and not a header or a heartbeat."""
    return response.startswith(_RESPONSE_EVENTS)


@lru_cache(maxsize=8192)
def send_prefix(cid: int, packet: int | str, size: int) -> bytes:
    """Everything of a send command, as an entry of a CommandsRequest, before a body of size bytes.

    Args:
        cid: the connection; 0 on a client.
        packet: the packet's id or name.
        size: the body's length in bytes.

    Raises:
        TypeError, ValueError: cid is no connection's number, or packet as in check_packet.
    """
    if cid < 0:
        raise ValueError(f"connections are numbered from 1: there is none with {cid}")
    check_packet(packet)
    connection = _MESSAGE_CONNECTION + varint(cid) if cid else b""
    if isinstance(packet, str):
        name = packet.encode()
        kind = _MESSAGE_NAME + varint(len(name)) + name
    else:
        kind = _MESSAGE_ID + varint(packet)
    return _nested(_COMMAND_SEND, connection + kind, _MESSAGE_BODY, size)


def check_packet(packet: object) -> None:
    """Checks what a program names a packet by, before it becomes bytes that mean something else.

    Raises:
        TypeError: it is neither a name nor an id.
        ValueError: it is no id of an application's packet.
    """
    if isinstance(packet, str):
        return
    if not isinstance(packet, int):
        raise TypeError(f"a packet is given by its name or its id, not by {packet!r}")
    if not FIRST_APPLICATION_ID <= packet <= LAST_ID:
        raise ValueError(f"an application's packets have ids from {FIRST_APPLICATION_ID} to {LAST_ID}, not {packet}")


def command(what: pb.Command) -> bytes:
    """Any command as an entry of a CommandsRequest."""
    encoded = what.SerializeToString()
    return _REQUEST_COMMAND + varint(len(encoded)) + encoded


def acknowledgement(subscriber: str, sequence: int) -> bytes:
    """An acknowledge command as an entry of a CommandsRequest.

    Args:
        subscriber: whose.
        sequence: up to which.
    """
    number = varint(sequence)
    return _acknowledgement_prefix(subscriber, len(number)) + number


def opening(endpoint_id: str, sender: str) -> bytes:
    """A CommandsRequest that opens a stream. Requests may be joined: the bytes of two are one with the fields of both."""
    endpoint, name = endpoint_id.encode(), sender.encode()
    return b"".join((_REQUEST_ENDPOINT, varint(len(endpoint)), endpoint, _REQUEST_SENDER, varint(len(name)), name))


def numbered(first: int, later: bool) -> bytes:
    """The part of a CommandsRequest that numbers its commands, and says whether their answer may come later."""
    return _REQUEST_FIRST + varint(first) + (_REQUEST_ANSWER_LATER if later else b"")


def frame(packet: int, body: bytes, threshold: int | None, level: int) -> bytes:
    """A packet as it goes over the wire, length prefix included.

    Args:
        packet: its id.
        body: its MessagePack value.
        threshold: bodies of more than this many bytes are compressed. None: none.
        level: zlib's level.
    """
    flags = 0
    if threshold is not None and len(body) > threshold:
        flags, body = constants.FLAG_COMPRESSED, zlib.compress(body, level)
    return b"".join((LENGTH32.pack(HEADER.size + len(body)), HEADER.pack(packet, flags), body))


@lru_cache(maxsize=64)
def _acknowledgement_prefix(subscriber: str, size: int) -> bytes:
    name = subscriber.encode()
    head = b"".join((_ACKNOWLEDGEMENT_SUBSCRIBER, varint(len(name)), name, _ACKNOWLEDGEMENT_SEQUENCE))
    note = varint(len(head) + size)
    return b"".join((_REQUEST_COMMAND, varint(len(note) + 1 + len(head) + size), _COMMAND_ACKNOWLEDGE, note, head))


def _nested(kind: bytes, head: bytes, tag: bytes, size: int) -> bytes:
    body = _BODY_MSGPACK + varint(size)
    message = head + tag + varint(len(body) + size) + body
    length = varint(len(message) + size)
    command = kind + length + message
    return _REQUEST_COMMAND + varint(len(command) + size) + command
