"""Options become the API's messages: every field has its place, and what is not given is not said."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from google.protobuf.message import Message

from pengbridge import Compression, Conntype, EndpointOptions, Limits, Packet, PacketRule, PingOptions, TlsOptions
from pengbridge._api import options, requests
from pengbridge.v1 import endpoint_pb2, packet_pb2

MESSAGES: list[tuple[type, type[Message]]] = [
    (Compression, endpoint_pb2.Compression),
    (Conntype, packet_pb2.Conntype),
    (Limits, endpoint_pb2.Limits),
    (Packet, packet_pb2.Packet),
    (PacketRule, packet_pb2.PacketRule),
    (TlsOptions, endpoint_pb2.TlsOptions),
]


@pytest.mark.parametrize(("kind", "message"), MESSAGES)
def test_the_fields_are_the_api_s(kind: Any, message: Any) -> None:
    assert [field.name for field in dataclasses.fields(kind)] == [field.name for field in message.DESCRIPTOR.fields]


def filled(message: Message, wishes: Any) -> Message:
    options.fill(message, wishes)
    return message


def test_what_is_given_is_said() -> None:
    rule = PacketRule(state=0, side="client", mode=3, conntype="c", min_tls_level="server_auth", action="close")
    packet = filled(packet_pb2.Packet(), Packet("t:a", 70, rule))
    assert packet == packet_pb2.Packet(
        name="t:a",
        id=70,
        rule=packet_pb2.PacketRule(
            state=0,
            side=packet_pb2.SIDE_CLIENT,
            mode=3,
            conntype="c",
            min_tls_level=packet_pb2.TLS_LEVEL_SERVER_AUTH,
            action=packet_pb2.RULE_ACTION_CLOSE,
        ),
    )
    limits = filled(endpoint_pb2.Limits(), Limits(max_connections=5, idle_timeout=1.5))
    assert isinstance(limits, endpoint_pb2.Limits)
    assert [field.name for field, _ in limits.ListFields()] == ["max_connections", "idle_timeout"]
    assert limits.idle_timeout.ToNanoseconds() == 1_500_000_000


@pytest.mark.parametrize("rule", [PacketRule(side="unspecified"), PacketRule(action="explode")])  # type: ignore[arg-type]
def test_a_word_that_is_none(rule: PacketRule) -> None:
    with pytest.raises(ValueError, match="is none of"):
        options.fill(packet_pb2.PacketRule(), rule)


def test_a_request_for_a_server() -> None:
    wishes = EndpointOptions(conntypes=[Conntype("t:raw", "none")], tls=TlsOptions(key_file="k"), limits=Limits())
    request = requests.bind("a:1", ["t:a", Packet("t:b", 80)], wishes, PingOptions({"x": 1}))
    assert [(packet.name, packet.id) for packet in request.options.packets] == [("t:a", 0), ("t:b", 80)]
    assert request.options.conntypes[0].handshake == packet_pb2.CONNTYPE_HANDSHAKE_NONE
    assert request.options.tls.key_file == "k"
    assert not request.options.HasField("compression")
    assert request.ping.data.msgpack == b"\x81\xa1x\x01"


@pytest.mark.parametrize("reported", [False, True])
def test_whether_what_was_sent_is_reported(reported: bool) -> None:
    wishes = EndpointOptions(report_sent=reported)
    assert len(requests.bind("", [], wishes, None).options.events.omit_types) == (not reported)
