"""A sidecar's streams without a sidecar: what was written can be seen, what comes back is up to the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any

from pengbridge._transport import CallError, Code
from pengbridge.v1 import sidecar_service_pb2 as api


class FakeStream:
    """A stream whose messages the test puts: an exception that is put is raised; None ends it.

    What is written to it comes into requests, and None when nothing more will.
    """

    def __init__(self) -> None:
        self.messages: queue.Queue[Any] = queue.Queue()
        self.requests: queue.Queue[api.CommandsRequest | None] = queue.Queue()

    def __iter__(self) -> Iterator[bytes]:
        while (message := self.messages.get()) is not None:
            if isinstance(message, Exception):
                raise message
            yield message.SerializeToString()

    def cancel(self) -> None:
        self.messages.put(CallError(Code.CANCELLED, "cancelled"))


class FakeTransport:
    """Hands out FakeStreams, in the order in which they are opened, and draws requests as gRPC's thread would."""

    def __init__(self) -> None:
        self.streams: queue.Queue[FakeStream] = queue.Queue()
        self.subscriptions: list[api.SubscribeRequest] = []

    def commands(self, requests: Iterator[bytes]) -> FakeStream:
        stream = FakeStream()

        def draw() -> None:
            for request in requests:
                stream.requests.put(api.CommandsRequest.FromString(request))
            stream.requests.put(None)

        threading.Thread(target=draw, name="pengbridge fake", daemon=True).start()
        self.streams.put(stream)
        return stream

    def subscribe(self, request: api.SubscribeRequest) -> FakeStream:
        self.subscriptions.append(request)
        stream = FakeStream()
        self.streams.put(stream)
        return stream


def broken() -> CallError:
    """What a stream raises when the connection breaks."""
    return CallError(Code.UNAVAILABLE, "connection reset")
