"""A sidecar's streams without a sidecar: what was written can be seen, what comes back is up to the test."""

from __future__ import annotations

import contextlib
import queue
from typing import Any

from google.protobuf.message import Message

from pengbridge._status import CallError, Code
from pengbridge.v1 import sidecar_service_pb2 as api

_NOTHING = b"nothing"  # what an interrupted receive returns is none


class FakeStream:
    """A stream whose messages the test puts: an exception that is put is raised; None ends it.

    What is written to it comes into requests, and None when nothing more will.

    Attributes:
        busy: as in a stream; the test sets it.
        held: what hold was last called with.
        interruption: what send raises; the test sets it.
    """

    def __init__(self, request: type[Message]) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.requests: queue.Queue[Any] = queue.Queue()
        self.busy = False
        self.held = False
        self._request = request
        self._next: Any = _NOTHING
        self.interruption: BaseException | None = None

    def send(self, message: bytes) -> None:
        if self.interruption is not None:
            raise self.interruption
        self.requests.put(self._request.FromString(message))

    def half_close(self) -> None:
        self.requests.put(None)

    def hold(self, held: bool) -> None:
        self.held = held

    def wait(self, timeout: float | None) -> None:
        with contextlib.suppress(queue.Empty):
            self._next = self.messages.get(timeout=timeout)

    def take(self) -> list[bytes] | None:
        message, self._next = self._next, _NOTHING
        if isinstance(message, BaseException):
            raise message
        if message is None:
            return None
        return [] if message is _NOTHING else [message.SerializeToString()]

    def receive(self, timeout: float | None = None) -> list[bytes] | None:
        self.wait(timeout)
        return self.take()

    def abort(self, why: str) -> None:
        self.messages.put(CallError(Code.UNAVAILABLE, why))

    def interrupt(self) -> None:
        self.messages.put(_NOTHING)

    def cancel(self) -> None:
        self.messages.put(CallError(Code.CANCELLED, "cancelled"))

    def close(self) -> None:
        self.requests.put(None)


class FakeTransport:
    """Hands out FakeStreams, in the order in which they are opened."""

    def __init__(self) -> None:
        self.streams: queue.Queue[FakeStream] = queue.Queue()

    def open(self, method: str) -> FakeStream:
        stream = FakeStream({"Commands": api.CommandsRequest, "Subscribe": api.SubscribeRequest}[method])
        self.streams.put(stream)
        return stream


def broken(code: Code = Code.UNAVAILABLE) -> CallError:
    """What a stream raises when the connection breaks, or that ends with another code."""
    return CallError(code, "connection reset")
