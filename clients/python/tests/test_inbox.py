"""The inbox: bounded, and never missing a wake-up."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

import pytest
from harness import WAIT, eventually

from pengbridge import _inbox
from pengbridge.errors import SidecarError


def taken(inbox: _inbox.Inbox) -> list[_inbox.Item]:
    items: deque[_inbox.Item] = deque()
    inbox.move_to(items)
    return list(items)


class Source:
    """A source whose reads the test puts: what each of them does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.taken = False
        self.held: list[bool] = []
        self.reads: queue.Queue[Callable[[], object]] = queue.Queue()
        self.readers: list[int] = []

    def claim(self) -> bool:
        with self.lock:
            mine = not self.taken
            self.taken = True
            return mine

    def read(self, timeout: float | None) -> None:
        self.readers.append(threading.get_ident())
        with contextlib.suppress(queue.Empty):
            self.reads.get(timeout=timeout)()
        with self.lock:
            self.taken = False

    def interrupt(self) -> None:
        self.reads.put(lambda: None)

    def hold(self, held: bool) -> None:
        self.held.append(held)


def test_04_waiting_ends_at_once_when_something_is_queued() -> None:
    inbox = _inbox.Inbox()
    inbox.put_batch(b"x")
    start = time.monotonic()
    inbox.wait(WAIT)
    assert time.monotonic() - start < WAIT / 2
    assert taken(inbox) == [b"x"]
    assert taken(inbox) == []


def test_wake_is_not_forgotten() -> None:
    inbox = _inbox.Inbox()
    inbox.wake()
    start = time.monotonic()
    inbox.wait(WAIT)
    assert time.monotonic() - start < WAIT / 2


def test_a_full_inbox_holds_its_source_until_it_is_taken_from() -> None:
    inbox, source = _inbox.Inbox(), Source()
    inbox.fill_from(source)
    half = b"x" * (_inbox._ENOUGH // 2)
    for batch, held in ((half, []), (half, []), (b"x", [True]), (b"x", [True])):
        assert inbox.put_batch(batch)
        assert source.held == held
    assert len(taken(inbox)) == 4
    assert source.held == [True, False]


def test_who_waits_reads() -> None:
    inbox, source = _inbox.Inbox(), Source()
    inbox.fill_from(source)
    source.reads.put(lambda: None)  # in vain
    source.reads.put(lambda: inbox.put_batch(b"x"))
    inbox.wait(WAIT)
    assert taken(inbox) == [b"x"]
    assert source.readers == [threading.get_ident()] * 2


def test_one_reads_for_all_and_leaves_it_to_the_next() -> None:
    inbox, source = _inbox.Inbox(), Source()
    inbox.fill_from(source)
    waiting = [threading.Thread(target=lambda: inbox.wait(WAIT), daemon=True) for _ in range(3)]
    for thread in waiting:
        thread.start()
    eventually(lambda: inbox._waiters == 2)  # the third one reads
    source.reads.put(lambda: inbox.put_batch(b"x"))
    for thread in waiting:
        thread.join(WAIT)
        assert not thread.is_alive()


def test_the_time_of_one_who_reads_is_not_that_of_others() -> None:
    inbox, source = _inbox.Inbox(), Source()
    inbox.fill_from(source)
    patient = threading.Thread(target=lambda: inbox.wait(WAIT), daemon=True)
    with source.lock:  # taken: it has to wait
        source.taken = True
    patient.start()
    eventually(lambda: inbox._waiters == 1)
    with source.lock:
        source.taken = False
    source.reads.put(lambda: None)
    inbox.wait(0.001)  # reads, in vain, and wakes the other
    source.reads.put(lambda: inbox.put_batch(b"x"))
    patient.join(WAIT)
    assert not patient.is_alive()
    assert patient.ident in source.readers


@pytest.mark.parametrize("rouse", [_inbox.Inbox.wake, lambda inbox: inbox.put(_inbox.Ended(None))])
def test_a_reading_wait_is_ended_by_what_others_put(rouse: Callable[[_inbox.Inbox], object]) -> None:
    inbox, source = _inbox.Inbox(), Source()
    inbox.fill_from(source)
    waiting = threading.Thread(target=lambda: inbox.wait(WAIT), daemon=True)
    waiting.start()
    eventually(lambda: source.taken)
    rouse(inbox)
    waiting.join(WAIT)
    assert not waiting.is_alive()


def test_one_batch_beyond_the_limit_is_taken_alone() -> None:
    assert _inbox.Inbox().put_batch(b"x" * (_inbox.LIMIT + 1))


def test_failed_sends_do_not_fill_the_memory() -> None:
    inbox = _inbox.Inbox()
    failed = _inbox.SendFailed(1, "t:a", SidecarError("no"))
    assert all(inbox.put(failed) for _ in range(_inbox._NOTICES))
    assert not inbox.put(failed)
    assert inbox.put(_inbox.Ended(None))
    assert len(taken(inbox)) == _inbox._NOTICES + 1


def test_a_shut_inbox_takes_nothing_more() -> None:
    inbox = _inbox.Inbox()
    inbox.put_batch(b"x")
    assert inbox.shut() == b"x"
    assert inbox.shut() == b"x", "whoever closes the log acknowledges it, though another thread may be about to"
    assert inbox.put_batch(b"z") is False
    assert taken(inbox) == [b"x"]


def test_an_interrupt_loses_nothing_that_is_being_moved() -> None:
    class Interrupted(deque[_inbox.Item]):
        def extend(self, items: Iterable[_inbox.Item]) -> None:
            super().extend(items)
            raise KeyboardInterrupt

    inbox, source = _inbox.Inbox(), Source()
    inbox.fill_from(source)
    while not source.held:
        inbox.put_batch(bytes(1 << 20))
    count = len(inbox._items)
    with pytest.raises(KeyboardInterrupt):
        inbox.move_to(Interrupted())
    assert len(taken(inbox)) == count
    assert source.held == [True, False], "nothing more would come"
