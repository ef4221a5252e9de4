"""What waits for process(): batches of the log as they came, and notices from the threads behind the scenes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from ._fork import Origin
from .errors import SidecarError

LIMIT = 8 << 20  # bytes of undecoded batches
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


class Inbox:
    """A queue from the endpoint's threads to whoever calls process(). Any thread may call anything."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._last_batch = b""
        self._woken = False
        self._open = True
        self._origin: Origin | None = None
        self._listener: Callable[[], None] | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Has listener called whenever something was put, by the thread that put it: for those who cannot wait here."""
        self._listener = listener

    def put_batch(self, batch: bytes) -> bool:
        """Adds a batch, but waits while it would be too much. Returns False if the inbox was shut instead."""
        with self._changed:
            while self._open and self._bytes and self._bytes + len(batch) > LIMIT:
                self._changed.wait()
            if not self._open:
                return False
            self._bytes += len(batch)
            self._last_batch = batch
            self._items.append(batch)
            self._changed.notify_all()
        self._tell()
        return True

    def put(self, item: SendFailed | Ended) -> bool:
        """Adds a notice. It never waits. Returns False if so many wait that a failed send is not added."""
        with self._changed:
            if len(self._items) >= _NOTICES and isinstance(item, SendFailed):
                return False
            self._items.append(item)
            self._changed.notify_all()
        self._tell()
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

    def take(self) -> list[Item]:
        """Removes and returns all there is; SidecarError as in check."""
        self.check()
        with self._changed:
            self._woken = False
            if not self._items:
                return []
            items = list(self._items)
            self._items.clear()
            self._bytes = 0
            self._changed.notify_all()
            return items

    def wait(self, timeout: float | None) -> None:
        """Waits until there is something, or wake was called; at most timeout seconds. SidecarError as in check."""
        self.check()
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._woken, timeout)

    def wake(self) -> None:
        """Ends a wait, the present or the next one. Nobody waits in a fork."""
        if self._origin is not None and self._origin.left():
            return
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def shut(self) -> bytes:
        """Takes no more batches, and returns the last one it took, once. What is there can still be taken."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
            batch, self._last_batch = self._last_batch, b""
            return batch

    def _tell(self) -> None:
        if self._listener is not None:
            self._listener()
