"""What can be asked of an endpoint without waiting, in either flavour.

Everything is queued at once, in order, and goes out by itself. What cannot be queued raises; what fails later comes among
the endpoint's events as CommandFailed. Any thread may call anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from .. import _body, _wire
from .._endpoint import Endpoint, command
from ..errors import SidecarError
from ..v1 import command_pb2, endpoint_pb2
from . import errors, events, options


class Commands:
    """What servers and clients have in common. Made by Sidecar.bind and Sidecar.connect.

    Args:
        engine: the endpoint's streams.
    """

    def __init__(self, engine: Endpoint) -> None:
        self._engine = engine
        self._encoder = _body.Encoder()

    @property
    def id(self) -> str:
        """The endpoint's id in its sidecar, never used again."""
        return self._engine.id

    def set_compression(self, compression: options.Compression) -> None:
        """Changes when bodies are compressed, from the next packet on.

        Raises:
            SidecarError: the endpoint has ended.
            ValueError: a value makes no sense.
        """
        message = endpoint_pb2.Compression()
        options.fill(message, compression)
        self._put(command(set_compression=message))

    def interrupt(self) -> None:
        """Has an Interrupted event reported. It does nothing else.

        Raises:
            SidecarError: the endpoint has ended.
        """
        self._put(command(interrupt=command_pb2.EndpointInterrupt()))

    def _send(self, connection_id: int, packet: str | int, body: Any) -> None:
        encoded = self._encoder.encode(body)
        try:
            self._engine.send(connection_id, packet, encoded, packet)
        except SidecarError as error:
            raise errors.translated(error) from None

    def _close(self, connection_id: int, reason: str | None) -> None:
        self._put(command(close=command_pb2.ConnectionClose(connection_id=connection_id, reason=reason)), connection_id)

    def _update(self, connection_id: int, **changes: Any) -> None:
        self._put(command(update=command_pb2.ConnectionUpdate(connection_id=connection_id, **changes)), connection_id)

    def _put(self, what: command_pb2.Command, connection_id: int | None = None, packet: str | int | None = None) -> None:
        try:
            self._engine.put(what, connection_id, packet)
        except SidecarError as error:
            raise errors.translated(error) from None


class ServerCommands(Commands):
    """What can be asked of a server.

    Args:
        engine: the endpoint's streams.
        address: where it listens.
    """

    def __init__(self, engine: Endpoint, address: events.Address) -> None:
        super().__init__(engine)
        self._address = address

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._address}>"

    @property
    def address(self) -> events.Address:
        """Where it listens, with the port the system chose, if 0 was asked for."""
        return self._address

    def send(self, connection_id: int, packet: str | int, body: Any) -> None:
        """Sends one packet to one connection.

        Args:
            connection_id: the connection.
            packet: the packet's name, or its id.
            body: what MessagePack can carry; keys of maps are str or bytes.

        Raises:
            SidecarError: the endpoint has ended, the packet is too large, or too much waits already.
            TypeError, ValueError, OverflowError: the body cannot be encoded; packet is neither a name nor an id from 64 up.
        """
        self._send(connection_id, packet, body)

    def broadcast(
        self,
        packet: str | int,
        body: Any,
        *,
        to: Collection[int] | None = None,
        group: str | None = None,
        exclude: Iterable[int] = (),
    ) -> None:
        """Sends one packet to many connections, encoded and compressed once. Those that cannot take it are passed over.

        Args:
            packet, body: as for send.
            to: the connections. None: all active ones, or those of the group.
            group: the connections that joined this group; see update. Not together with to.
            exclude: connections to leave out.

        Raises:
            As send.
        """
        encoded = self._encoder.encode(body)
        if to is not None and not to:
            return  # to nobody; in the API, an empty list means all
        message = command_pb2.BroadcastMessage(
            connection_ids=to, group=group, exclude_connection_ids=exclude, **_packet(packet)
        )
        message.body.msgpack = encoded
        self._put(command(broadcast=message), None, packet)

    def close(self, connection_id: int, reason: str | None = None) -> None:
        """Closes a connection: what was sent goes out first, then the reason.

        Args:
            connection_id: the connection.
            reason: for the peer and the Closed event, at most 1024 bytes.

        Raises:
            SidecarError: the endpoint has ended.
        """
        self._close(connection_id, reason)

    def update(
        self,
        connection_id: int,
        *,
        state: int | None = None,
        mode: int | None = None,
        conntype: str | None = None,
        join_groups: Iterable[str] = (),
        leave_groups: Iterable[str] = (),
    ) -> None:
        """Changes what packet rules and broadcasts look at, from the next packet on.

        Args:
            connection_id: the connection.
            state: the new state, such as 65 for logged in. None: unchanged.
            mode: the new mode. None: unchanged.
            conntype: the new connection type, without a new handshake; neither from nor to "ping". None: unchanged.
            join_groups: groups to join, at most 64 for each connection.
            leave_groups: groups to leave.

        Raises:
            SidecarError: the endpoint has ended.
        """
        self._update(
            connection_id, state=state, mode=mode, conntype=conntype, join_groups=join_groups, leave_groups=leave_groups
        )


class ClientCommands(Commands):
    """What can be asked of a client.

    Args:
        engine: the endpoint's streams.
        local_address: our end of the connection.
        remote_address: the server's end.
    """

    def __init__(self, engine: Endpoint, local_address: events.Address, remote_address: events.Address) -> None:
        super().__init__(engine)
        self._local_address = local_address
        self._remote_address = remote_address

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self._remote_address}>"

    @property
    def local_address(self) -> events.Address:
        """Our end of the connection."""
        return self._local_address

    @property
    def remote_address(self) -> events.Address:
        """The server's end."""
        return self._remote_address

    def send(self, packet: str | int, body: Any) -> None:
        """Sends one packet to the server.

        Args:
            packet: the packet's name, or its id.
            body: what MessagePack can carry; keys of maps are str or bytes.

        Raises:
            SidecarError: the endpoint has ended, the packet is too large, or too much waits already.
            TypeError, ValueError, OverflowError: the body cannot be encoded; packet is neither a name nor an id from 64 up.
        """
        self._send(0, packet, body)

    def close(self, reason: str | None = None) -> None:
        """Closes the connection: what was sent goes out first, then the reason.

        Args:
            reason: for the server and the Closed event, at most 1024 bytes.

        Raises:
            SidecarError: the endpoint has ended.
        """
        self._close(0, reason)

    def update(self, *, state: int | None = None, mode: int | None = None, conntype: str | None = None) -> None:
        """Changes what packet rules look at, from the next packet on.

        Args:
            state: the new state, such as 65 for logged in. None: unchanged.
            mode: the new mode. None: unchanged.
            conntype: the new connection type, without a new handshake. None: unchanged.

        Raises:
            SidecarError: the endpoint has ended.
        """
        self._update(0, state=state, mode=mode, conntype=conntype)


def _packet(packet: str | int) -> dict[str, Any]:
    _wire.check_packet(packet)
    return {"name": packet} if isinstance(packet, str) else {"id": packet}
