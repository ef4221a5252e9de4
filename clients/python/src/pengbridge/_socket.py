"""What stands where programs expect a socket. The real ones are in the sidecar."""

from __future__ import annotations

import errno
import io
import socket
from collections.abc import Callable
from typing import Any

SocketName = tuple[Any, ...]

_ALWAYS_ON = ((socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_KEEPALIVE))


class Socket:
    """The ends of a connection, or of a listener. It stays readable after the close.

    Args:
        local: our end, (host, port).
        remote: the peer's end; None for a listener.
        close: what close() does.
    """

    def __init__(self, local: tuple[str, int], remote: tuple[str, int] | None, close: Callable[[], None]) -> None:
        self._local = local
        self._remote = remote
        self._close = close

    def getsockname(self) -> SocketName:
        """Our end: (host, port), for IPv6 with flow and scope 0 behind it. After port 0, the port that was bound."""
        return _name(self._local)

    def getpeername(self) -> SocketName:
        """The peer's end, in the same form.

        Raises:
            OSError: ENOTCONN, for a listener.
        """
        if self._remote is None:
            raise OSError(errno.ENOTCONN, "a listening socket has no peer")
        return _name(self._remote)

    def close(self) -> None:
        """Closes the connection, or stops the server."""
        self._close()

    def shutdown(self, how: int) -> None:
        """Closes the connection, as programs do before close(). how: not used, there is no half of it to keep."""
        self._close()

    def setsockopt(self, level: int, optname: int, value: Any) -> None:
        """For programs that make connections quick or lasting: TCP_NODELAY and SO_KEEPALIVE are on anyway.

        Raises:
            OSError: ENOPROTOOPT, for any other option, and for switching these off.
        """
        if (level, optname) not in _ALWAYS_ON or not value:
            raise OSError(errno.ENOPROTOOPT, "the socket is in the sidecar: only what it has anyway can be asked of it")

    def fileno(self) -> int:
        """There is none.

        Raises:
            io.UnsupportedOperation: always.
        """
        raise io.UnsupportedOperation("the socket is in the sidecar: it has no file descriptor here")

    def __repr__(self) -> str:
        return f"<pengbridge socket {self._local} to {self._remote}>"


def _name(end: tuple[str, int]) -> SocketName:
    return (*end, 0, 0) if ":" in end[0] else end
