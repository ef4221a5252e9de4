"""Connection types: what a connection is used for, and how it becomes active."""

from __future__ import annotations

from typing import Any

from . import version as version
from .constants import *  # noqa: F403 - every module of peng3dnet carries the constants
from .constants import STATE_HANDSHAKE_WAIT1

__all__ = ["ClassicConnectionType", "ConnectionType"]


class ConnectionType:
    """What happens to a peer's connections of one type.

    One instance serves all connections of its peer: a cid says which one, None stands for a client's only one. Types
    that are not derived from ClassicConnectionType have no handshake: packet ids need no registration, and the state is up
    to them. They set it in init, or, after a handshake of their own, call the connection's on_handshake_complete.

    Args:
        peer: the Server or Client.
    """

    def __init__(self, peer: Any) -> None:
        self.peer = peer

    def init(self, cid: int | None) -> None:
        """Called when the type of a connection was announced (server) or is being announced (client)."""

    def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
        """Called for each packet from id 64 up, before its handlers.

        Args:
            msg: the decoded body.
            pid: the packet's id.
            flags: the frame's flags, as far as a body that was already inflated has any: 0.
            cid: the connection.

        Returns:
            True to end it here: no packet handler, no on_receive, no event.
        """
        return False

    def send(self, data: Any, pid: Any, cid: int | None) -> bool:
        """Called for each packet of the application, before it goes out.

        Args:
            data: the frame (server) or the body as it was given (client).
            pid: the packet type as it was given.
            cid: the connection.

        Returns:
            True to skip the other hooks: on_send, the event, and the packet's own. The packet goes out all the same.
        """
        return False


class ClassicConnectionType(ConnectionType):
    """The usual type: active after the handshake, which brings both registries in line."""

    def init(self, cid: int | None) -> None:
        if cid is None:
            self.peer.remote_state = STATE_HANDSHAKE_WAIT1
        else:
            self.peer.clients[cid].state = STATE_HANDSHAKE_WAIT1
