"""A program's wishes as the API's requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import _body
from .._endpoint import SUBSCRIBER
from ..v1 import command_pb2, endpoint_pb2, event_pb2
from ..v1 import sidecar_service_pb2 as api
from . import events, options

PacketLike = str | options.Packet
AddressLike = str | tuple[str, int]


def address_text(address: AddressLike) -> str:
    """An address as the API takes it: "host:port" as it is, or a (host, port) such as ServerEndpoint.address.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(address, str):
        return address
    if isinstance(address, tuple) and len(address) == 2:
        return str(events.Address(*address))
    raise TypeError(f'an address is "host:port" or (host, port), not {address!r}')


def bind(
    address: AddressLike, packets: Iterable[PacketLike], wishes: options.EndpointOptions, ping: options.PingOptions | None
) -> api.BindRequest:
    """The request for a server; errors as in options.fill."""
    request = api.BindRequest(address=address_text(address))
    _fill_endpoint(request.options, packets, wishes, event_pb2.EVENT_TYPE_SERVER_CONNECTION_SEND)
    if ping is not None:
        request.ping.application_answers = ping.application_answers
        request.ping.data.msgpack = _body.Encoder().encode(dict(ping.data))
    return request


def connect(
    address: AddressLike,
    packets: Iterable[PacketLike],
    wishes: options.EndpointOptions,
    conntype: str,
    wait_handshake: bool,
    timeout: float,
    ignore_missing_packets: bool,
    disable_registry_sync: bool,
) -> api.ConnectRequest:
    """The request for a client; errors as in options.fill."""
    request = api.ConnectRequest(
        address=address_text(address), conntype=conntype, disable_registry_sync=disable_registry_sync
    )
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
    if isinstance(packets, str):
        raise TypeError(f"packets are a list of names or Packets: [{packets!r}]")
    for packet in packets:
        if not isinstance(packet, (str, options.Packet)):
            raise TypeError(f"a packet type is a name or a Packet, not {packet!r}")
        options.fill(to.add(), options.Packet(packet) if isinstance(packet, str) else packet)
