"""The reader: everything the stream brings gets into the inbox, across breaks, and then that it has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest
from fakes import FakeStream, FakeTransport, broken
from harness import WAIT, eventually

from pengbridge import _inbox, _reader
from pengbridge._status import CallError, Code
from pengbridge.v1 import event_pb2
from pengbridge.v1 import sidecar_service_pb2 as api


class Fixture:
    """A reader with a fake sidecar behind it."""

    def __init__(self) -> None:
        self.transport = FakeTransport()
        self.inbox = _inbox.Inbox()
        self.acknowledged: list[int] = []
        self.alive = True
        self.ended: list[bool] = []
        self.reader = _reader.Reader(
            self.transport,  # type: ignore[arg-type]
            api.SubscribeRequest(endpoint_id="endpoint"),
            self.inbox,
            self.acknowledged.append,
            lambda: self.alive,
            lambda: self.ended.append(True),
        )
        self.reader.start()
        self.stream = self.open()

    def open(self) -> FakeStream:
        stream = self.transport.streams.get(timeout=WAIT)
        self.subscription = stream.requests.get(timeout=WAIT)
        return stream

    def take_turn(self) -> None:
        """Claims the right to read; the reader's thread gives it up when it has read something."""
        number = 0
        while not self.reader.claim():
            number += 1
            self.stream.messages.put(batch(number))
            eventually(self.taken)

    def taken(self) -> list[_inbox.Item]:
        items: deque[_inbox.Item] = deque()
        self.inbox.move_to(items)
        return list(items)

    def items(self, count: int) -> list[_inbox.Item]:
        items: list[_inbox.Item] = []
        while len(items) < count:
            self.inbox.wait(WAIT)
            items += self.taken()
        return items


def batch(*sequences: int) -> api.SubscribeResponse:
    return api.SubscribeResponse(events=[event_pb2.Event(sequence=sequence) for sequence in sequences])


@pytest.fixture
def made() -> Iterator[Fixture]:
    fixture = Fixture()
    yield fixture
    fixture.reader.close()
    assert fixture.reader.join(WAIT)
    assert fixture.ended == [True]


def test_batches_and_the_end(made: Fixture) -> None:
    for message in (batch(1, 2), batch(3), None):
        made.stream.messages.put(message)
    assert made.items(3) == [batch(1, 2).SerializeToString(), batch(3).SerializeToString(), _inbox.Ended(None)]


def test_the_end_of_the_log_is_acknowledged_before_it_is_handled(made: Fixture) -> None:
    for message in (batch(1, 2), batch(3), None):
        made.stream.messages.put(message)
    eventually(lambda: made.ended)
    assert made.acknowledged == [3]


def test_a_broken_stream_is_resumed(made: Fixture) -> None:
    made.stream.messages.put(batch(1))
    made.stream.messages.put(broken())
    made.open().messages.put(None)
    assert len(made.items(2)) == 2
    assert made.subscription.from_sequence == 0  # behind what was acknowledged


def test_only_a_stream_that_had_begun_is_gone_on_with(made: Fixture) -> None:
    made.stream.messages.put(broken())
    stream = made.open()
    assert not made.subscription.resume
    stream.messages.put(api.SubscribeResponse(header=api.SubscribeHeader(next_sequence=1)))
    stream.messages.put(broken())
    made.open().messages.put(None)
    assert made.subscription.resume


@pytest.mark.parametrize(("code", "alive"), [(Code.UNAVAILABLE, False), (Code.ABORTED, True), (Code.NOT_FOUND, True)])
def test_a_stream_that_cannot_be_resumed(made: Fixture, code: int, alive: bool) -> None:
    made.alive = alive
    made.stream.messages.put(CallError(code, "over"))
    (ended,) = made.items(1)
    assert isinstance(ended, _inbox.Ended)
    assert str(ended.error) == "over"


def test_what_nobody_wants_is_acknowledged_unread(made: Fixture) -> None:
    made.reader.discard()
    for message in (batch(1, 2, 5), api.SubscribeResponse(heartbeat=api.SubscribeHeartbeat()), batch(6), None):
        made.stream.messages.put(message)
    assert made.items(1) == [_inbox.Ended(None)]
    assert made.acknowledged == [5, 6]


def test_reading_ahead_acknowledges_small_batches_as_they_come(made: Fixture) -> None:
    large = api.SubscribeResponse(events=[event_pb2.Event(sequence=2, msgpack=bytes(_reader._SMALL))])
    made.reader.read_ahead()
    for message in (batch(1), large, batch(3)):
        made.stream.messages.put(message)
    assert len(made.items(3)) == 3
    eventually(lambda: len(made.acknowledged) == 2)
    assert made.acknowledged == [1, 3]
    made.stream.messages.put(None)


def test_closing_is_no_error(made: Fixture) -> None:
    made.reader.close()
    assert made.items(1) == [_inbox.Ended(None)]
    eventually(lambda: made.ended)


def test_a_heartbeat_does_not_hide_what_came_before(made: Fixture) -> None:
    """What is discarded is acknowledged up to the last event, however long ago it came: else the log never ends."""
    made.stream.messages.put(api.SubscribeResponse(header=api.SubscribeHeader(next_sequence=1)))
    made.stream.messages.put(batch(1, 2))
    made.stream.messages.put(api.SubscribeResponse(heartbeat=api.SubscribeHeartbeat(last_sequence=2)))
    made.stream.messages.put(None)
    assert made.items(2) == [batch(1, 2).SerializeToString(), _inbox.Ended(None)]
    made.reader.discard()
    assert set(made.acknowledged) == {2}  # twice does not matter


def test_who_waits_reads_without_the_readers_thread(made: Fixture) -> None:
    made.take_turn()
    made.stream.messages.put(batch(7))
    made.reader.read(WAIT)
    assert made.taken() == [batch(7).SerializeToString()]


def test_the_readers_thread_reads_while_nobody_waits(made: Fixture) -> None:
    made.take_turn()
    made.stream.messages.put(batch(7))
    made.reader.read(WAIT)
    made.stream.messages.put(batch(8))
    eventually(lambda: len(made.inbox._items) == 2)


def test_a_stream_that_breaks_for_another_reader_is_resumed(made: Fixture) -> None:
    made.take_turn()
    made.stream.messages.put(broken())
    made.reader.read(WAIT)
    made.open().messages.put(batch(7))
    assert made.items(1) == [batch(7).SerializeToString()]


def test_a_full_inbox_holds_the_stream_and_its_successor(made: Fixture) -> None:
    large = api.SubscribeResponse(events=[event_pb2.Event(sequence=1, msgpack=bytes(_inbox.LIMIT))])
    made.stream.messages.put(large)
    eventually(lambda: made.stream.held)
    made.stream.messages.put(broken())
    successor = made.open()
    eventually(lambda: successor.held)
    made.taken()
    assert not successor.held


def test_what_is_discarded_is_not_left_to_others(made: Fixture) -> None:
    made.stream.messages.put(batch(1))
    assert made.items(1)
    made.reader.discard()
    assert not made.reader.claim()
    made.stream.messages.put(batch(2))
    eventually(lambda: made.acknowledged == [1, 2])


def test_what_a_signal_keeps_from_being_read_comes_again(made: Fixture) -> None:
    made.take_turn()
    made.stream.messages.put(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        made.reader.read(WAIT)
    made.open().messages.put(batch(7))
    assert made.items(1) == [batch(7).SerializeToString()]


def test_a_signal_while_nothing_comes_breaks_nothing(made: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    made.take_turn()

    def wait(timeout: float | None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(made.stream, "wait", wait)
        with pytest.raises(KeyboardInterrupt):
            made.reader.read(WAIT)
    made.stream.messages.put(batch(7))
    assert made.items(1) == [batch(7).SerializeToString()]
    assert made.transport.streams.empty()


def test_a_signal_before_reading_begins_leaves_it_to_others(made: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    made.take_turn()
    made.taken()

    def read(timeout: float | None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(made.reader, "read", read)
        with pytest.raises(KeyboardInterrupt):
            made.inbox.wait(WAIT)
    made.stream.messages.put(batch(7))
    eventually(lambda: made.inbox._items)  # this thread asks no more
