"""What can happen at an endpoint, as classes to match on.

Events are views of what the sidecar sent: making one costs next to nothing, and its fields are read, and its body is
decoded, only when a program asks for them.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from .. import _body
from ..errors import SidecarError
from ..v1 import event_pb2

FIRST_APPLICATION_ID = 64  # packets below are the protocol's own


class Address(NamedTuple):
    """One end of a TCP connection: an IP address without brackets, or a name that stands for one, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_of(message: event_pb2.Address) -> Address:
    """The API's address as ours."""
    return Address(message.host, message.port)


class Event:
    """Something that happened at an endpoint. Events cannot be changed, and any thread may read them.

    Tests of a program make their own from the API's messages: Received(event_pb2.Event(packet="chat:message", ...)), with
    event_pb2 from pengbridge.v1.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: event_pb2.Event) -> None:
        self._raw = raw

    @property
    def name(self) -> str:
        """What peng3dnet calls it, such as "peng3dnet:server.connection.recv"."""
        return event_name(self._raw.type)

    @property
    def sequence(self) -> int:
        """Its place in the endpoint's log, which begins with 1."""
        return self._raw.sequence

    @property
    def time_unix_nano(self) -> int:
        """When it happened, in nanoseconds since 1970-01-01 UTC."""
        return self._raw.time_unix_nano

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Event) and other._raw == self._raw

    def __hash__(self) -> int:
        return hash((type(self), self._raw.sequence, self._raw.time_unix_nano))

    def __repr__(self) -> str:
        own = [name for kind in type(self).__mro__ for name, value in vars(kind).items() if isinstance(value, property)]
        left_out = {"name", "time_unix_nano", "msgpack", "frame"}
        return f"{type(self).__name__}({', '.join(f'{n}={self._shown(n)}' for n in own if n not in left_out)})"

    def _shown(self, name: str) -> str:
        try:
            return repr(getattr(self, name))
        except ValueError as error:
            return f"<{error}>"  # a body that cannot be decoded


class Initialized(Event):
    """The endpoint exists. Always its first event."""

    __slots__ = ()


class Bound(Event):
    """A server listens."""

    __slots__ = ()

    @property
    def address(self) -> Address:
        """Where, with the port the system chose, if 0 was asked for."""
        return address_of(self._raw.address)


class Connected(Event):
    """A client's TCP connection, and TLS if asked for, stand. The handshake comes next."""

    __slots__ = ()

    @property
    def address(self) -> Address:
        """The server's address as it was asked for."""
        return address_of(self._raw.address)

    @property
    def remote_address(self) -> Address:
        """The same, resolved."""
        return address_of(self._raw.remote_address)

    @property
    def local_address(self) -> Address:
        """Our end of the connection."""
        return address_of(self._raw.local_address)


class Started(Event):
    """A server accepts connections, or a client reads packets, from now on."""

    __slots__ = ()


class Interrupted(Event):
    """interrupt() or stop() was called."""

    __slots__ = ()


class Stopped(Event):
    """The endpoint was stopped."""

    __slots__ = ()

    @property
    def reason(self) -> str | None:
        """Why: "method", because stop() or shutdown() was called."""
        return _reason(self._raw)


class ShutDown(Event):
    """A server was shut down. Always the last event where it occurs."""

    __slots__ = ()

    @property
    def reason(self) -> str | None:
        """What every peer was told."""
        return _reason(self._raw)

    @property
    def join(self) -> bool:
        """Whether the caller waited for the connections' end."""
        return self._raw.join

    @property
    def timeout(self) -> float:
        """How long the peers had, in seconds."""
        return self._raw.timeout.ToNanoseconds() / 1e9


class _OfConnection(Event):
    """What happened to one connection."""

    __slots__ = ()

    @property
    def connection_id(self) -> int:
        """The connection: a server counts them from 1. 0 on a client, which has only one."""
        return self._raw.connection_id


class Accepted(_OfConnection):
    """A connection's first event at a server. The handshake comes next."""

    __slots__ = ()

    @property
    def address(self) -> Address:
        """The peer's address."""
        return address_of(self._raw.address)

    @property
    def local_address(self) -> Address:
        """Our end of the connection."""
        return address_of(self._raw.local_address)


class HandshakeCompleted(_OfConnection):
    """The connection is active: packets may be sent."""

    __slots__ = ()

    @property
    def registry(self) -> dict[str, int]:
        """A client's packet ids by name, as agreed on with the server, the protocol's own included. Empty at a server."""
        return {row.name: row.id for row in self._raw.registry}


class Closed(_OfConnection):
    """A connection's last event, once for each connection."""

    __slots__ = ()

    @property
    def reason(self) -> str | None:
        """Why, as the side that closed it said; None if it gave no reason."""
        return _reason(self._raw)

    @property
    def detail(self) -> str:
        """The same for a person to read, where there is more to say. Otherwise empty."""
        return self._raw.detail


class _WithPacket(_OfConnection):
    """What happened to a packet."""

    __slots__ = ("_decoded",)

    @property
    def packet(self) -> str:
        """The packet's name; empty for an id that is not registered."""
        return self._raw.packet

    @property
    def packet_id(self) -> int:
        """The packet's id on the wire."""
        return self._raw.packet_id

    @property
    def body(self) -> Any:
        """The decoded body, decoded once. It is the same object each time.

        Raises:
            ValueError: Python cannot decode it, such as a timestamp extension that makes no sense.
        """
        try:
            return self._decoded
        except AttributeError:
            self._decoded: Any = _body.decode(self._raw.msgpack)
            return self._decoded

    @property
    def msgpack(self) -> bytes:
        """The body as it came, in MessagePack."""
        return bytes(self._raw.msgpack)  # of a large packet, it is a view


class Received(_WithPacket):
    """A packet came in."""

    __slots__ = ()


class Refused(_WithPacket):
    """A packet came in that does not count: a rule, an unfinished handshake or an unknown id speaks against it.

    It is reported so that nothing is lost silently. Most programs pass over it.
    """

    __slots__ = ()


class Sent(_WithPacket):
    """A packet was queued for sending. Reported if EndpointOptions.report_sent is set."""

    __slots__ = ()

    @property
    def connection_ids(self) -> tuple[int, ...]:
        """For a broadcast, all connections it was queued to; connection_id is 0 then."""
        return tuple(self._raw.connection_ids)

    @property
    def frame(self) -> bytes:
        """At a server, the whole frame as it goes out, maybe compressed."""
        return self._raw.frame


class CommandFailed(Event):
    """Something that was asked of the endpoint without waiting could not be done: a packet not sent, for example.

    It comes among the other events, but is none of the log's: its sequence is 0, its name empty.
    """

    __slots__ = ("_connection_id", "_error", "_packet")

    def __init__(self, connection_id: int | None, packet: str | int | None, error: SidecarError) -> None:
        super().__init__(event_pb2.Event(time_unix_nano=time.time_ns()))
        self._connection_id = connection_id
        self._packet = packet
        self._error = error

    @property
    def connection_id(self) -> int | None:
        """The connection it was for; None for a broadcast, and for what concerns the whole endpoint."""
        return self._connection_id

    @property
    def packet(self) -> str | int | None:
        """The packet as it was given; None if it was no packet."""
        return self._packet

    @property
    def error(self) -> SidecarError:
        """Why."""
        return self._error


def _reason(raw: event_pb2.Event) -> str | None:
    return raw.reason if raw.HasField("reason") else None


_CLASSES: dict[str, type[Event]] = {
    "INITIALIZE": Initialized,
    "BIND": Bound,
    "CONNECT": Connected,
    "START": Started,
    "STOP": Stopped,
    "INTERRUPT": Interrupted,
    "SHUTDOWN": ShutDown,
    "ACCEPT": Accepted,
    "HANDSHAKECOMPLETE": HandshakeCompleted,
    "SEND": Sent,
    "RECV": Received,
    "CLOSE": Closed,
}
_BY_TYPE: dict[int, type[Event]] = {
    number: _CLASSES[name.rpartition("_")[2]] for name, number in event_pb2.EventType.items() if number
}
_NAMES: dict[int, str] = {
    number: "peng3dnet:" + name.removeprefix("EVENT_TYPE_").lower().replace("_", ".")
    for name, number in event_pb2.EventType.items()
    if number
}


def event_name(kind: int) -> str:
    """What peng3dnet calls a type of event; empty for one that is newer than this package."""
    return _NAMES.get(kind, "")


def view(raw: event_pb2.Event) -> Event:
    """An event of the log as the class it belongs to; a plain Event if its type is newer than this package."""
    kind = _BY_TYPE.get(raw.type, Event)
    if kind is Received and raw.refused:
        kind = Refused
    return kind(raw)


def is_internal(raw: event_pb2.Event) -> bool:
    """Whether an event is about a packet of the protocol's own: a step of the handshake, or of a close."""
    return 0 < raw.packet_id < FIRST_APPLICATION_ID
