"""Reading and writing a socket without letting go of the interpreter.

Python's own socket calls let go of it, even where they cannot block. Beside a thread that computes, whoever has let go waits
for the switch interval of 5 ms to get it back, and an answer takes both calls: 10 ms, in place of 10 us. The C library's own
are called here, at half a microsecond more each.
"""

from __future__ import annotations

import errno
import os
import socket

_CHUNK = 256 << 10  # bytes to read at once: a whole batch of events

# For writing: a program that has given SIGPIPE back its default action would die with its sidecar. macOS has no such flag.
QUIETLY = getattr(socket, "MSG_NOSIGNAL", 0)


_NOT_NOW = (errno.EAGAIN, errno.EWOULDBLOCK)


class Broken(Exception):
    """The connection is broken. It is no OSError: a signal's handler may raise one of those, such as TimeoutError, between
    any two calls, and then nothing is broken."""


class _Library:
    """The C library's functions, called while the interpreter is kept.

    Raises:
        ImportError, OSError, TypeError, AttributeError: there is none: on Windows, which calls them something else, and in a
            Python that has no ctypes or is linked statically.
    """

    def __init__(self) -> None:
        import ctypes

        library = ctypes.PyDLL(None, use_errno=True)
        self.recv, self.send = library.recv, library.send
        for function, pointer in ((self.recv, ctypes.c_void_p), (self.send, ctypes.c_char_p)):
            function.argtypes = (ctypes.c_int, pointer, ctypes.c_size_t, ctypes.c_int)
            function.restype = ctypes.c_ssize_t
        self._ctypes = ctypes

    def address(self, buffer: bytearray) -> int:
        """Where a buffer is, as long as a memoryview of it keeps it there."""
        return self._ctypes.addressof(self._ctypes.c_char.from_buffer(buffer))

    def broken(self) -> Broken | None:
        """Why the last call has returned less than 0; None if it only would have had to wait."""
        number = self._ctypes.get_errno()
        return None if number in _NOT_NOW else Broken(os.strerror(number))


def _library() -> _Library | None:
    try:
        return _Library()
    except (ImportError, OSError, TypeError, AttributeError):
        return None


LIBRARY = _library()


class Nonblocking:
    """Reads and writes a socket that does not block. One thread at a time may use it, and nobody closes it meanwhile.

    Args:
        sock: the socket.
        library: what to call; None for Python's own.
    """

    def __init__(self, sock: socket.socket, library: _Library | None = LIBRARY) -> None:
        self._sock = sock
        self._library = library
        chunk = bytearray(_CHUNK)  # one for all reads: a new one of this size costs more than reading
        self._chunk = memoryview(chunk)
        self._address = 0 if library is None else library.address(chunk)

    def receive(self) -> bytes | None:
        """Returns what has come: nothing at the end, None if nothing has come yet.

        Raises:
            Broken: the connection is.
        """
        if self._library is None:
            try:
                size = self._sock.recv_into(self._chunk)
            except BlockingIOError:
                return None
            except OSError as error:
                raise Broken(error.strerror) from error
        else:
            size = self._library.recv(self._sock.fileno(), self._address, _CHUNK, 0)
            if size < 0:
                if (broken := self._library.broken()) is not None:
                    raise broken
                return None
        return bytes(self._chunk[:size])

    def send(self, data: bytes) -> int:
        """Sends what there is room for, and returns how many bytes those are.

        Raises:
            Broken: the connection is.
        """
        if self._library is None:
            try:
                return self._sock.send(data, QUIETLY)
            except BlockingIOError:
                return 0
            except OSError as error:
                raise Broken(error.strerror) from error
        size: int = self._library.send(self._sock.fileno(), data, len(data), QUIETLY)
        if size < 0:
            if (broken := self._library.broken()) is not None:
                raise broken
            return 0
        return size
