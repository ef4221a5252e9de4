"""Packets: what a program does with a message that came in or is about to go out."""

from __future__ import annotations

from typing import Any

from .. import errors as errors
from ..constants import *  # noqa: F403 - every module of peng3dnet carries the constants
from ..constants import SIDE_CLIENT, SIDE_SERVER, SSLSEC_NONE, STATE_ACTIVE

__all__ = ["Packet", "PrintPacket", "SmartPacket"]


class Packet:
    """One packet type. Programs derive from it and override receive.

    Args:
        reg: the registry that it will be registered in.
        peer: the Server or Client.
        obj: anything the program wants to keep with it.
    """

    def __init__(self, reg: Any, peer: Any, obj: Any = None) -> None:
        self.reg = reg
        self.peer = peer
        self.obj = obj

    def receive(self, msg: Any, cid: int | None = None) -> None:
        """Called for each packet of this type that came in.

        Args:
            msg: the decoded body.
            cid: the connection; None on a client.
        """

    def send(self, msg: Any, cid: int | None = None) -> None:
        """Called for each packet of this type that is about to go out.

        Args:
            msg: the whole frame (server) or the body as it was given (client).
            cid: the connection; None on a client.
        """

    def _receive(self, msg: Any, cid: int | None = None) -> bool | None:
        """Calls receive. Returns False if a rule refuses the packet."""
        self.receive(msg, cid)
        return None

    def _send(self, msg: Any, cid: int | None = None) -> bool | None:
        """Calls send. Returns False if a rule refuses the packet."""
        self.send(msg, cid)
        return None


class SmartPacket(Packet):
    """A packet with a rule: which state, side, mode, connection type and protection it needs.

    A packet that came in against the rule is ignored or closes its connection. One that is about to go out against it
    skips send; it goes out all the same, as programs rely on, unless invalid_action is "close" or the configuration has
    net.rules.strict_send.

    Attributes:
        state: the exact state the connection must be in.
        side: the side that may receive it, SIDE_CLIENT or SIDE_SERVER. None: both.
        min_sslsec_level: the least protection it may be sent with.
        mode: the exact mode the connection must be in. None: any.
        conntype: the connection's type. None: any.
        invalid_action: "ignore" or "close".
    """

    state: int = STATE_ACTIVE
    side: int | None = None
    min_sslsec_level: int = SSLSEC_NONE
    mode: int | None = None
    conntype: str | None = None
    invalid_action: str = "ignore"

    def _receive(self, msg: Any, cid: int | None = None) -> bool:
        """Calls receive if the rule allows that. Returns whether it does, as subclasses that override this rely on."""
        peer = self.peer
        if self._fits(peer if cid is None else peer.clients[cid], peer.side):
            self.receive(msg, cid)
            return True
        self._refuse(cid)
        return False

    def _send(self, msg: Any, cid: int | None = None) -> bool:
        """Calls send if the rule allows that. Returns whether it does."""
        peer = self.peer
        connection = peer if cid is None else peer.clients[cid]
        receiver = SIDE_CLIENT if peer.side == SIDE_SERVER else SIDE_SERVER
        if self._fits(connection, receiver) and connection.ssl_seclevel >= self.min_sslsec_level:
            self.send(msg, cid)
            return True
        self._refuse(cid)
        return False

    def _fits(self, connection: Any, receiver: int) -> bool:
        state = connection.remote_state if connection is self.peer else connection.state
        return (
            state == self.state
            and (self.side is None or self.side == receiver)
            and (self.mode is None or self.mode == connection.mode)
            and (self.conntype is None or self.conntype == connection.conntype)
        )

    def _refuse(self, cid: int | None) -> None:
        if self.invalid_action == "close":
            self.peer.close_connection(cid, "smartpacketinvalid")
        elif self.invalid_action != "ignore":
            raise errors.InvalidSmartPacketActionError(
                f'invalid_action of {type(self).__name__} is {self.invalid_action!r}; use "ignore" or "close"'
            )


class PrintPacket(Packet):
    """Prints what comes in."""

    def receive(self, msg: Any, cid: int | None = None) -> None:
        if self.peer.side == SIDE_CLIENT:
            print(f"[CLIENT] Received message {msg}")
        else:
            print(f"[SERVER] Received message from {cid}: {msg}")
