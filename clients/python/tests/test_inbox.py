"""The inbox: bounded, and never missing a wake-up."""

from __future__ import annotations

import threading
import time

from harness import WAIT

from pengbridge import _inbox
from pengbridge.errors import SidecarError


def test_04_waiting_ends_at_once_when_something_is_queued() -> None:
    inbox = _inbox.Inbox()
    inbox.put_batch(b"x")
    start = time.monotonic()
    inbox.wait(WAIT)
    assert time.monotonic() - start < WAIT / 2
    assert inbox.take() == [b"x"]
    assert inbox.take() == []


def test_wake_is_not_forgotten() -> None:
    inbox = _inbox.Inbox()
    inbox.wake()
    start = time.monotonic()
    inbox.wait(WAIT)
    assert time.monotonic() - start < WAIT / 2


def test_a_full_inbox_makes_the_reader_wait_until_it_is_taken_from() -> None:
    inbox, accepted = _inbox.Inbox(), threading.Semaphore(0)

    def read() -> None:
        for _ in range(3):
            assert inbox.put_batch(b"x" * (_inbox.LIMIT // 2))
            accepted.release()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert accepted.acquire(timeout=WAIT)
    assert accepted.acquire(timeout=WAIT)
    assert not accepted.acquire(timeout=0.05)
    assert len(inbox.take()) == 2
    assert accepted.acquire(timeout=WAIT)
    reader.join(WAIT)


def test_one_batch_beyond_the_limit_is_taken_alone() -> None:
    assert _inbox.Inbox().put_batch(b"x" * (_inbox.LIMIT + 1))


def test_failed_sends_do_not_fill_the_memory() -> None:
    inbox = _inbox.Inbox()
    failed = _inbox.SendFailed(1, "t:a", SidecarError("no"))
    assert all(inbox.put(failed) for _ in range(_inbox._NOTICES))
    assert not inbox.put(failed)
    assert inbox.put(_inbox.Ended(None))
    assert len(inbox.take()) == _inbox._NOTICES + 1


def test_shutting_releases_the_reader() -> None:
    inbox, answers = _inbox.Inbox(), []
    inbox.put_batch(b"x" * _inbox.LIMIT)
    reader = threading.Thread(target=lambda: answers.append(inbox.put_batch(b"y")), daemon=True)
    reader.start()
    inbox.shut()
    reader.join(WAIT)
    assert answers == [False]
    assert inbox.put_batch(b"z") is False
    assert inbox.take() == [b"x" * _inbox.LIMIT]
