"""The outbox: order, batches, answers, failures, and going on after a break without doing anything twice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes import FakeStream, FakeTransport, broken
from harness import WAIT, eventually

from pengbridge import _outbox, _wire
from pengbridge._status import Code
from pengbridge.errors import SidecarError
from pengbridge.v1 import command_pb2
from pengbridge.v1 import sidecar_service_pb2 as api


class Fixture:
    """An outbox with a fake sidecar behind it."""

    def __init__(self) -> None:
        self.transport = FakeTransport()
        self.failures: list[tuple[int | None, Any, SidecarError]] = []
        self.lost: list[SidecarError] = []
        self.alive = True
        self.outbox = _outbox.Outbox(
            self.transport,  # type: ignore[arg-type]
            "endpoint",
            "me",
            2 << 20,
            lambda: self.alive,
            lambda *failure: self.failures.append(failure),
            self.lost.append,
        )
        self.stream: FakeStream | None = None

    def open(self, applied: int = 0) -> None:
        self.stream = self.transport.streams.get(timeout=WAIT)
        request = self.request()
        assert (request.endpoint_id, request.sender, len(request.commands)) == ("endpoint", "me", 0)
        self.answer(applied)

    def request(self) -> api.CommandsRequest:
        """The next one. What waits for an answer to be written need not wait for ours: interrupting is as good as one."""
        assert self.stream is not None
        self.stream.interrupt()
        request = self.stream.requests.get(timeout=WAIT)
        assert isinstance(request, api.CommandsRequest)
        return request

    def break_stream(self, code: Code = Code.UNAVAILABLE) -> None:
        """Breaks the stream, and waits until nothing more is written to it."""
        assert self.stream is not None
        self.stream.messages.put(broken(code))
        while self.stream.requests.get(timeout=WAIT) is not None:
            pass

    def commands(self, count: int) -> list[tuple[int, bytes]]:
        """The next count commands, with their numbers, as send bodies."""
        seen: list[tuple[int, bytes]] = []
        while len(seen) < count:
            request = self.request()
            seen += [(request.first_number + i, c.send.body.msgpack) for i, c in enumerate(request.commands)]
        return seen

    def answer(self, applied: int, *failures: command_pb2.CommandFailure) -> None:
        assert self.stream is not None
        self.stream.messages.put(api.CommandsResponse(applied_number=applied, failures=failures))

    def send(self, body: bytes, cid: int | None = None, ptype: Any = _outbox.UNTOLD) -> None:
        self.outbox.put(_wire.send_prefix(1, 64, len(body)), body, cid, ptype)


@pytest.fixture
def made() -> Iterator[Fixture]:
    fixture = Fixture()
    fixture.outbox.start()
    fixture.open()
    yield fixture
    fixture.outbox.close()
    assert fixture.stream is not None
    fixture.stream.messages.put(None)
    assert fixture.outbox.join(WAIT)


def test_commands_go_out_in_order(made: Fixture) -> None:
    for body in (b"\1", b"\2", b"\3"):
        made.send(body)
    assert made.commands(3) == [(1, b"\1"), (2, b"\2"), (3, b"\3")]


def test_what_is_gathered_goes_with_the_acknowledgement(made: Fixture) -> None:
    made.send(b"\0")
    assert made.commands(1) == [(1, b"\0")]  # no answer comes: else it would be written at once
    made.outbox.gather()
    made.send(b"\1")
    made.send(b"\2")
    made.outbox.acknowledge(_wire.acknowledgement("me", 7))
    made.outbox.release()
    request = made.request()
    assert [command.WhichOneof("action") for command in request.commands] == ["send", "send", "acknowledge"]
    assert request.commands[2].acknowledge == command_pb2.Acknowledgement(subscriber="me", sequence=7)
    assert request.answer_later


def test_only_answers_that_nobody_waits_for_may_come_later(made: Fixture) -> None:
    assert made.stream is not None
    made.outbox.acknowledge(_wire.acknowledgement("me", 7))
    assert made.request().answer_later
    made.send(b"\1")  # at once: the answers' thread may not look for a while
    assert not made.stream.requests.get_nowait().answer_later

    made.stream.busy = True
    made.outbox.acknowledge(_wire.acknowledgement("me", 8))
    made.outbox.ask(command_pb2.Command(flush=command_pb2.Flush()))
    made.stream.busy = False
    request = made.request()
    assert [command.WhichOneof("action") for command in request.commands] == ["flush", "acknowledge"]
    assert not request.answer_later


def test_what_is_gathered_goes_when_it_is_released(made: Fixture) -> None:
    made.send(b"\0")
    made.commands(1)
    made.outbox.gather()
    made.send(b"\1")
    made.outbox.release()
    assert made.commands(1) == [(2, b"\1")]


def test_what_is_gathered_for_too_long_goes_by_itself(made: Fixture) -> None:
    made.send(b"\0")
    made.commands(1)
    made.outbox.gather()
    made.send(b"\1")
    assert made.commands(1) == [(2, b"\1")]


def test_a_busy_stream_gets_no_more(made: Fixture) -> None:
    assert made.stream is not None
    made.stream.busy = True
    made.send(b"\0")
    made.send(b"\1")
    assert made.stream.requests.empty()
    made.stream.busy = False
    made.stream.interrupt()  # there is room
    assert made.commands(2) == [(1, b"\0"), (2, b"\1")]


def test_cancelling_waits_for_nobody(made: Fixture) -> None:
    answer = made.outbox.ask(command_pb2.Command(flush=command_pb2.Flush()))
    made.outbox.cancel()
    assert made.outbox.join(WAIT)
    assert answer.wait(0)
    assert not made.lost


def test_a_stream_that_breaks_after_close_is_not_resumed(made: Fixture) -> None:
    made.outbox.close()
    made.break_stream()
    assert made.outbox.join(WAIT)
    assert not made.lost


def test_what_was_queued_before_the_start_goes_out() -> None:
    fixture = Fixture()
    fixture.send(b"\1")
    fixture.outbox.start()
    fixture.open()
    assert fixture.commands(1) == [(1, b"\1")]
    fixture.outbox.close()
    assert fixture.stream is not None
    assert fixture.stream.requests.get(timeout=WAIT) is None
    fixture.stream.messages.put(None)
    assert fixture.outbox.join(WAIT)


def test_one_message_carries_no_more_than_it_may(made: Fixture) -> None:
    assert made.stream is not None
    made.stream.busy = True
    made.send(b"\0" * (_outbox._BATCH_BYTES - 200))
    made.send(b"\1" * 100)
    made.send(b"\2" * 100)
    made.send(b"\3" * (_outbox._BATCH_BYTES + 1))
    made.send(b"\4")
    made.stream.busy = False
    assert [len(made.request().commands) for _ in range(4)] == [2, 1, 1, 1]


def test_no_more_is_unanswered_than_the_sidecar_remembers(made: Fixture) -> None:
    made.outbox.gather()
    for _ in range(_outbox._WINDOW + 1):
        made.send(b"\1")
    made.outbox.release()
    made.outbox.close()
    written = made.commands(_outbox._WINDOW - _outbox._BATCH_COMMANDS + 1)
    assert made.stream is not None
    assert made.stream.requests.empty(), "the rest waits, and so does the end"
    made.answer(len(written))
    assert made.commands(_outbox._WINDOW + 1 - len(written))[-1] == (_outbox._WINDOW + 1, b"\1")
    made.answer(_outbox._WINDOW + 1)


def test_a_failure_names_its_command(made: Fixture) -> None:
    made.send(b"\1", cid=1, ptype="a")
    made.send(b"\2", cid=2, ptype="b")
    made.send(b"\3", cid=3)  # nobody is told
    made.commands(3)
    made.answer(
        3, *(command_pb2.CommandFailure(number=n, code=5, message="gone", reason="UNKNOWN_CONNECTION") for n in (2, 3))
    )
    answer = made.outbox.ask(command_pb2.Command(flush=command_pb2.Flush()))
    made.request()
    made.answer(4)
    assert answer.wait(WAIT)
    assert answer.error is None
    assert [(cid, ptype, error.reason) for cid, ptype, error in made.failures] == [(2, "b", "UNKNOWN_CONNECTION")]


def test_an_answer_that_is_an_error(made: Fixture) -> None:
    answer = made.outbox.ask(command_pb2.Command(flush=command_pb2.Flush()))
    made.request()
    made.answer(1, command_pb2.CommandFailure(number=1, code=4, message="too slow"))
    assert answer.wait(WAIT)
    assert str(answer.error) == "too slow"


def test_acknowledgements_replace_one_another(made: Fixture) -> None:
    def note(sequence: int) -> bytes:
        return _wire.command(command_pb2.Command(acknowledge=command_pb2.Acknowledgement(sequence=sequence)))

    for sequence in range(1, 1001):
        made.outbox.acknowledge(note(sequence))
    seen = []
    while not seen or seen[-1] < 1000:
        seen += [command.acknowledge.sequence for command in made.request().commands]
    assert seen == sorted(seen)
    assert len(seen) <= 1000


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.ABORTED])
def test_after_a_break_only_what_was_not_applied_is_sent_again(made: Fixture, code: Code) -> None:
    for number in range(5):
        made.send(bytes([number]))
    made.commands(5)
    made.break_stream(code)
    made.send(b"\5")
    made.open(applied=3)
    assert made.commands(3) == [(4, b"\3"), (5, b"\4"), (6, b"\5")]


def test_what_a_signal_keeps_from_being_written_is_written_again(made: Fixture) -> None:
    assert made.stream is not None
    made.send(b"\0")
    assert made.commands(1) == [(1, b"\0")]
    made.stream.interruption = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        made.outbox.acknowledge(_wire.acknowledgement("me", 7))
    made.open()
    request = made.request()
    assert request.first_number == 1
    assert [command.WhichOneof("action") for command in request.commands] == ["send", "acknowledge"]


def test_failures_from_before_a_break_are_told_once(made: Fixture) -> None:
    made.send(b"\1", cid=1, ptype="a")
    made.send(b"\2", cid=2, ptype="b")
    made.commands(2)
    failure = command_pb2.CommandFailure(number=1, code=5, message="gone")
    made.answer(1, failure)
    made.break_stream()
    made.stream = made.transport.streams.get(timeout=WAIT)
    made.stream.messages.put(api.CommandsResponse(applied_number=2, recent_failures=[failure]))
    answer = made.outbox.ask(command_pb2.Command(flush=command_pb2.Flush()))
    while not (request := made.request()).commands:
        pass
    assert request.first_number == 3
    made.answer(3)
    assert answer.wait(WAIT)
    assert [failure[:2] for failure in made.failures] == [(1, "a")]


def lost(made: Fixture) -> None:
    made.alive = False
    made.stream.messages.put(broken())  # type: ignore[union-attr]


def closed(made: Fixture) -> None:
    made.outbox.close()
    made.stream.messages.put(None)  # type: ignore[union-attr]


@pytest.mark.parametrize("end", [lost, closed])
def test_after_the_end_nothing_is_queued_and_nobody_waits(made: Fixture, end: Callable[[Fixture], None]) -> None:
    answer = made.outbox.ask(command_pb2.Command(flush=command_pb2.Flush()))
    end(made)
    assert answer.wait(WAIT)
    assert answer.error is not None
    assert made.outbox.join(WAIT)
    with pytest.raises(SidecarError):
        made.send(b"\1")
    assert bool(made.lost) == (end is lost)


def test_a_command_that_is_too_large_is_refused(made: Fixture) -> None:
    with pytest.raises(SidecarError) as caught:
        made.send(b"\0" * (2 << 20))
    assert caught.value.reason == "PACKET_TOO_LARGE"


def test_what_was_answered_makes_room(made: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_outbox, "LIMIT", 3 * len(_wire.send_prefix(1, 64, 1) + b"\0"))

    def room() -> int:
        """How many commands fit; then they are there."""
        fit = 0
        with contextlib.suppress(SidecarError):
            while fit < 10:
                made.send(b"\0")
                fit += 1
        return fit

    assert made.stream is not None
    made.stream.busy = True
    assert room() == 3
    made.stream.busy = False
    made.commands(3)  # all in one message
    queued = 3
    for answered, fit in ((1, 1), (3, 2), (6, 3)):
        made.answer(answered)
        eventually(lambda: made.outbox._bytes < _outbox.LIMIT)
        assert room() == fit, f"{answered} were answered"
        made.commands(fit)
        queued += fit
    made.answer(queued)


def test_a_full_outbox_refuses(made: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_outbox, "LIMIT", 100)
    with pytest.raises(SidecarError) as caught:
        made.send(b"\0" * 101)
    assert caught.value.reason == "SEND_QUEUE_FULL"
