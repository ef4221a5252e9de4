"""The commands of one endpoint on their way to the sidecar: queued by any thread, written in batches, answered in bulk."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from . import _wire
from ._transport import CallError, Code, Transport
from .errors import SidecarError
from .v1 import command_pb2, sidecar_service_pb2

LIMIT = 256 << 20  # bytes queued or unanswered: far more than the sidecar ever lags behind
_BATCH_BYTES = 1 << 20
_OVERHEAD = 64  # bytes of a message besides its commands; they are fewer
_BATCH_COMMANDS = 16384
_RETRY = 0.05  # seconds between attempts to resume a broken stream

_log = logging.getLogger("pengbridge")

Ticket = tuple[Any, Any]  # what a failure names: cid and packet type


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


# A queued command: its bytes in two parts (prefix and body), and who is told of its failure.
_Entry = tuple[bytes, bytes, Ticket | Answer | None]


class _Batch:
    """Commands that were written together, and not answered yet."""

    def __init__(self, first: int, entries: list[_Entry]) -> None:
        self.first = first
        self.entries = entries

    @property
    def end(self) -> int:
        """The number behind the last one's."""
        return self.first + len(self.entries)

    def encode(self) -> bytes:
        """The CommandsRequest."""
        parts = [_wire.numbered(self.first)]
        for prefix, body, _ in self.entries:
            parts.append(prefix)
            parts.append(body)
        return b"".join(parts)

    def settle(self, applied: int) -> int:
        """Removes what was applied up to that number; whoever waits for it is told. Returns its size in bytes."""
        count = min(applied + 1, self.end) - self.first
        done, self.entries = self.entries[:count], self.entries[count:]
        self.first += count
        for entry in done:
            if type(entry[2]) is Answer:
                entry[2].settle()
        return sum(len(prefix) + len(body) for prefix, body, _ in done)


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
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: list[_Entry] = []  # not written yet
        self._written: deque[_Batch] = deque()  # written, not answered
        self._next = 1  # the number of the first that waits
        self._bytes = 0  # of both
        self._acknowledge: bytes | None = None
        self._drawing = 0  # which generation of the stream may draw batches
        self._idle = False
        self._closed = False
        self._broken: SidecarError | None = None
        self._thread = threading.Thread(target=self._run, name="pengbridge answers", daemon=True)

    def start(self) -> None:
        """Opens the stream. Commands may be queued before."""
        self._thread.start()

    def put(self, prefix: bytes, body: bytes = b"", ticket: Ticket | Answer | None = None) -> None:
        """Queues one command.

        Args:
            prefix: its first part, as an entry of a CommandsRequest.
            body: its second part.
            ticket: what failed() is to be told, or the answer that somebody waits for.

        Raises:
            SidecarError: the sidecar was lost, the outbox is closed or full, or the command is too large.
        """
        size = len(prefix) + len(body)
        with self._lock:
            if self._broken is not None or self._closed or size > self._largest or self._bytes + size > LIMIT:
                raise self._refusal(size)
            self._bytes += size
            self._waiting.append((prefix, body, ticket))
            if self._idle:
                self._changed.notify_all()

    def ask(self, command: command_pb2.Command) -> Answer:
        """Queues a command whose answer is waited for; errors as in put."""
        answer = Answer()
        self.put(_wire.command(command), b"", answer)
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

    def _refusal(self, size: int) -> SidecarError:
        if self._broken is not None:
            return SidecarError(str(self._broken), self._broken.reason)
        if self._closed:
            return SidecarError("the endpoint has ended", "ENDPOINT_STOPPED")
        if size > self._largest:
            return SidecarError(f"a packet of {size} bytes is too large", "PACKET_TOO_LARGE")
        return SidecarError(f"more than {LIMIT >> 20} MiB wait for the sidecar", "SEND_QUEUE_FULL")

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
                batch = self._draw()
            yield batch.encode()

    def _draw(self) -> _Batch:
        """Moves what fits one message from waiting to written. The lock is held."""
        if self._acknowledge is not None:
            self._waiting.append((self._acknowledge, b"", None))
            self._bytes += len(self._acknowledge)
            self._acknowledge = None
        entries, self._waiting = self._waiting, []
        if self._bytes > _BATCH_BYTES or len(entries) > _BATCH_COMMANDS:
            size = 0
            for count, (prefix, body, _) in enumerate(entries):
                size += len(prefix) + len(body)
                if count and (size > _BATCH_BYTES or count == _BATCH_COMMANDS):
                    entries, self._waiting = entries[:count], entries[count:]
                    break
        batch = _Batch(self._next, entries)
        self._next = batch.end
        self._written.append(batch)
        return batch

    # What follows runs in the answers' thread.

    def _run(self) -> None:
        while (error := self._attend()) is not None:
            if error.code != Code.UNAVAILABLE or not self._alive():
                return self._end(error)
            _log.warning("the command stream broke and is resumed: %s", error)
            threading.Event().wait(_RETRY)
        return self._end(SidecarError("the endpoint has ended", "ENDPOINT_STOPPED"))

    def _attend(self) -> CallError | None:
        """Opens a stream and reads its answers until it ends. Nothing is drawn for it afterwards. Returns why it broke."""
        resume = threading.Event()
        with self._changed:
            self._drawing += 1
            generation = self._drawing
        try:
            for message in self._transport.commands(self._batches(generation, resume)):
                self._answered(sidecar_service_pb2.CommandsResponse.FromString(message), resume)
            return None
        except CallError as error:
            return error
        finally:
            with self._changed:
                self._drawing += 1
                self._changed.notify_all()
            resume.set()

    def _answered(self, response: sidecar_service_pb2.CommandsResponse, resume: threading.Event) -> None:
        with self._changed:
            for failure in (*response.recent_failures, *response.failures):
                self._note_failure(failure)
            while self._written and self._written[0].first <= response.applied_number:
                self._bytes -= self._written[0].settle(response.applied_number)
                if self._written[0].entries:
                    break
                self._written.popleft()
            if not resume.is_set():  # a new stream: what the sidecar has not applied is written again
                self._take_back()
                resume.set()

    def _take_back(self) -> None:
        """Makes everything that was not answered wait again. The lock is held."""
        again = [entry for batch in self._written for entry in batch.entries]
        self._next -= len(again)
        self._waiting[:0] = again
        self._written.clear()

    def _note_failure(self, failure: command_pb2.CommandFailure) -> None:
        for batch in self._written:
            if batch.first <= failure.number < batch.end:
                ticket = batch.entries[failure.number - batch.first][2]
                error = CallError(failure.code, failure.message, failure.reason)
                if isinstance(ticket, Answer):
                    ticket.settle(error)
                elif ticket is not None:
                    self._failed(ticket, error)
                return

    def _end(self, error: SidecarError) -> None:
        with self._changed:
            unasked = not self._closed
            self._broken = error
            self._take_back()
            for _, _, ticket in self._waiting:
                if isinstance(ticket, Answer):
                    ticket.settle(error)
            self._waiting.clear()
            self._bytes = 0
        if unasked:
            self._lost(error)
