"""A server's view of one of its clients."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, TypeVar

from .constants import CONNTYPE_NOTSET, MODE_NOTSET, STATE_ACTIVE, STATE_INIT

K = TypeVar("K")
V = TypeVar("V")


class ClientOnServer:
    """One client. Programs derive from it, override its hooks and keep their own attributes with it.

    Attributes:
        server: the Server.
        conn: what stands for the socket.
        addr: the client's address, (host, port).
        cid: its number, from 1 up; never used twice.
        ssl_seclevel: how well the connection is protected, an SSLSEC constant.
        write_queue: always empty: what waits to be sent waits in the sidecar.
        name: for the program's use.
    """

    def __init__(self, server: Any, conn: Any, addr: Any, cid: int) -> None:
        self.server = server
        self.conn = conn
        self.addr = addr
        self.cid = cid
        self.write_queue: deque[bytes] = deque()
        self.name: Any = None
        self.ssl_state = "handshake"
        self.ssl_seclevel: int = getattr(server, "_security_level", 0)
        self._state = STATE_INIT
        self._mode = MODE_NOTSET
        self._conntype = CONNTYPE_NOTSET
        self._has_discarded = False

    @property
    def state(self) -> int:
        """The connection's state, a STATE constant or the application's own number, which packet rules compare."""
        return self._state

    @state.setter
    def state(self, value: int) -> None:
        self._state = value
        self.server._share(self.cid, "state", value)

    @property
    def mode(self) -> int:
        """The connection's mode, a MODE constant or the application's own number, which packet rules compare."""
        return self._mode

    @mode.setter
    def mode(self, value: int) -> None:
        self._mode = value
        self.server._share(self.cid, "mode", value)

    @property
    def conntype(self) -> str:
        """The connection's type, once that was announced: its hooks see every packet. The application may set another."""
        return self._conntype

    @conntype.setter
    def conntype(self, value: str) -> None:
        self._conntype = value
        self.server._share(self.cid, "conntype", value)

    def close(self, reason: str | None = None) -> None:
        """Closes the connection by the server's close_connection; nothing happens if it is closed already."""
        self.server._close_if_there(self.cid, reason)

    def on_connect(self) -> None:
        """Called when the client has connected. It is in server.clients, but nothing can be sent to it yet."""

    def on_handshake_complete(self) -> None:
        """Called when packets can be sent and received.

        Connection types with a handshake of their own call it at the end of that, as it is here: it makes the connection
        active and reports it, if that was not done.
        """
        if self._state < STATE_ACTIVE:
            self.state = STATE_ACTIVE
            self.server._emit("connection.handshakecomplete", client=self)

    def on_close(self, reason: str | None = None) -> None:
        """Called once, when the connection was closed; afterwards the client leaves server.clients.

        Args:
            reason: why, as whoever closed it said.
        """

    def on_receive(self, ptype: int, msg: Any) -> None:
        """Called for each packet that came in, after the packet's own handler.

        Args:
            ptype: the packet's id.
            msg: the decoded body.
        """

    def on_send(self, ptype: Any, msg: bytes) -> None:
        """Called for each packet that is about to go out.

        Args:
            ptype: the packet type as the sender gave it.
            msg: the whole frame.
        """


class Clients(dict[K, V]):
    """A server's clients by cid. It may be iterated while clients come and go (defect 35): each iteration sees those of
    its beginning. Only the server changes it."""

    def __iter__(self) -> Iterator[K]:
        return iter(list(super().keys()))

    def keys(self) -> Any:
        """The cids of this moment."""
        return dict(self.items()).keys()

    def values(self) -> Any:
        """The clients of this moment."""
        return dict(self.items()).values()

    def items(self) -> Any:
        """The (cid, client) pairs of this moment."""
        return dict(list(super().items())).items()
