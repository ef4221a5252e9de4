"""Large events. Their bodies stay where they came in: protobuf would copy a body twice, and the pages that the copies take
cost more time than all the rest of receiving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import v1

SMALLEST = 256 << 10  # bytes of a batch; a larger one holds a single event

_EVENTS, _MSGPACK = 1 << 3 | 2, 7 << 3 | 2  # tags, of SubscribeResponse and of Event
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types, the lower three bits of a tag


class LargeEvent:
    """An event of the log that reads like the message it stands for, but its body is a view of the batch.

    Args:
        rest: everything but the body.
        msgpack: the body.
    """

    __slots__ = ("_rest", "msgpack")

    def __init__(self, rest: v1.event_pb2.Event, msgpack: memoryview) -> None:
        self._rest = rest
        self.msgpack = msgpack

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # such as __deepcopy__, which would leave out the body
            raise AttributeError(name)
        return getattr(self._rest, name)

    def message(self) -> v1.event_pb2.Event:
        """The message itself, with a copy of the body."""
        message = v1.event_pb2.Event(msgpack=bytes(self.msgpack))
        message.MergeFrom(self._rest)
        return message

    def __eq__(self, other: object) -> bool:
        return self.message() == (other.message() if isinstance(other, LargeEvent) else other)

    __hash__ = None  # type: ignore[assignment]  # as of every message

    def __reduce__(self) -> tuple[Callable[[bytes], v1.event_pb2.Event], tuple[bytes]]:
        return v1.event_pb2.Event.FromString, (self.message().SerializeToString(),)  # a copy keeps no batch


def large_event(batch: bytes) -> LargeEvent | None:
    """Reads a SubscribeResponse that is one event with a body; None if it is not.

    Raises:
        google.protobuf.message.DecodeError: it is not a message.
    """
    try:
        tag, position = _varint(batch, 0)
        size, begin = _varint(batch, position)
        if tag != _EVENTS or begin + size != len(batch):
            return None
        position = begin
        while True:
            field = position
            tag, position = _varint(batch, position)
            if tag == _MSGPACK:
                size, position = _varint(batch, position)
                break
            position = _after(batch, tag & 7, position)
    except LookupError:
        return None
    end = position + size
    if end > len(batch):
        return None
    rest = v1.event_pb2.Event.FromString(batch[begin:field] + batch[end:])
    return LargeEvent(rest, memoryview(batch)[position:end])


def _after(data: bytes, kind: int, position: int) -> int:
    """Where a field's value ends that begins at the position. Raises LookupError if that cannot be told."""
    if kind == _VARINT:
        return _varint(data, position)[1]
    if kind == _BYTES:
        size, position = _varint(data, position)
        return position + size
    return position + {_FIXED64: 8, _FIXED32: 4}[kind]


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at the position, and where it ends. Raises LookupError if there is none."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        value |= (byte & 127) << shift
        position += 1
        if byte < 128:
            return value, position
    raise LookupError
