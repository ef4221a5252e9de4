"""What the API for new programs raises: SidecarError, or one of its kinds where a program may want to tell them apart."""

from __future__ import annotations

from .._status import CallError, Code
from ..errors import SidecarError


class InvalidArgumentError(SidecarError, ValueError):
    """An argument makes no sense; the message names it."""


class NotFoundError(SidecarError, LookupError):
    """There is no such connection, packet or endpoint, or there is none any more."""


class AlreadyExistsError(SidecarError):
    """The address is in use ("ADDRESS_IN_USE"), or the packet is registered already ("ALREADY_REGISTERED")."""


class FailedPreconditionError(SidecarError):
    """It is not possible now: the connection is not active yet, say, or a packet rule refused the packet."""


class EndpointStoppedError(FailedPreconditionError):
    """The endpoint has ended."""


class HandshakeError(FailedPreconditionError):
    """A client connected, but did not become active.

    Attributes:
        close_reason: why the connection was closed; None if no reason was given.
    """

    close_reason: str | None = None


class ResourceExhaustedError(SidecarError):
    """A queue is full."""


class UnavailableError(SidecarError, ConnectionError):
    """Nobody listens at the address, the host is unknown, a server's host is not this machine, or the sidecar is lost."""


class DeadlineExceededError(SidecarError, TimeoutError):
    """It did not happen in time."""


class PermissionDeniedError(SidecarError, PermissionError):
    """The sidecar does not take the token, or the system refuses the address."""


_BY_CODE: dict[int, type[SidecarError]] = {
    Code.INVALID_ARGUMENT: InvalidArgumentError,
    Code.NOT_FOUND: NotFoundError,
    Code.ALREADY_EXISTS: AlreadyExistsError,
    Code.FAILED_PRECONDITION: FailedPreconditionError,
    Code.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    Code.UNAVAILABLE: UnavailableError,
    Code.DEADLINE_EXCEEDED: DeadlineExceededError,
    Code.PERMISSION_DENIED: PermissionDeniedError,
    Code.UNAUTHENTICATED: PermissionDeniedError,
}
# Reasons that have a kind of their own, and those that this package gives without having asked the sidecar.
_BY_REASON: dict[str, type[SidecarError]] = {
    "ENDPOINT_STOPPED": EndpointStoppedError,
    "HANDSHAKE_FAILED": HandshakeError,
    "PACKET_TOO_LARGE": InvalidArgumentError,
    "SEND_QUEUE_FULL": ResourceExhaustedError,
}


def translated(error: SidecarError) -> SidecarError:
    """The engine's error as programs see it."""
    kind = _BY_REASON.get(error.reason)
    if kind is None and isinstance(error, CallError):
        kind = _BY_CODE.get(error.code)
    made = (kind or SidecarError)(str(error), error.reason)
    if isinstance(made, HandshakeError) and isinstance(error, CallError):
        made.close_reason = error.metadata.get("close_reason")
    return made
