"""A sidecar's streams without a sidecar: what was written can be seen, what comes back is up to the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

from pengbridge._transport import CallError, Code
from pengbridge.v1 import sidecar_service_pb2 as api


class FakeStream:
    """A stream whose messages the test puts. An exception that is put is raised; None ends it."""

    def __init__(self) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()

    def __iter__(self) -> Iterator[bytes]:
        while (message := self.messages.get()) is not None:
            if isinstance(message, Exception):
                raise message
            yield message.SerializeToString()

    def cancel(self) -> None:
        self.messages.put(CallError(Code.CANCELLED, "cancelled"))


class FakeTransport:
    """Hands out FakeStreams, in the order in which they are opened, and collects requests as gRPC's thread would."""

    def __init__(self) -> None:
        self.streams: queue.Queue[FakeStream] = queue.Queue()
        self.requests: queue.Queue[api.CommandsRequest | None] = queue.Queue()
        self.subscriptions: list[api.SubscribeRequest] = []

    def commands(self, requests: Iterator[bytes]) -> FakeStream:
        def draw() -> None:
            for request in requests:
                self.requests.put(api.CommandsRequest.FromString(request))
            self.requests.put(None)

        threading.Thread(target=draw, name="pengbridge fake", daemon=True).start()
        return self._open()

    def subscribe(self, request: api.SubscribeRequest) -> FakeStream:
        self.subscriptions.append(request)
        return self._open()

    def _open(self) -> FakeStream:
        stream = FakeStream()
        self.streams.put(stream)
        return stream


def broken() -> CallError:
    """What a stream raises when the connection breaks."""
    return CallError(Code.UNAVAILABLE, "connection reset")
