"""The event classes: each of the API's types has one, with its fields, whether or not a sidecar is near."""

from __future__ import annotations

import pytest

import pengbridge
from pengbridge._api import events
from pengbridge.v1 import event_pb2

TYPES = [name for name, number in event_pb2.EventType.items() if number]


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_class_and_a_name(name: str) -> None:
    event = events.view(event_pb2.Event(type=name, sequence=7, time_unix_nano=8))
    assert type(event) is not pengbridge.Event
    assert (event.sequence, event.time_unix_nano) == (7, 8)
    assert event.name.startswith(("peng3dnet:server.", "peng3dnet:client."))
    assert "sequence=7" in repr(event)


def test_a_type_that_is_newer_than_this_package() -> None:
    event = events.view(event_pb2.Event(type=1000, sequence=7))  # type: ignore[arg-type]
    assert (type(event), event.name) == (pengbridge.Event, "")


def test_a_program_can_make_its_own() -> None:
    raw = event_pb2.Event(sequence=1, connection_id=2, packet="t:a", msgpack=b"\x91\x01")
    match pengbridge.Received(raw):
        case pengbridge.Received(packet="t:a", connection_id=2, body=[1]) as event:
            assert event == pengbridge.Received(raw)
            assert hash(event) == hash(pengbridge.Received(raw))
            assert event != pengbridge.Refused(raw)
            assert event.body is event.body
        case _:
            pytest.fail("it does not match")
    with pytest.raises(AttributeError):
        event.packet = "t:b"  # type: ignore[misc]


def test_a_body_that_python_cannot_decode_fails_where_it_is_asked_for() -> None:
    event = pengbridge.Received(event_pb2.Event(msgpack=b"\x91"))
    assert event.msgpack == b"\x91"
    assert "body=<" in repr(event)
    with pytest.raises(ValueError, match="incomplete"):
        _ = event.body


def test_no_reason_is_none() -> None:
    assert pengbridge.Closed(event_pb2.Event()).reason is None
    assert pengbridge.Closed(event_pb2.Event(reason="")).reason == ""


@pytest.mark.parametrize(("host", "text"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")])
def test_addresses(host: str, text: str) -> None:
    assert str(pengbridge.Address(host, 80)) == text
