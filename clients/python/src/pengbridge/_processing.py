"""process(): the application's thread works off what the endpoint's threads have put into the inbox."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from . import _endpoint, _inbox, v1

_log = logging.getLogger("pengbridge")

_SLICE = 0.25  # seconds; how long process_forever sleeps at most before it looks whether it should go on


Handlers = dict[int, Callable[[Any], None]]  # what they get is an event


class Processing:
    """What Server and Client have in common of receiving: the log's events, in order, in the caller's thread.

    A subclass has the table of handlers, by type of event. It is made when something is there to be handled: before the
    sidecar runs, nobody is to wait for the import of the messages.
    """

    run: bool
    _endpoint: _endpoint.Endpoint | None = None

    def __init__(self) -> None:
        self._inbox = _inbox.Inbox()
        self._process_lock = threading.Lock()
        self._processing_thread: int | None = None
        self._process_thread: threading.Thread | None = None
        self._backlog: deque[_inbox.Item] = deque()
        self._batch: Iterator[v1.event_pb2.Event] | None = None  # the one at hand; an exception may have left it half done
        self._handled = 0  # the sequence of the last event of the last batch that is done
        self._last = 0  # the same of the batch at hand

    @cached_property
    def _handlers(self) -> Handlers:
        raise NotImplementedError

    @cached_property
    def _received(self) -> int:
        """The type of event that brings a packet."""
        raise NotImplementedError

    def process(self, wait: bool = False, timeout: float | None = None) -> int:
        """Handles what was queued when it was called. All handlers and events run in the calling thread.

        Any thread may call it: calls run one after the other. From within a handler it does nothing.

        Args:
            wait: whether to wait until something is queued, if nothing is.
            timeout: for how many seconds at most; None for no limit.

        Returns:
            The number of packets.

        Raises:
            SidecarError: this process was forked from the one that runs the server or client.
        """
        self._inbox.check()
        if self._processing_thread == threading.get_ident():
            return 0
        if not wait and self._endpoint is not None:
            self._endpoint.read_ahead()  # a frame loop: what comes between two frames must not wait for the one after
        if wait and self._batch is None and not self._backlog:  # an exception may have left some
            self._inbox.wait(timeout)
        with self._process_lock:
            return self._process()

    def _process(self) -> int:
        """Handles what is there now in the calling thread, which has the lock."""
        endpoint = self._endpoint
        try:
            self._processing_thread = threading.get_ident()
            if endpoint is not None:
                endpoint.gather()
            return self._work_off()
        finally:
            self._processing_thread = None
            if endpoint is not None:
                endpoint.release()

    def process_forever(self) -> None:
        """Processes until the server or client stops."""
        while self.run:
            self.process(wait=True, timeout=_SLICE)

    def process_async(self) -> None:
        """Processes in a thread of its own until the server or client stops. A second call does nothing."""
        if self._process_thread is None:
            self._process_thread = threading.Thread(
                target=self.process_forever, name="peng3dnet process Thread", daemon=True
            )
            self._process_thread.start()

    def _pump(self, done: Callable[[], bool], timeout: float) -> None:
        """Processes until done() or for timeout seconds; also from within a handler, where process() does nothing.

        A handler that runs in another thread is not waited for any longer: it may be waiting for the caller.
        """
        deadline = time.monotonic() + timeout
        while not done() and (left := deadline - time.monotonic()) > 0:
            left = min(left, _SLICE / 5)  # another thread may be the one that gets what we wait for
            self._inbox.wait(left)
            if self._processing_thread == threading.get_ident():
                self._work_off()
            elif self._process_lock.acquire(timeout=left):
                try:
                    self._process()
                finally:
                    self._process_lock.release()

    def _work_off(self) -> int:
        """Handles what is there now. Whoever calls it is the processing thread."""
        packets = 0
        self._inbox.move_to(self._backlog)
        handlers, received = self._handlers, self._received
        while (batch := self._next_batch()) is not None:
            for event in batch:
                kind = event.type
                packets += kind == received
                handler = handlers.get(kind)
                if handler is not None:
                    handler(event)
                if self._batch is not batch:  # the handler has pumped, and got further than this
                    break
            else:
                self._batch = None
                self._handled = self._last
                if self._endpoint is not None:
                    self._endpoint.acknowledge(self._handled)
        return packets

    def _next_batch(self) -> Iterator[v1.event_pb2.Event] | None:
        """What is left of the batch at hand, or the next one; None when there is no more. Notices are dealt with."""
        while self._batch is None and self._backlog:
            item = self._backlog[0]  # and stays there until it is at hand: a signal's handler may raise meanwhile
            if isinstance(item, bytes):
                self._batch = iter(self._unhandled(_endpoint.events(item)))
            self._backlog.popleft()
            if isinstance(item, _inbox.SendFailed):
                self._on_send_failed(item)
            elif isinstance(item, _inbox.Ended):
                self._on_ended(item)
        return self._batch

    def _unhandled(self, events: Sequence[v1.event_pb2.Event]) -> Sequence[v1.event_pb2.Event]:
        """The events of a batch that are new: after a break, the stream may repeat some."""
        if not events or events[-1].sequence <= self._handled:
            return ()
        self._last = events[-1].sequence
        if events[0].sequence > self._handled:
            return events
        return [event for event in events if event.sequence > self._handled]

    def _on_send_failed(self, item: _inbox.SendFailed) -> None:
        raise NotImplementedError

    def _on_ended(self, item: _inbox.Ended) -> None:
        raise NotImplementedError


def guarded(handler: Callable[..., Any], *args: Any) -> Any:
    """Calls an application's handler. What it raises is logged with its traceback, and stops nothing."""
    try:
        return handler(*args)
    except Exception:
        log_failure(handler)
        return None


def log_failure(handler: Callable[..., Any]) -> None:
    """Logs the exception at hand as one of an application's handler."""
    _log.exception("%s raised an exception", getattr(handler, "__qualname__", handler))


def join_thread(thread: threading.Thread | None, deadline: float | None) -> None:
    """Waits for a thread's end, if there is one and it is not the caller's. One that another thread is just about to start
    finds that it has nothing to do any more.

    Args:
        thread: the thread.
        deadline: by time.monotonic; None for no limit.
    """
    if thread is not None and thread is not threading.current_thread() and thread.is_alive():
        thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
