"""The one module that knows gRPC: calls go out here, and gRPC's errors become ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from . import _fork, _status
from .errors import SidecarError
from .v1 import sidecar_service_pb2 as api

_SERVICE = "/pengbridge.v1.SidecarService/"
_OPTIONS = [
    ("grpc.enable_http_proxy", 0),  # the sidecar is usually on this machine; a proxy would see the token
    ("grpc.max_receive_message_length", -1),  # the sidecar bounds its batches; one event may be as large as a packet
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # streams are resumed by their owners, who know how far they got
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Server streams are read without a thread of their own: 3 to 5 times cheaper for small batches, and a cancel from
    # another thread ends a blocked read at once.
    ("SingleThreadedUnaryStream", 1),
]
_PLAIN = [("grpc.default_authority", "localhost")]  # a Unix socket's path is no valid authority; TLS checks the real one

Answer = TypeVar("Answer", bound=Message)


class Code(IntEnum):
    """The gRPC codes that are told apart, by number, as CommandFailure carries them, too."""

    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class CallError(SidecarError):
    """A call failed.

    Attributes:
        code: gRPC's number.
        metadata: more for programs, for some reasons, such as a failed handshake's "close_reason".
    """

    def __init__(self, code: int, message: str, reason: str = "", metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, reason)
        self.code = code
        self.metadata = metadata or {}


class Stream:
    """What comes in on a stream, message by message, as bytes. One thread reads; any may cancel."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        """Yields until the stream ends.

        Raises:
            CallError: it did not end well.
        """
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise _translated(error) from None

    def cancel(self) -> None:
        """Ends the stream: a reader gets CallError with CANCELLED."""
        self._call.cancel()


class Transport:
    """A connection to one sidecar. Any number of threads may use it.

    Args:
        address: as the sidecar's ready line gives it: "unix:<path>" or "127.0.0.1:<port>".
        token: what every call carries.
        root_certificates: PEM certificates of who vouches for the sidecar. None: the connection is plain.
    """

    def __init__(self, address: str, token: str, root_certificates: bytes | None = None) -> None:
        if root_certificates is None:
            self._channel = grpc.insecure_channel(address, options=_OPTIONS + _PLAIN)
        else:
            credentials = grpc.ssl_channel_credentials(root_certificates)
            self._channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
        self._origin = _fork.Origin()
        self._metadata = (("authorization", f"Bearer {token}"),)

    def call(self, method: str, request: Message, answer: type[Answer], timeout: float) -> Answer:
        """Makes a unary call.

        Args:
            method: such as "Bind".
            request: its request.
            answer: the class of its response.
            timeout: in seconds.

        Raises:
            CallError: it failed.
            SidecarError: this process is a fork of the one that has the connection.
        """
        self._origin.check()
        make = self._channel.unary_unary(
            _SERVICE + method,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        try:
            result: Answer = make(request, timeout=timeout, metadata=self._metadata, wait_for_ready=True)
        except grpc.RpcError as error:
            raise _translated(error) from None
        except ValueError as error:  # the channel was closed
            raise CallError(Code.CANCELLED, str(error)) from None
        return result

    def subscribe(self, request: api.SubscribeRequest) -> Stream:
        """Opens a stream of encoded SubscribeResponses."""
        open_stream: Callable[..., Any] = self._channel.unary_stream(
            _SERVICE + "Subscribe", request_serializer=api.SubscribeRequest.SerializeToString
        )
        return self._opened(open_stream, request)

    def commands(self, requests: Iterator[bytes]) -> Stream:
        """Opens the Commands stream. A thread of gRPC's draws encoded CommandsRequests from requests until it ends."""
        open_stream: Callable[..., Any] = self._channel.stream_stream(_SERVICE + "Commands")
        return self._opened(open_stream, requests)

    def _opened(self, open_stream: Callable[..., Any], request: Any) -> Stream:
        try:
            return Stream(open_stream(request, metadata=self._metadata))
        except ValueError as error:  # the channel was closed meanwhile
            raise CallError(Code.CANCELLED, str(error)) from None

    def close(self) -> None:
        """Ends every call and lets the connection go."""
        self._channel.close()


def _translated(error: Any) -> CallError:
    code = error.code()
    message = error.details() or code.name.lower().replace("_", " ")
    return CallError(code.value[0], message, *_status.error_info(error.trailing_metadata()))
