"""The commands of one endpoint on their way to the sidecar: queued by any thread, written in batches, answered in bulk.

Whoever queues a command also writes it, if that makes sense: a hand-over to another thread costs more than the system call.
It makes no sense where many commands follow one another; those go together. What is sent while a batch of events is being
handled leaves with the batch's acknowledgement. What is sent by others leaves at once if nothing left just before; else the
answers' thread takes it along.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _wire, v1
from ._status import CallError, Code
from ._stream import Stream
from .errors import SidecarError

if TYPE_CHECKING:
    from ._transport import Transport

LIMIT = 256 << 20  # bytes queued or unanswered: far more than the sidecar ever lags behind
_BATCH_BYTES = 1 << 20
_OVERHEAD = 64  # bytes of a message besides its commands; they are fewer
_BATCH_COMMANDS = 16384
_WINDOW = 65536  # commands that are unanswered at most: of so many, the sidecar knows after a break which failed
_RETRY = 0.05  # seconds between attempts to resume a broken stream
_QUIET = 100e-6  # seconds without a write, after which a command is worth one of its own
_PAUSE = 0.005  # seconds between looks at answers that nobody waits for: one by one they cost more than all the rest
_UNREAD = 1 << 20  # bytes that are unanswered at most while the answers' thread pauses

_log = logging.getLogger("pengbridge")

# A queue is a flat list with so many items for each command: its bytes, and who is told of its failure: the connection's cid
# and the packet's type, or None and the Answer that somebody waits for. A tuple for each would be work for the garbage
# collector: an eighth of all that sending takes.
_ITEMS = 3
UNTOLD = object()  # in the type's place: nobody is told


class Answer:
    """The answer to one command that somebody waits for.

    A threading.Event would not do: a signal's handler that raises while somebody waits for one may leave its lock locked,
    and then the answers' thread, which sets it, would stand still for ever.
    """

    def __init__(self) -> None:
        self._pending = threading.Lock()  # locked until it is settled
        self._pending.acquire()
        self._settled = False
        self.error: SidecarError | None = None

    def settle(self, error: SidecarError | None = None) -> None:
        """Notes the answer. The first one counts. Only the answers' thread calls it."""
        if not self._settled:
            self.error = error
            self._settled = True
            self._pending.release()

    def wait(self, timeout: float | None) -> bool:
        """Waits for it; False if it did not come within timeout seconds. One thread may call it, any number of times."""
        return self._settled or self._pending.acquire(timeout=-1 if timeout is None else max(0.0, timeout))


class _Batch:
    """Commands that were written together, and not answered yet."""

    def __init__(self, first: int, queued: list[Any], size: int, later: bool) -> None:
        self.first = first
        self.later = later  # whether the answer may take a few milliseconds
        self.queued = queued
        self.size = size  # bytes

    @property
    def end(self) -> int:
        """The number behind the last one's."""
        return self.first + len(self.queued) // _ITEMS

    def encode(self) -> bytes:
        """The CommandsRequest."""
        return b"".join((_wire.numbered(self.first, self.later), *self.queued[::_ITEMS]))

    def sender(self, number: int) -> tuple[int | None, Any]:
        """Who is told of the failure of one of its commands: as put got it."""
        _, cid, ptype = self.queued[_ITEMS * (number - self.first) :][:_ITEMS]
        return cid, ptype

    def settle(self, applied: int) -> int:
        """Removes what was applied up to that number; whoever waits for it is told. Returns its size in bytes."""
        count = min(applied + 1, self.end) - self.first
        settled = self.queued[: _ITEMS * count]
        _settle(settled)
        size = self.size if applied + 1 >= self.end else _size(settled)
        del self.queued[: _ITEMS * count]
        self.first += count
        self.size -= size
        return size


def _size(queued: list[Any]) -> int:
    """How many bytes the commands of a queue have."""
    return sum(map(len, queued[::_ITEMS]))


def _settle(queued: list[Any], error: SidecarError | None = None) -> None:
    """Tells those who wait for an answer to one of a queue's commands, if there are any."""
    if _is_asked(queued):  # hardly ever; to look at each one here takes three times as long
        for asker in queued[_ITEMS - 1 :: _ITEMS]:
            if type(asker) is Answer:
                asker.settle(error)


def _is_asked(queued: list[Any]) -> bool:
    """Whether somebody waits for the answer to one of a queue's commands."""
    return Answer in map(type, queued[_ITEMS - 1 :: _ITEMS])


class Outbox:
    """The sending end of an endpoint's Commands stream. Any thread may queue; nobody waits for the network.

    One thread serves it, which reads the answers and writes what others could not. It ends with close() or with the sidecar.

    Args:
        transport: the way to the sidecar.
        endpoint_id: the endpoint.
        sender: the name under which the endpoint remembers how far we got.
        largest: how many bytes one message to the sidecar may have.
        alive: whether the sidecar still runs.
        failed: called when a command failed, with cid and ptype as put got them, and why; from the answers' thread.
        lost: called when the stream ended before close(), and why; from the answers' thread.
    """

    def __init__(
        self,
        transport: Transport,
        endpoint_id: str,
        sender: str,
        largest: int,
        alive: Callable[[], bool],
        failed: Callable[[int | None, Any, SidecarError], None],
        lost: Callable[[SidecarError], None],
    ) -> None:
        self._transport = transport
        self._opening = _wire.opening(endpoint_id, sender)
        self._largest = largest - _OVERHEAD
        self._alive = alive
        self._failed = failed
        self._lost = lost
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)  # for the answers' thread, while it pauses
        self._waiting: list[Any] = []  # not written yet
        self._written: deque[_Batch] = deque()  # written, not answered as far as we know
        self._next = 1  # the number of the first that waits
        self._prompt = 0  # the number behind those whose answer comes at once, and makes the answers' thread look
        self._bytes = 0  # of both
        self._acknowledge: bytes | None = None
        self._stream: Stream | None = None
        self._ready = False  # whether the stream knows where to go on
        self._wrote = 0.0  # when
        self._gatherer = 0  # the thread that will write what it has queued
        self._asked = 0  # the last command that somebody waits for
        self._pausing = False
        self._closed = False
        self._cancelled = False
        self._broken: SidecarError | None = None
        self._thread = threading.Thread(target=self._run, name="pengbridge answers", daemon=True)

    def start(self) -> None:
        """Opens the stream. Commands may be queued before."""
        self._thread.start()

    def put(self, prefix: bytes, body: bytes = b"", cid: int | None = None, ptype: Any = UNTOLD) -> None:
        """Queues one command.

        Args:
            prefix: its first part, as an entry of a CommandsRequest.
            body: its second part.
            cid: the connection that failed() is to be told.
            ptype: the packet type that failed() is to be told; UNTOLD: nothing; or the Answer that somebody waits for.

        Raises:
            SidecarError: the sidecar was lost, the outbox is closed or full, or the command is too large.
        """
        command = prefix + body
        size = len(command)
        with self._lock:
            if self._broken is not None or self._closed or size > self._largest or self._bytes + size > LIMIT:
                raise self._refusal(size)
            self._bytes += size
            self._waiting += (command, cid, ptype)  # at once: between two calls a signal's handler could raise
            if not self._written:
                self._write()  # no answer is under way that would make the answers' thread look
            elif type(ptype) is Answer:
                self._asked = self._next + len(self._waiting) // _ITEMS - 1
                self._write()
                self._wake()
            elif self._gatherer == threading.get_ident():
                pass  # see gather
            elif self._prompt <= self._written[0].first or time.monotonic() - self._wrote > _QUIET:
                self._write()
            else:
                self._wake()

    def ask(self, command: v1.command_pb2.Command) -> Answer:
        """Queues a command whose answer is waited for; errors as in put."""
        answer = Answer()
        self.put(_wire.command(command), ptype=answer)
        return answer

    def acknowledge(self, command: bytes) -> None:
        """Writes an acknowledgement and all that waits. One that could not be written yet is replaced. Never raises."""
        with self._lock:
            self._acknowledge = command
            self._write()

    def gather(self) -> None:
        """Until release, what the calling thread queues need not be written at once: it will acknowledge or release soon.

        If it takes longer, the answers' thread writes it: after _PAUSE at the latest.
        """
        self._gatherer = threading.get_ident()

    def release(self) -> None:
        """Writes what was gathered."""
        self._gatherer = 0
        if self._waiting:
            with self._lock:
                self._write()

    def close(self) -> None:
        """Writes what is queued and ends the stream. It does not wait. Idempotent."""
        with self._lock:
            self._closed = True
            self._write()
            self._wake()

    def cancel(self) -> None:
        """Ends the stream at once, whatever waits."""
        with self._lock:
            self._closed = self._cancelled = True
            if self._stream is not None:
                self._stream.cancel()
            self._wake()

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
            return SidecarError(
                f"a packet of {size} bytes is too large: the sidecar takes up to {self._largest}", "PACKET_TOO_LARGE"
            )
        return SidecarError(f"more than {LIMIT >> 20} MiB wait for the sidecar", "SEND_QUEUE_FULL")

    # What follows is called with the lock held.

    def _write(self) -> None:
        """Writes what waits, as far as the stream takes it. It takes the rest when the answers' thread has made room."""
        stream = self._stream
        if stream is None or not self._ready:
            return
        try:
            while (self._waiting or self._acknowledge is not None) and self._has_room() and not stream.busy:
                stream.send(self._draw().encode())
                self._wrote = time.monotonic()
        except BaseException:  # a signal's handler may raise anywhere in the main thread
            self._ready = False
            stream.abort("writing was interrupted")  # the next stream tells what has arrived, and the rest is written again
            raise
        if stream.busy:
            self._wake()
        elif self._closed and not self._waiting:
            stream.half_close()

    def _has_room(self) -> bool:
        """Whether one more message may be unanswered."""
        return not self._written or self._next - self._written[0].first <= _WINDOW - _BATCH_COMMANDS

    def _wake(self) -> None:
        """Ends a pause of the answers' thread. If it does not pause it waits for an answer, and looks when that comes."""
        if self._pausing:
            self._pausing = False
            self._changed.notify()

    def _draw(self) -> _Batch:
        """Moves what fits one message from waiting to written."""
        # Who handles events waits for no answer: one to each acknowledgement would cost both sides more than all the rest.
        later = self._acknowledge is not None
        if self._acknowledge is not None:
            self._bytes += len(self._acknowledge)
            self._waiting += (self._acknowledge, None, UNTOLD)
            self._acknowledge = None
        queued = self._waiting[: _ITEMS * _BATCH_COMMANDS]
        size = _size(queued)
        if size > _BATCH_BYTES:
            size = 0
            for index in range(0, len(queued), _ITEMS):
                if index and size + len(queued[index]) > _BATCH_BYTES:
                    del queued[index:]
                    break
                size += len(queued[index])
        count = len(queued)
        later = later and not _is_asked(queued)
        batch = _Batch(self._next, queued, size, later)
        del self._waiting[:count]  # no calls from here on, as in put
        self._next += count // _ITEMS
        if not later:
            self._prompt = self._next
        self._written += (batch,)
        return batch

    def _take_back(self) -> None:
        """Makes everything that was not answered wait again."""
        queued = [item for batch in self._written for item in batch.queued]
        self._waiting[:0] = queued
        self._next -= len(queued) // _ITEMS
        self._written.clear()

    def _pause(self, stream: Stream) -> None:
        """Lets answers pile up for a moment, unless one is waited for or the stream wants to be looked after."""
        deadline = time.monotonic() + _PAUSE
        while not (
            stream.busy or self._closed or self._bytes > _UNREAD or (self._written and self._written[0].first <= self._asked)
        ):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._pausing = True
            self._changed.wait(left)
            self._pausing = False
            self._write()

    # What follows runs in the answers' thread.

    def _run(self) -> None:
        while (error := self._attend()) is not None:
            # ABORTED: our name is nobody else's, so that an older stream of ours, which had broken, came late.
            if error.code not in (Code.UNAVAILABLE, Code.ABORTED) or self._closed or not self._alive():
                return self._end(error)
            _log.warning("the command stream broke and is resumed: %s", error)
            threading.Event().wait(_RETRY)
        return self._end(SidecarError("the endpoint has ended", "ENDPOINT_STOPPED"))

    def _attend(self) -> CallError | None:
        """Opens a stream and reads its answers until it ends. Nothing is written to it afterwards. Returns why it broke."""
        try:
            stream = self._transport.open("Commands")
        except CallError as error:
            return error
        try:
            with self._lock:
                self._stream = stream
                if self._cancelled:
                    stream.cancel()
            stream.send(self._opening)
            while (messages := stream.receive()) is not None:
                with self._lock:
                    if messages:
                        self._answered(messages)
                    self._write()
                    self._pause(stream)
            return None
        except CallError as error:
            return error
        finally:
            with self._lock:
                self._stream, self._ready = None, False
            stream.close()

    def _answered(self, messages: list[bytes]) -> None:
        """Takes answers. Several are read as one: joined, Protobuf's messages are one with the fields of all."""
        response = v1.sidecar_service_pb2.CommandsResponse.FromString(b"".join(messages))
        for failure in (*response.recent_failures, *response.failures):
            self._note_failure(failure)
        while self._written and self._written[0].first <= response.applied_number:
            self._bytes -= self._written[0].settle(response.applied_number)
            if self._written[0].queued:
                break
            self._written.popleft()
        if not self._ready:  # a new stream: what the sidecar has not applied is written again
            self._take_back()
            self._ready = True

    def _note_failure(self, failure: v1.command_pb2.CommandFailure) -> None:
        for batch in self._written:
            if batch.first <= failure.number < batch.end:
                cid, ptype = batch.sender(failure.number)
                error = CallError(failure.code, failure.message, failure.reason)
                if isinstance(ptype, Answer):
                    ptype.settle(error)
                elif ptype is not UNTOLD:
                    self._failed(cid, ptype, error)
                return

    def _end(self, error: SidecarError) -> None:
        with self._changed:
            unasked = not self._closed
            self._broken = error
            self._take_back()
            _settle(self._waiting, error)
            self._waiting.clear()
        if unasked:
            self._lost(error)
