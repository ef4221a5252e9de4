"""Reads an endpoint's log into its inbox, and resumes the stream where it broke.

Whoever waits for events reads them from the socket: nothing is handed from thread to thread. A thread of the reader's own
does it while nobody waits.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _inbox, _wire, v1
from ._status import CallError, Code
from ._stream import Stream
from .errors import SidecarError

if TYPE_CHECKING:
    from ._transport import Transport

_RETRY = 0.05  # seconds between attempts to resume a broken stream
_SMALL = 16 << 10  # bytes of a batch; a larger one shows that reading is behind, and its handling sets the pace
_ASIDE = 0.05  # seconds without anybody who waits for events, after which the reader's thread reads

_log = logging.getLogger("pengbridge")


class Reader:
    """Reads until the log ends, the sidecar is lost, or close() is called. The last thing it puts into the inbox is Ended.

    Args:
        transport: the way to the sidecar.
        request: what to subscribe to.
        inbox: where batches go, undecoded.
        acknowledge: called with a sequence when the reader itself has disposed of events; see discard.
        alive: whether the sidecar still runs.
        ended: called once, from the reader's thread, when nothing more comes.
    """

    def __init__(
        self,
        transport: Transport,
        request: v1.sidecar_service_pb2.SubscribeRequest,
        inbox: _inbox.Inbox,
        acknowledge: Callable[[int], None],
        alive: Callable[[], bool],
        ended: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._request = request
        self._inbox = inbox
        self._acknowledge = acknowledge
        self._alive = alive
        self._ended = ended
        self._ahead = False
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)  # for the reader's thread, while it stands aside
        self._stream: Stream | None = None
        self._taken = 0  # the thread that reads
        self._wanted = False  # whether somebody wanted to, of late
        self._alone = False  # whether only the reader's thread may, from now on
        self._held = False
        self._over = False  # whether the stream has ended
        self._error: CallError | None = None  # why, unless it ended well
        self._thread = threading.Thread(target=self._run, name="pengbridge log", daemon=True)
        inbox.fill_from(self)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def read_ahead(self) -> None:
        """Acknowledges small batches as they come, so that the next follow while nobody looks; the inbox has a limit."""
        self._ahead = True

    def discard(self) -> None:
        """Acknowledges all that came, and from now on what comes, unread: the log has to reach its end."""
        self._go_on_alone()
        self._dispose(self._inbox.shut())

    def close(self) -> None:
        """Ends the stream at once."""
        self._closed.set()
        self._go_on_alone()
        self._inbox.shut()
        with self._lock:
            if self._stream is not None:
                self._stream.cancel()

    def join(self, timeout: float | None) -> bool:
        """Waits for the thread; False if it did not end within timeout seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # What follows is the inbox's.

    def claim(self) -> bool:
        """Takes the right to read. False: the reader's thread reads, and will leave it to others when something has come."""
        with self._lock:
            self._wanted = True
            mine = threading.get_ident()  # an exception may have kept this very thread from giving the right back
            if self._taken not in (0, mine) or self._alone or self._over or self._stream is None:
                return False
            self._taken = mine
            return True

    def read(self, timeout: float | None) -> None:
        """Having claimed that right, waits until something has come or interrupt was called, and gives the right back.

        Args:
            timeout: in seconds; None for no limit.
        """
        stream = self._stream
        assert stream is not None
        over, error, intact = False, None, True
        try:
            stream.wait(timeout)
            intact = False
            messages = stream.take()
            for batch in messages or ():
                self._deliver(batch)
            over, intact = messages is None, True
        except CallError as caught:
            over, error = True, caught
        except BaseException:  # a signal's handler may raise anywhere in the main thread
            if not intact:  # what was taken may be lost; what nobody has acknowledged comes again
                over, error = True, CallError(Code.UNAVAILABLE, "reading was interrupted")
            raise
        finally:
            with self._lock:
                self._taken = 0
                if over:
                    self._over, self._error = True, error
                if over or self._alone:
                    self._turn.notify()

    def disclaim(self) -> None:
        """Gives the right back, if the calling thread has it: an exception may have kept it from reading."""
        with self._lock:
            if self._taken == threading.get_ident():
                self._taken = 0
                self._turn.notify()

    def interrupt(self) -> None:
        """Ends the present or the next read."""
        with self._lock:
            if self._stream is not None:
                self._stream.interrupt()

    def hold(self, held: bool) -> None:
        """While it is held, the sidecar sends no more than a little."""
        with self._lock:
            self._held = held
            if self._stream is not None:
                self._stream.hold(held)

    def _deliver(self, batch: bytes) -> None:
        if not _wire.has_events(batch):  # the header, or a heartbeat
            self._request.resume = True  # from now on, streams go on where the one before broke
            return
        if not self._inbox.put_batch(batch) or (self._ahead and len(batch) <= _SMALL):
            self._dispose(batch)

    def _dispose(self, batch: bytes) -> None:
        if batch:  # else nothing came yet
            self._acknowledge(v1.sidecar_service_pb2.SubscribeResponse.FromString(batch).events[-1].sequence)

    def _go_on_alone(self) -> None:
        with self._lock:
            self._alone = True
            self._turn.notify()

    # What follows runs in the reader's thread.

    def _run(self) -> None:
        error = self._read_log()
        if error is None:
            # All of the log is here. Whoever handles it may do so too late to say so: the commands end with the log.
            self._dispose(self._inbox.shut())
        self._inbox.put(_inbox.Ended(error))
        self._ended()

    def _read_log(self) -> SidecarError | None:
        while True:
            error = self._read_stream()
            if error is None or self._closed.is_set():
                return None
            if error.code != Code.UNAVAILABLE or not self._alive():
                return error
            _log.warning("the event stream broke and is resumed: %s", error)
            self._closed.wait(_RETRY)

    def _read_stream(self) -> CallError | None:
        """Opens a stream and sees to it that somebody reads it to its end. Returns why it broke."""
        try:
            stream = self._transport.open("Subscribe")
        except CallError as error:
            return error
        try:
            stream.send(self._request.SerializeToString())
            stream.half_close()
            with self._lock:
                self._stream, self._over, self._error = stream, False, None
                stream.hold(self._held)
                if self._closed.is_set():
                    stream.cancel()
            while self._take_turn():
                self.read(None)
            return self._error
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def _take_turn(self) -> bool:
        """Waits until nobody else has wanted to read for a while, and claims it. False: there is nothing more to read."""
        with self._lock:
            while not self._over and (self._taken or (self._wanted and not self._alone)):
                self._wanted = False
                self._turn.wait(_ASIDE)
            if not self._over:
                self._taken = threading.get_ident()
            return not self._over
