"""The commands of one endpoint on their way to the sidecar: queued by any thread, written in batches, answered in bulk."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from . import _wire
from ._transport import CallError, Code, Stream, Transport
from .errors import SidecarError
from .v1 import command_pb2, sidecar_service_pb2

LIMIT = 256 << 20  # bytes queued or unanswered: far more than the sidecar ever lags behind
_BATCH_BYTES = 1 << 20
_OVERHEAD = 64  # bytes of a message besides its commands; they are fewer
_BATCH_COMMANDS = 16384
_RETRY = 0.05  # seconds between attempts to resume a broken stream

_log = logging.getLogger("pengbridge")

# A queued command: its bytes in two parts (prefix and body), and what to name in a failure (cid, packet type), if anything.
Ticket = tuple[Any, Any]
_Entry = tuple[bytes, bytes, Ticket | None]


class Answer:
    """The answer to one command that somebody waits for."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.error: SidecarError | None = None

    def settle(self, error: SidecarError | None = None) -> None:
        """Notes the answer. The first one counts."""
        if not self._done.is_set():
            self.error = error
            self._done.set()

    def wait(self, timeout: float | None) -> bool:
        """Waits for it; False if it did not come within timeout seconds."""
        return self._done.wait(timeout)


class Outbox:
    """The sending end of an endpoint's Commands stream. Any thread may queue; nobody waits for the network.

    Two threads serve it: gRPC's, which draws the batches, and one that reads the answers. Both end with close() or with
    the sidecar.

    Args:
        transport: the way to the sidecar.
        endpoint_id: the endpoint.
        sender: the name under which the endpoint remembers how far we got.
        largest: how many bytes one message to the sidecar may have.
        alive: whether the sidecar still runs.
        failed: called with the ticket of a command that failed, and why; from the answers' thread.
        lost: called when the stream ended before close(), and why; from the answers' thread.
    """

    def __init__(
        self,
        transport: Transport,
        endpoint_id: str,
        sender: str,
        largest: int,
        alive: Callable[[], bool],
        failed: Callable[[Ticket, SidecarError], None],
        lost: Callable[[SidecarError], None],
    ) -> None:
        self._transport = transport
        self._opening = _wire.opening(endpoint_id, sender)
        self._largest = largest - _OVERHEAD
        self._alive = alive
        self._failed = failed
        self._lost = lost
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[_Entry] = deque()  # not written yet
        self._written: deque[_Entry] = deque()  # written, not answered
        self._first_written = 1  # the number of the first of them
        self._bytes = 0  # of both
        self._acknowledge: bytes | None = None
        self._answers: deque[tuple[int, Answer]] = deque()  # by command number
        self._drawing = 0  # which generation of the stream may draw batches
        self._idle = False
        self._closed = False
        self._broken: SidecarError | None = None
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, name="pengbridge answers", daemon=True)

    def start(self) -> None:
        """Opens the stream. Commands may be queued before."""
        self._thread.start()

    def put(self, prefix: bytes, body: bytes = b"", ticket: Ticket | None = None) -> None:
        """Queues one command.

        Args:
            prefix: its first part, as an entry of a CommandsRequest.
            body: its second part.
            ticket: what failed() is to be told.

        Raises:
            SidecarError: the sidecar was lost, the outbox is closed or full, or the command is too large.
        """
        with self._changed:
            self._queue(prefix, body, ticket)

    def ask(self, command: command_pb2.Command) -> Answer:
        """Queues a command whose answer is waited for; errors as in put."""
        with self._changed:
            self._queue(_wire.command(command), b"", None)
            answer = Answer()
            number = self._first_written + len(self._written) + len(self._waiting) - 1
            self._answers.append((number, answer))
            return answer

    def acknowledge(self, command: bytes) -> None:
        """Queues an acknowledgement: an earlier one that was not written yet is replaced. Never raises."""
        with self._changed:
            self._acknowledge = command
            if self._idle:
                self._changed.notify_all()

    def close(self) -> None:
        """Writes what is queued and ends the stream. It does not wait. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, timeout: float | None) -> bool:
        """Waits for the stream's end; False if it did not come within timeout seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _queue(self, prefix: bytes, body: bytes, ticket: Ticket | None) -> None:
        if self._broken is not None:
            raise SidecarError(str(self._broken), self._broken.reason)
        if self._closed:
            raise SidecarError("the endpoint has ended", "ENDPOINT_STOPPED")
        size = len(prefix) + len(body)
        if size > self._largest:
            raise SidecarError(f"a packet of {len(body)} bytes is too large", "PACKET_TOO_LARGE")
        if self._bytes + size > LIMIT:
            raise SidecarError(f"more than {LIMIT >> 20} MiB wait for the sidecar", "SEND_QUEUE_FULL")
        self._bytes += size
        self._waiting.append((prefix, body, ticket))
        if self._idle:
            self._changed.notify_all()

    # What follows runs in gRPC's thread.

    def _batches(self, generation: int, resume: threading.Event) -> Iterator[bytes]:
        """Yields CommandsRequests: first the opening, then, once the answer has told where to go on, batches."""
        yield self._opening
        resume.wait()
        while True:
            with self._changed:
                self._idle = True
                while not (self._waiting or self._acknowledge or self._closed or generation != self._drawing):
                    self._changed.wait()
                self._idle = False
                if generation != self._drawing or not (self._waiting or self._acknowledge):
                    return
                number, parts = self._draw()
            yield b"".join((_wire.numbered(number), *parts))

    def _draw(self) -> tuple[int, list[bytes]]:
        """Moves what fits one message from waiting to written. The lock is held."""
        number = self._first_written + len(self._written)
        if self._acknowledge is not None:
            self._waiting.append((self._acknowledge, b"", None))
            self._bytes += len(self._acknowledge)
            self._acknowledge = None
        parts: list[bytes] = []
        size = 0
        while self._waiting and len(parts) < 2 * _BATCH_COMMANDS:
            entry = self._waiting[0]
            if parts and size + len(entry[0]) + len(entry[1]) > _BATCH_BYTES:
                break
            self._waiting.popleft()
            self._written.append(entry)
            parts += entry[:2]
            size += len(entry[0]) + len(entry[1])
        return number, parts

    # What follows runs in the answers' thread.

    def _run(self) -> None:
        while True:
            resume = threading.Event()
            with self._changed:
                self._drawing += 1
                generation = self._drawing
            try:
                self._stream = self._transport.commands(self._batches(generation, resume))
                for message in self._stream:
                    self._answered(sidecar_service_pb2.CommandsResponse.FromString(message), resume)
                return self._end(SidecarError("the endpoint has ended", "ENDPOINT_STOPPED"))
            except CallError as error:
                if error.code != Code.UNAVAILABLE or not self._alive():
                    return self._end(error)
                _log.warning("the command stream broke and is resumed: %s", error)
                threading.Event().wait(_RETRY)
            finally:
                with self._changed:
                    self._drawing += 1
                    self._changed.notify_all()
                resume.set()

    def _answered(self, response: sidecar_service_pb2.CommandsResponse, resume: threading.Event) -> None:
        with self._changed:
            for failure in (*response.recent_failures, *response.failures):
                self._note_failure(failure)
            while self._written and self._first_written <= response.applied_number:
                prefix, body, _ = self._written.popleft()
                self._bytes -= len(prefix) + len(body)
                self._first_written += 1
            while self._answers and self._answers[0][0] <= response.applied_number:
                self._answers.popleft()[1].settle()
            if not resume.is_set():  # a new stream: what the sidecar has not applied is written again
                self._waiting.extendleft(reversed(self._written))
                self._written.clear()
                resume.set()

    def _note_failure(self, failure: command_pb2.CommandFailure) -> None:
        index = failure.number - self._first_written
        if not 0 <= index < len(self._written):
            return  # answered before the stream broke
        error = CallError(failure.code, failure.message, failure.reason)
        ticket = self._written[index][2]
        if ticket is not None:
            self._failed(ticket, error)
        for number, answer in self._answers:
            if number == failure.number:
                answer.settle(error)

    def _end(self, error: SidecarError) -> None:
        with self._changed:
            unasked = not self._closed
            self._broken = error
            for _, answer in self._answers:
                answer.settle(error)
            self._answers.clear()
            self._waiting.clear()
            self._written.clear()
            self._bytes = 0
        if unasked:
            self._lost(error)
