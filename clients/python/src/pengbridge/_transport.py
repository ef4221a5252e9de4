"""Calls to the sidecar. The one module that knows grpcio, which makes the unary ones; streams have something leaner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from . import _dial, _fork, _status
from ._call import Call
from ._status import CallError, Code
from ._stream import Stream

_SERVICE = "/pengbridge.v1.SidecarService/"
_OPTIONS = [
    ("grpc.enable_http_proxy", 0),  # the sidecar is usually on this machine; a proxy would see the token
    ("grpc.max_receive_message_length", -1),  # a page of connections may be large
    ("grpc.enable_retries", 0),  # not every call may be made twice
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_AUTHORITY = "localhost"  # a Unix socket's path is no valid one; TLS checks the real one
_TIMED_OUT = "Deadline Exceeded"  # what grpcio says by itself; the sidecar has other words
_PROBE = 1.0  # seconds
_CONNECT = 10.0  # seconds for a stream's connection

Answer = TypeVar("Answer", bound=Message)


class Transport:
    """The way to one sidecar: a connection for unary calls, and one for each stream. Any number of threads may use it.

    Args:
        address: as the sidecar's ready line gives it: "unix:<path>" or "127.0.0.1:<port>".
        token: what every call carries.
        trust: how TLS is spoken with the sidecar. None: the connection is plain.
        has_ended: whether the sidecar is known to have ended, so that unary calls need not wait for it.
    """

    def __init__(
        self,
        address: str,
        token: str,
        trust: _dial.Trust | None = None,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        if trust is None:
            self._channel = grpc.insecure_channel(address, options=[*_OPTIONS, ("grpc.default_authority", _AUTHORITY)])
        else:
            credentials = grpc.ssl_channel_credentials(trust.root_certificates, *trust.identity())
            self._channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
        self._address = address
        self._trust = trust
        self._has_ended = has_ended
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
        if self._has_ended():
            raise CallError(Code.UNAVAILABLE, "the sidecar has ended")
        make = self._channel.unary_unary(
            _SERVICE + method,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        try:
            result: Answer = _in_another_thread(
                lambda: make(request, timeout=timeout, metadata=self._metadata, wait_for_ready=True)
            )
        except grpc.RpcError as error:
            if error.details() == _TIMED_OUT:
                why = f"the sidecar at {self._address} does not answer within {timeout:g} s: {self._why_silent()}"
                raise CallError(Code.DEADLINE_EXCEEDED, why) from None
            raise _translated(error) from None
        except ValueError as error:  # the channel was closed
            raise CallError(Code.CANCELLED, str(error)) from None
        return result

    def open(self, method: str) -> Stream:
        """Begins a call that has more than one message, such as "Subscribe". It waits for the connection, not for an answer.

        Raises:
            CallError: there is no connection: UNAVAILABLE.
        """
        try:
            sock, tls = _dial.connect(self._address, self._trust, _CONNECT)
        except OSError as error:
            raise CallError(Code.UNAVAILABLE, f"no connection to the sidecar at {self._address}: {error}") from None
        authority = _AUTHORITY if self._trust is None else self._address
        scheme = "http" if tls is None else "https"
        return Stream(sock, tls, Call(_SERVICE + method, scheme, authority, self._metadata))

    def _why_silent(self) -> str:
        """What a person can do about a sidecar that does not answer: grpcio keeps to itself why it cannot connect."""
        try:
            sock, _ = _dial.connect(self._address, self._trust, _PROBE)
        except OSError as error:
            return str(error)
        sock.close()
        return "it can be connected to, but hangs, or the two sides do not agree on TLS and its certificates"

    def close(self) -> None:
        """Ends every unary call and lets the connection go. Streams are ended by who opened them."""
        self._channel.close()


def _in_another_thread(make: Callable[[], Any]) -> Any:
    """Makes a call, outside the main thread: a signal's handler that raised there, in the middle of grpcio, could leave the
    channel locked, and every later call would wait for ever. A call that is given up so ends by its own time limit."""
    if threading.current_thread() is not threading.main_thread():
        return make()
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(make())
        except BaseException as error:  # whatever it is, it is the caller's
            failure.append(error)

    thread = threading.Thread(target=run, name="pengbridge call", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter ends, and starts no more threads
        return make()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _translated(error: Any) -> CallError:
    code = error.code()
    message = error.details() or code.name.lower().replace("_", " ")
    return CallError(code.value[0], message, *_status.error_info(error.trailing_metadata()))
