"""A program's wishes as the API's requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import _body
from .._endpoint import SUBSCRIBER
from ..v1 import command_pb2, endpoint_pb2, event_pb2
from ..v1 import sidecar_service_pb2 as api
from . import options

PacketLike = str | options.Packet


def bind(
    address: str, packets: Iterable[PacketLike], wishes: options.EndpointOptions, ping: options.PingOptions | None
) -> api.BindRequest:
    """The request for a server; errors as in options.fill."""
    request = api.BindRequest(address=address)
    _fill_endpoint(request.options, packets, wishes, event_pb2.EVENT_TYPE_SERVER_CONNECTION_SEND)
    if ping is not None:
        request.ping.application_answers = ping.application_answers
        request.ping.data.msgpack = _body.Encoder().encode(dict(ping.data))
    return request


def connect(
    address: str,
    packets: Iterable[PacketLike],
    wishes: options.EndpointOptions,
    conntype: str,
    wait_handshake: bool,
    timeout: float,
    ignore_missing_packets: bool,
    disable_registry_sync: bool,
) -> api.ConnectRequest:
    """The request for a client; errors as in options.fill."""
    request = api.ConnectRequest(address=address, conntype=conntype, disable_registry_sync=disable_registry_sync)
    if wait_handshake:
        request.wait = api.CONNECT_WAIT_HANDSHAKE
    if ignore_missing_packets:
        request.missing_packet_action = endpoint_pb2.MISSING_PACKET_ACTION_IGNORE
    request.timeout.FromNanoseconds(round(timeout * 1e9))
    _fill_endpoint(request.options, packets, wishes, event_pb2.EVENT_TYPE_CLIENT_SEND)
    return request


def registration(packets: Iterable[PacketLike]) -> command_pb2.PacketRegistration:
    """Packet types to add; errors as in options.fill."""
    message = command_pb2.PacketRegistration()
    _add_packets(message.packets, packets)
    return message


def conntype_registration(conntypes: Iterable[options.Conntype]) -> command_pb2.ConntypeRegistration:
    """Connection types to add; errors as in options.fill."""
    message = command_pb2.ConntypeRegistration()
    for conntype in conntypes:
        options.fill(message.conntypes.add(), conntype)
    return message


def _fill_endpoint(
    message: endpoint_pb2.EndpointOptions,
    packets: Iterable[PacketLike],
    wishes: options.EndpointOptions,
    sent: event_pb2.EventType,
) -> None:
    _add_packets(message.packets, packets)
    for conntype in wishes.conntypes:
        options.fill(message.conntypes.add(), conntype)
    for field in ("compression", "limits", "tls"):
        value = getattr(wishes, field)
        if value is not None:
            options.fill(getattr(message, field), value)
    message.deferred_start = wishes.deferred_start
    message.label = wishes.label
    message.version = wishes.version
    message.events.expected_subscriber = SUBSCRIBER
    if not wishes.report_sent:
        message.events.omit_types.append(sent)


def _add_packets(to: Any, packets: Iterable[PacketLike]) -> None:
    for packet in packets:
        options.fill(to.add(), options.Packet(packet) if isinstance(packet, str) else packet)
