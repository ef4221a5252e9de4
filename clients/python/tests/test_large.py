"""Large events are what protobuf makes of them, but that their bodies are not copied."""

from __future__ import annotations

import copy
import pickle
import random

import pytest
from google.protobuf.message import DecodeError

from pengbridge import _endpoint, _large
from pengbridge.v1 import event_pb2, sidecar_service_pb2

BODY = random.Random(1).randbytes(300 << 10)
FIELDS = [field.name for field in event_pb2.Event.DESCRIPTOR.fields]


def an_event(**fields: object) -> event_pb2.Event:
    return event_pb2.Event(
        sequence=1 << 40, time_unix_nano=1 << 60, type=event_pb2.EVENT_TYPE_SERVER_CONNECTION_RECV, packet_id=64, **fields
    )  # type: ignore[arg-type]


def a_batch(*events: event_pb2.Event) -> bytes:
    return sidecar_service_pb2.SubscribeResponse(events=events).SerializeToString()


EVENTS = {
    "a packet": an_event(connection_id=5, packet="t:a", msgpack=BODY),
    "a refused packet": an_event(refused=True, msgpack=BODY),
    "a broadcast": an_event(msgpack=BODY, frame=BODY * 2, connection_ids=[1, 300, 1 << 50]),
    "a broadcast of half a batch": an_event(msgpack=BODY[: 200 << 10], frame=BODY[: 200 << 10], connection_ids=[7]),
}


def encoded(event: event_pb2.Event, *, body_last: bool) -> bytes:
    """A batch of one event, with its fields in the order of their numbers, or as the sidecar writes it."""
    batch = a_batch(event)
    if not body_last:
        return batch
    rest = copy.copy(event)
    rest.ClearField("msgpack")
    fields = rest.SerializeToString() + event_pb2.Event(msgpack=event.msgpack).SerializeToString()
    return batch[: len(batch) - len(fields)] + fields


@pytest.mark.parametrize("body_last", [False, True])
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_they_read_like_the_message(event: event_pb2.Event, body_last: bool) -> None:
    (large,) = _endpoint.events(encoded(event, body_last=body_last))
    assert isinstance(large, _large.LargeEvent)
    assert isinstance(large.msgpack, memoryview)
    for name in FIELDS:
        assert getattr(large, name) == getattr(event, name), name
    assert not large.HasField("reason")
    assert large == event
    assert event == large
    assert large == _endpoint.events(encoded(event, body_last=not body_last))[0]
    assert large != an_event(msgpack=BODY + b"x")
    for twin in (copy.deepcopy(large), pickle.loads(pickle.dumps(large))):
        assert type(twin) is event_pb2.Event
        assert twin == event


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(a_batch(an_event(msgpack=BODY), an_event(msgpack=b"\1")), id="two events"),
        pytest.param(a_batch(an_event(frame=BODY)), id="no body"),
        pytest.param(a_batch(an_event(json="x" * (300 << 10))), id="JSON"),
        pytest.param(
            sidecar_service_pb2.SubscribeResponse(
                events=[an_event(msgpack=BODY)], header=sidecar_service_pb2.SubscribeHeader(first_sequence=1)
            ).SerializeToString(),
            id="a header as well",
        ),
    ],
)
def test_all_else_is_left_to_protobuf(batch: bytes) -> None:
    assert _large.large_event(batch) is None
    assert list(_endpoint.events(batch)) == list(sidecar_service_pb2.SubscribeResponse.FromString(batch).events)


def test_small_batches_are_left_to_protobuf() -> None:
    (event,) = _endpoint.events(a_batch(an_event(msgpack=b"\1")))
    assert type(event) is event_pb2.Event


@pytest.mark.parametrize(
    "batch", [b"", b"\x0a", b"\x80" * 1000, b"\x0a\x05\x3a\x04", b"\x0a\x02\x07\x00", b"\x0a\x02\x3a\x01"]
)
def test_what_is_no_message(batch: bytes) -> None:
    assert _large.large_event(batch) is None


def test_damaged_batches_raise_what_protobuf_raises() -> None:
    """A fuzz test with a seed."""
    chance = random.Random(7)
    intact = encoded(an_event(connection_id=5, packet="t:a", msgpack=b"\xc4\x05hello"), body_last=True)
    for _ in range(20_000):
        batch = bytearray(intact)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(batch))
            if chance.randrange(2):
                batch[place] = chance.randrange(256)
            else:
                del batch[place : place + chance.randrange(1, 5)]
            if not batch:
                break
        try:
            large = _large.large_event(bytes(batch))
        except DecodeError:
            large = None
        if large is not None:
            assert len(large.msgpack) <= len(batch)
