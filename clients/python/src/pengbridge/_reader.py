"""The thread that reads an endpoint's log into its inbox, and resumes the stream where it broke."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from . import _inbox, _wire
from ._transport import CallError, Code, Stream, Transport
from .errors import SidecarError
from .v1 import sidecar_service_pb2

_RETRY = 0.05  # seconds between attempts to resume a broken stream
_SMALL = 16 << 10  # bytes of a batch; a larger one shows that reading is behind, and its handling sets the pace

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
        request: sidecar_service_pb2.SubscribeRequest,
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
        self._stream: Stream | None = None
        self._ahead = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pengbridge log", daemon=True)

    def start(self) -> None:
        """Begins to read."""
        self._thread.start()

    def read_ahead(self) -> None:
        """Acknowledges small batches as they come, so that the next follow while nobody looks; the inbox has a limit."""
        self._ahead = True

    def discard(self) -> None:
        """Acknowledges all that came, and from now on what comes, unread: the log has to reach its end."""
        self._dispose(self._inbox.shut())

    def close(self) -> None:
        """Ends the stream at once."""
        self._closed.set()
        self._inbox.shut()
        if self._stream is not None:
            self._stream.cancel()

    def join(self, timeout: float | None) -> bool:
        """Waits for the thread; False if it did not end within timeout seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        error = self._read()
        if error is None:
            # All of the log is here. Whoever handles it may do so too late to say so: the commands end with the log.
            self._dispose(self._inbox.shut())
        self._inbox.put(_inbox.Ended(error))
        self._ended()

    def _read(self) -> SidecarError | None:
        while True:
            try:
                self._stream = self._transport.subscribe(self._request)
                for batch in self._stream:
                    if not _wire.has_events(batch):
                        continue  # the header, or a heartbeat
                    if not self._inbox.put_batch(batch) or (self._ahead and len(batch) <= _SMALL):
                        self._dispose(batch)
                return None
            except CallError as error:
                if self._closed.is_set():
                    return None
                if error.code != Code.UNAVAILABLE or not self._alive():
                    return error
                _log.warning("the event stream broke and is resumed: %s", error)
                self._closed.wait(_RETRY)

    def _dispose(self, batch: bytes) -> None:
        if batch:  # else nothing came yet
            self._acknowledge(sidecar_service_pb2.SubscribeResponse.FromString(batch).events[-1].sequence)
