"""A gRPC call on a socket of its own: any thread writes to it at once, and whichever thread needs messages reads them.

grpcio reads and writes in threads of its own. For a packet that is answered, that is four hand-overs between threads that
share one interpreter, and more time than everything else together; here there is none.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading

from ._call import Call
from ._dial import Tls
from ._nonblocking import QUIETLY, Broken, Nonblocking


class Stream:
    """What is sent and received by one call. One thread at a time may receive, another one close; any may do the rest.

    Args:
        sock: a socket that does not block. It belongs to the stream.
        tls: what encrypts for it, if anything does.
        call: a call that has just begun.

    Attributes:
        busy: whether something that was sent still waits for the socket or the other side, and for a thread that receives.
    """

    def __init__(self, sock: socket.socket, tls: Tls | None, call: Call) -> None:
        self._sock = sock
        self._nonblocking = Nonblocking(sock)
        self._tls = tls
        self._call = call
        self._lock = threading.Lock()  # guards the call and the order of what is written
        self._unwritten = memoryview(b"")  # what the socket did not take
        self.busy = False
        self._waiter = _Waiter(sock)

    def send(self, message: bytes) -> None:
        """Sends a message. It never waits; if the call has ended or the connection is broken, receive tells."""
        with self._lock:
            self._call.send(message)
            self._write()

    def half_close(self) -> None:
        """Says that no more messages follow."""
        with self._lock:
            self._call.half_close()
            self._write()

    def hold(self, held: bool) -> None:
        """While it is held, not much more than _call.WINDOW bytes come in."""
        with self._lock:
            self._call.hold(held)
            self._write()

    def cancel(self) -> None:
        """Ends the call: receive raises CallError with CANCELLED."""
        with self._lock:
            self._call.cancel()
            self._write()
        self._waiter.wake()

    def interrupt(self) -> None:
        """Ends a receive that waits, or the next one."""
        self._waiter.wake()

    def abort(self, why: str) -> None:
        """Gives the connection up: receive raises CallError with UNAVAILABLE, and whoever opened it may open another."""
        self._call.receive_end(why)
        self._waiter.wake()

    def wait(self, timeout: float | None) -> None:
        """Waits until there is something to take, or interrupt was called.

        Args:
            timeout: in seconds; None for no limit.
        """
        if not self._call.ended:
            self._waiter.wait(timeout, bool(self._unwritten))

    def take(self) -> list[bytes] | None:
        """Takes what has come, and writes what could not be written before. It does not wait.

        Returns:
            The messages, maybe none. None when the call has ended well.

        Raises:
            CallError: the call has not ended well.
        """
        call = self._call
        if not call.ended:
            with self._lock:
                messages = self._read()
                self._write()
            if messages or not call.ended:
                return messages
        if call.error is not None:
            raise call.error
        return None

    def receive(self, timeout: float | None = None) -> list[bytes] | None:
        """Waits and takes: no messages, if it was interrupted or the time is over. Results and errors as in take."""
        self.wait(timeout)
        return self.take()

    def close(self) -> None:
        """Lets the connection go. Nobody may receive any more."""
        with self._lock:
            with contextlib.suppress(OSError):  # the sidecar may have been quicker
                self._sock.shutdown(socket.SHUT_RDWR)  # a fork may have the socket, too, and hold it open
            self._sock.close()
            self._waiter.close()

    # What follows is called with the lock held.

    def _read(self) -> list[bytes]:
        try:
            data = self._nonblocking.receive()
            if data is None:
                return []
            if not data:
                self._call.receive_end()
                return []
            if self._tls is not None:
                data = self._tls.decrypt(data)
        except (Broken, ssl.SSLError) as error:
            self._call.receive_end(f"the connection broke: {error}")
            return []
        return self._call.receive(data)

    def _write(self) -> None:
        waited = len(self._unwritten) > 0
        try:
            data = self._call.output()
            if self._tls is not None:
                data = self._tls.encrypt(data)
            if waited:
                data = b"".join((self._unwritten, data))
            if data:
                self._unwritten = memoryview(data)
                self._unwritten = self._unwritten[self._nonblocking.send(data) :]
        except (Broken, ssl.SSLError):
            self._unwritten = memoryview(b"")  # nobody will take it; whoever receives learns why
        except BaseException:  # a signal's handler may raise anywhere in the main thread
            self.abort("writing was interrupted")  # who knows how much of it went out
            raise
        self.busy = len(self._unwritten) > 0 or self._call.blocked
        if self._unwritten and not waited:
            self._waiter.wake()  # whoever receives must now also wait for room


class _Waiter:
    """Waits for a socket. One thread at a time may wait; any may wake it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._fileno = sock.fileno()
        self._bell, self._button = socket.socketpair()
        self._bell.setblocking(False)
        self._button.setblocking(False)
        self._poll = select.poll() if hasattr(select, "poll") else None  # Windows has none
        self._writing = False
        if self._poll is not None:
            self._poll.register(sock, select.POLLIN)
            self._poll.register(self._bell, select.POLLIN)

    def wait(self, timeout: float | None, writing: bool) -> None:
        """Waits until there is something to read, or room to write if writing is wanted, or wake was called.

        Args:
            timeout: in seconds; None for no limit.
            writing: whether room is waited for, too.
        """
        if self._poll is None:
            readable, _, _ = select.select([self._sock, self._bell], [self._sock] if writing else [], [], timeout)
            rung = self._bell in readable
        else:
            if writing != self._writing:
                self._writing = writing
                self._poll.modify(self._sock, select.POLLIN | (select.POLLOUT if writing else 0))
            ready = self._poll.poll(None if timeout is None else timeout * 1000)
            rung = bool(ready) and (len(ready) > 1 or ready[0][0] != self._fileno)
        if rung:
            with contextlib.suppress(BlockingIOError):
                while self._bell.recv(64):
                    pass

    def wake(self) -> None:
        """Ends a wait, the present or the next one."""
        with contextlib.suppress(OSError):  # full: it is woken anyway; closed: nobody waits
            self._button.send(b"\0", QUIETLY)

    def close(self) -> None:
        """Lets its sockets go."""
        self._bell.close()
        self._button.close()
