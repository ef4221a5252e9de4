"""What waits for process(): batches of the log as they came, and notices from the threads behind the scenes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from . import _call
from ._fork import Origin
from .errors import SidecarError

LIMIT = 8 << 20  # bytes of undecoded batches
_ENOUGH = LIMIT - _call.WINDOW  # bytes; what is under way then still has room
_NOTICES = 1 << 16  # failed sends that wait for a program which does not process


class SendFailed(NamedTuple):
    """A packet that was queued could not be sent."""

    cid: int | None
    ptype: Any
    error: SidecarError


class Ended(NamedTuple):
    """The log has no more events. error: why, if the sidecar was lost; None if the endpoint just ended."""

    error: SidecarError | None


Item = bytes | SendFailed | Ended


class Source(Protocol):
    """Where batches come from; _reader.Reader is one."""

    def claim(self) -> bool:
        """Takes the right to read from it; False if it reads by itself."""

    def read(self, timeout: float | None) -> None:
        """Waits until it has put something, at most timeout seconds, and gives that right back."""

    def disclaim(self) -> None:
        """Gives the right back, if the calling thread still has it."""

    def interrupt(self) -> None:
        """Ends the present or the next read."""

    def hold(self, held: bool) -> None:
        """Lets nothing more come, or lets it come again."""


class Inbox:
    """A queue from the endpoint's threads to whoever calls process(). Any thread may call anything."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiters = 0  # threads that wait for _changed
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._last_batch = b""
        self._held = False  # whether the source was told that this is enough
        self._woken = False
        self._open = True
        self._source: Source | None = None
        self._origin: Origin | None = None
        self._listener: Callable[[], None] | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Has listener called whenever something was put, by the thread that put it: for those who cannot wait here."""
        self._listener = listener

    def fill_from(self, source: Source) -> None:
        """From now on, whoever waits here reads from the source; called before it puts anything."""
        self._source = source

    def put_batch(self, batch: bytes) -> bool:
        """Adds a batch; the source is held when it becomes too much. Returns False if the inbox was shut instead."""
        with self._lock:
            if not self._open:
                return False
            self._bytes += len(batch)
            self._last_batch = batch
            self._items.append(batch)
            if self._bytes > _ENOUGH:
                self._hold(True)
            if self._waiters:
                self._changed.notify_all()
        if self._listener is not None:
            self._listener()
        return True

    def put(self, item: SendFailed | Ended) -> bool:
        """Adds a notice. It never waits. Returns False if so many wait that a failed send is not added."""
        with self._lock:
            if len(self._items) >= _NOTICES and isinstance(item, SendFailed):
                return False
            self._items.append(item)
            self._rouse()
        if self._listener is not None:
            self._listener()
        return True

    def belong(self, origin: Origin) -> None:
        """From now on it is filled by threads of that process: in forks of it there is nothing to wait for."""
        self._origin = origin

    def check(self) -> None:
        """Lets only the process pass whose threads fill it.

        Raises:
            SidecarError: this is a fork of that one.
        """
        if self._origin is not None:
            self._origin.check()

    def move_to(self, backlog: deque[Item]) -> None:
        """Moves all there is to the end of another queue.

        What an exception of a signal's handler interrupts here comes twice rather than never.
        """
        with self._lock:
            self._woken = False
            backlog.extend(self._items)
            self._items.clear()
            self._bytes = 0
            if self._held:
                self._hold(False)

    def wait(self, timeout: float | None) -> None:
        """Waits until there is something, or wake was called; at most timeout seconds. It reads itself, if nobody does."""
        deadline = None if timeout is None else time.monotonic() + timeout
        left = timeout
        try:
            while not self._wait(left):
                if deadline is not None:
                    left = deadline - time.monotonic()
        except BaseException:  # a signal's handler may raise anywhere in the main thread, which may not come back
            if self._source is not None:
                self._source.disclaim()
            raise

    def _wait(self, left: float | None) -> bool:
        """Waits once, or reads. Returns whether that is enough."""
        with self._lock:
            if self._items or self._woken:
                return True
            if left is not None and left <= 0:
                self._changed.notify()  # somebody else may read now
                return True
            mine = self._source if self._source is not None and self._source.claim() else None
            if mine is None:
                self._waiters += 1
                try:
                    self._changed.wait(left)
                finally:
                    self._waiters -= 1
        if mine is not None:
            mine.read(left)
        return False

    def wake(self) -> None:
        """Ends a wait, the present or the next one. Nobody waits in a fork."""
        if self._origin is not None and self._origin.left():
            return
        with self._lock:
            self._woken = True
            self._rouse()

    def shut(self) -> bytes:
        """Takes no more batches, and returns the last one it took. What is there can still be taken."""
        with self._lock:
            self._open = False
            return self._last_batch

    def _hold(self, held: bool) -> None:
        """Tells the source when that changes; with the lock held: else it might hear it in the wrong order."""
        if held != self._held and self._source is not None:
            self._source.hold(held)
            self._held = held

    def _rouse(self) -> None:
        self._changed.notify_all()
        if self._source is not None:
            self._source.interrupt()
