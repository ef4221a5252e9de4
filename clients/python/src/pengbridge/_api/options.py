"""What endpoints are made with. Fields have the API's names; a field that is None leaves the default to the sidecar."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from google.protobuf.message import Message


@dataclass(frozen=True)
class PacketRule:
    """When a packet counts. The sidecar enforces it on receiving and on sending.

    Attributes:
        state: the exact connection state it needs. Default: 64, active.
        side: the side that may receive it. Default: both.
        mode: the exact mode it needs. Default: any.
        conntype: the connection type it needs. Default: any.
        min_tls_level: the least protection the connection must have.
        action: what happens to a packet that is refused: it is ignored, or the connection is closed with the reason
            "smartpacketinvalid".
    """

    state: int | None = None
    side: Literal["client", "server"] | None = None
    mode: int | None = None
    conntype: str | None = None
    min_tls_level: Literal["wrapped", "encrypted", "server_auth", "both_auth"] | None = None
    action: Literal["ignore", "close"] = "ignore"


@dataclass(frozen=True)
class Packet:
    """A packet type.

    Attributes:
        name: what both sides know it by, such as "chat:message".
        id: its id on the wire, from 64 up. Default: the next free one. A client gets its server's.
        rule: when it counts. Default: always, once the handshake is complete.
    """

    name: str
    id: int | None = None
    rule: PacketRule | None = None


@dataclass(frozen=True)
class Conntype:
    """A connection type beyond "classic" and "ping".

    Attributes:
        name: what the client announces.
        handshake: "classic" as usual, or "none": active at once, and packet ids need no registration.
    """

    name: str
    handshake: Literal["classic", "none"] = "classic"


@dataclass(frozen=True)
class Compression:
    """When outgoing bodies are compressed.

    Attributes:
        disabled: whether never.
        threshold_bytes: bodies of more bytes are. Default: 8192.
        level: zlib's, 0 to 9. Default: 6.
    """

    disabled: bool = False
    threshold_bytes: int | None = None
    level: int | None = None


@dataclass(frozen=True)
class Limits:
    """What peers may cost. Times are in seconds.

    Attributes:
        max_packet_bytes: the largest packet, inflated. Default: 16 MiB.
        max_handshake_packet_bytes: the same before the handshake is complete. Default: 64 KiB.
        max_registry_bytes: the same for the registry a client receives. Default: 1 MiB.
        handshake_timeout: for the whole handshake. Default: 10.
        max_connections: of a server, at once. Default: 65,536.
        max_connections_per_address: of those. Default: no limit of its own.
        send_queue_bytes: that wait for a peer that reads slowly. Default: 32 MiB.
        write_stall_timeout: how long such a peer may read nothing. Default: 60.
        frame_stall_timeout: how long a peer may leave a frame half sent. Default: 60.
        idle_timeout: how long a peer may send nothing. Default: for ever.
        backlog_bytes: of events that wait for this program, before reading pauses. Default: 64 MiB.
        backlog_events: the same in events. Default: 1,048,576.
        packets_per_second: from one connection. Default: no limit.
        bytes_per_second: from one connection. Default: no limit.
    """

    max_packet_bytes: int | None = None
    max_handshake_packet_bytes: int | None = None
    max_registry_bytes: int | None = None
    handshake_timeout: float | None = None
    max_connections: int | None = None
    max_connections_per_address: int | None = None
    send_queue_bytes: int | None = None
    write_stall_timeout: float | None = None
    frame_stall_timeout: float | None = None
    idle_timeout: float | None = None
    backlog_bytes: int | None = None
    backlog_events: int | None = None
    packets_per_second: int | None = None
    bytes_per_second: int | None = None


@dataclass(frozen=True)
class TlsOptions:
    """TLS for game traffic. The sidecar reads the PEM files, on its machine.

    Attributes:
        certificate_file: our certificate chain. A server needs it.
        key_file: its private key.
        ca_file: who vouches for the peer. Default: the system's authorities for a client, nobody for a server.
        require_client_certificate: a server's clients need a certificate signed by ca_file.
        server_name: what a server's certificate must name. Default: the host that is connected to.
        insecure_skip_verify: a client does not check the server's certificate. Anyone may be reading then.
        skip_server_name_check: a client takes any name in a certificate that ca_file, or one of the system's authorities,
            has signed.
    """

    certificate_file: str | None = None
    key_file: str | None = None
    ca_file: str | None = None
    require_client_certificate: bool = False
    server_name: str | None = None
    insecure_skip_verify: bool = False
    skip_server_name_check: bool = False


@dataclass(frozen=True)
class PingOptions:
    """How a server answers pings. Without, connection type "ping" is refused.

    Attributes:
        data: what the sidecar answers by itself, besides the request and its version.
        application_answers: the program answers instead: packets 64 (request) and 65 (answer) come and go as others do.
    """

    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    application_answers: bool = False


@dataclass(frozen=True)
class EndpointOptions:
    """What servers and clients have in common, besides their packets.

    Attributes:
        conntypes: connection types beyond those built in.
        compression: when bodies are compressed.
        limits: what peers may cost.
        tls: TLS for game traffic. Default: none.
        deferred_start: whether the endpoint waits for start() before it accepts or reads.
        label: a name for people, in the sidecar's lists and log lines.
        version: the release announced to peers. Default: "0.2.0".
        report_sent: whether what was sent is reported, too, as Sent.
        report_internal: whether packets of the protocol's own, with ids below 64, are reported, too.
    """

    conntypes: Iterable[Conntype] = ()
    compression: Compression | None = None
    limits: Limits | None = None
    tls: TlsOptions | None = None
    deferred_start: bool = False
    label: str = ""
    version: str = ""
    report_sent: bool = False
    report_internal: bool = False


def fill(message: Message, options: Any) -> None:
    """Copies one of the classes above into the message of the same fields. None is left out.

    Raises:
        ValueError: a value makes no sense for its field.
        TypeError: a value has the wrong type.
    """
    message.SetInParent()  # also where everything is left to the default
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if value is None:
            continue
        descriptor = message.DESCRIPTOR.fields_by_name[field.name]
        if descriptor.enum_type is not None:
            setattr(message, field.name, _number(descriptor.enum_type, value))
        elif descriptor.message_type is None:
            setattr(message, field.name, value)
        elif dataclasses.is_dataclass(value):
            fill(getattr(message, field.name), value)
        else:
            getattr(message, field.name).FromNanoseconds(round(value * 1e9))  # the only other ones are durations


def _number(enum: Any, word: str) -> int:
    """The number of an enumeration's value, by the part of its name that tells it from the others."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    value = enum.values_by_name.get(prefix + word.upper())
    if value is None or not value.number:
        words = [v.name.removeprefix(prefix).lower() for v in enum.values if v.number]
        raise ValueError(f"{word!r} is none of {', '.join(words)}")
    number: int = value.number
    return number
