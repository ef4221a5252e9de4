"""An endpoint's events as a program draws them: one at a time, or as many as a frame has room for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from .. import _endpoint, _inbox
from ..errors import SidecarError
from ..v1 import event_pb2
from . import errors, events

_CLOCK = 64  # events between two looks at the clock


class Log:
    """The reading end of an endpoint. Any number of threads may draw; each event goes to one of them.

    Args:
        inbox: where the endpoint puts what comes in.
        acknowledge: tells the sidecar that everything up to a sequence was handled.
        read_ahead: has events come in while nobody looks; called for each poll.
        closed: called when a client's connection has ended, which is all that a client has.
        report_internal: whether events about packets of the protocol's own are wanted.
    """

    def __init__(
        self,
        inbox: _inbox.Inbox,
        acknowledge: Callable[[int], None],
        read_ahead: Callable[[], None],
        closed: Callable[[], None],
        report_internal: bool,
    ) -> None:
        self._inbox = inbox
        self._acknowledge = acknowledge
        self._read_ahead = read_ahead
        self._closed = closed
        self._report_internal = report_internal
        self._lock = threading.Lock()
        self._items: deque[_inbox.Item] = deque()
        self._batch: Iterator[event_pb2.Event] = iter(())
        self._drawn = 0  # the last sequence that was drawn, or passed over
        self._ended = False
        self._error: SidecarError | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Has listener called, by another thread, whenever there may be something to draw."""
        self._inbox.listen(listener)

    def next(self, timeout: float | None) -> events.Event | None:
        """Waits for the next event and returns it; None when there are no more.

        Whoever asks for the next has handled those before. They are acknowledged in batches, as they came.

        Args:
            timeout: in seconds; None for no limit.

        Raises:
            TimeoutError: nothing happened in time.
            SidecarError: the log broke off.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            event = self.next_nowait()
            if event is not None or self._ended:
                return event
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError("nothing happened in time")
            self._inbox.wait(left)

    def next_nowait(self) -> events.Event | None:
        """The same without waiting: None if there is nothing now. Raises SidecarError as next does."""
        with self._lock:
            return self._draw(self._confirm)

    def poll(self, max_events: int, budget_ms: float) -> list[events.Event]:
        """Returns what is there now, without waiting.

        From the first poll on, events come in between polls, too, and count as handled: at most two batches would come
        otherwise, each maybe of one event, and most would be a frame late.

        Args:
            max_events: how many at most.
            budget_ms: how long to go on gathering, in milliseconds. If there are any, at least one is returned.

        Raises:
            SidecarError: the log broke off, and there is nothing left before that.
        """
        self._read_ahead()
        deadline = time.perf_counter() + budget_ms / 1000
        found: list[events.Event] = []
        with self._lock:
            self._confirm()
            while len(found) < max_events:
                try:
                    event = self._draw(None)
                except SidecarError:
                    if not found:
                        raise
                    break  # what comes before the break first; the next poll raises
                if event is None:
                    break
                found.append(event)
                if (budget_ms <= 0 or not len(found) % _CLOCK) and time.perf_counter() >= deadline:
                    break
        return found

    @property
    def ended(self) -> bool:
        """Whether everything was drawn, and nothing more will come."""
        return self._ended

    # What follows is called with the lock held.

    def _draw(self, between_batches: Callable[[], None] | None) -> events.Event | None:
        while True:
            for raw in self._batch:
                if raw.sequence <= self._drawn:  # after a break, the stream may repeat some
                    continue
                self._drawn = raw.sequence
                if raw.type == event_pb2.EVENT_TYPE_CLIENT_CLOSE:
                    self._closed()
                if self._report_internal or not events.is_internal(raw):
                    return events.view(raw)
            if between_batches is not None:
                between_batches()
            if self._ended:
                if self._error is not None:
                    raise errors.translated(self._error)
                return None
            if not self._items:
                self._inbox.check()
                self._inbox.move_to(self._items)
            if not self._items:
                return None
            item = self._items[0]  # and stays there until it is at hand: a signal's handler may raise meanwhile
            if isinstance(item, bytes):
                self._batch = iter(_endpoint.events(item))
            self._items.popleft()
            if isinstance(item, _inbox.SendFailed):
                return events.CommandFailed(item.cid, item.ptype, errors.translated(item.error))
            if isinstance(item, _inbox.Ended):
                self._ended = True
                self._error = item.error
                self._inbox.wake()  # whoever else waits

    def _confirm(self) -> None:
        if self._drawn:
            self._acknowledge(self._drawn)
