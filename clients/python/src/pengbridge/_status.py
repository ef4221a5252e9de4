"""How a call failed: its code and message, and the ErrorInfo among the details of its google.rpc.Status.

The details are read by hand: the package that has them generated would be a dependency for three fields.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from urllib.parse import unquote

from ._http2 import Reset
from .errors import SidecarError

KEY = "grpc-status-details-bin"  # the trailing metadata that carries the encoded Status

_ERROR_INFO = b"type.googleapis.com/google.rpc.ErrorInfo"
_STATUS_DETAILS = 3  # field numbers
_ANY_TYPE, _ANY_VALUE = 1, 2
_INFO_REASON, _INFO_METADATA = 1, 3
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types


class Code(IntEnum):
    """The gRPC codes that are told apart or made here, by number, as CommandFailure carries them, too."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
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


_OF_HTTP = {
    "400": Code.INTERNAL,
    "401": Code.UNAUTHENTICATED,
    "403": Code.PERMISSION_DENIED,
    "404": Code.UNIMPLEMENTED,
    **dict.fromkeys(("429", "502", "503", "504"), Code.UNAVAILABLE),
}
_NUMBER = re.compile("[0-9]{1,4}")
_OF_RESET: dict[int, Code] = {
    Reset.REFUSED_STREAM: Code.UNAVAILABLE,
    Reset.CANCEL: Code.CANCELLED,
    Reset.ENHANCE_YOUR_CALM: Code.RESOURCE_EXHAUSTED,
    Reset.INADEQUATE_SECURITY: Code.PERMISSION_DENIED,
}


def of_http(status: str) -> CallError:
    """What it means that a server answers with an HTTP status, or with none, and not as gRPC does."""
    return CallError(_OF_HTTP.get(status, Code.UNKNOWN), f"no gRPC server: HTTP status {status or 'missing'}")


def of_reset(reason: int) -> CallError:
    """What it means that a server has reset the call, with one of HTTP/2's codes."""
    code = _OF_RESET.get(reason, Code.INTERNAL)
    return CallError(code, f"the server has reset the call with HTTP/2's code {reason}")


def of_trailers(trailers: Mapping[str, str]) -> CallError | None:
    """How a call ended that has these trailers; None: well."""
    status = trailers.get("grpc-status", "")
    if not _NUMBER.fullmatch(status):
        return CallError(Code.UNKNOWN, "the call ended without a status")
    if int(status) == 0:
        return None
    details = trailers.get(KEY, "")
    try:
        encoded = b64decode(details + "=" * (-len(details) % 4))
    except ValueError:
        encoded = b""  # the code and the message have to do
    return CallError(int(status), unquote(trailers.get("grpc-message", "")), *error_info([(KEY, encoded)]))


def error_info(trailers: Iterable[tuple[str, str | bytes]] | None) -> tuple[str, dict[str, str]]:
    """The reason and the metadata of a call's ErrorInfo; ("", {}) if there is none that can be read.

    Args:
        trailers: the call's trailing metadata.
    """
    status = next((value for key, value in trailers or () if key == KEY), b"")
    if not isinstance(status, bytes):
        return "", {}
    try:
        for detail in _all(status, _STATUS_DETAILS):
            if _last(detail, _ANY_TYPE) == _ERROR_INFO:
                info = _last(detail, _ANY_VALUE)
                entries = _all(info, _INFO_METADATA)
                metadata = {_last(e, _ENTRY_KEY).decode(): _last(e, _ENTRY_VALUE).decode() for e in entries}
                return _last(info, _INFO_REASON).decode(), metadata
    except ValueError:
        pass  # the code and the message have to do
    return "", {}


def _last(message: bytes, number: int) -> bytes:
    return (_all(message, number) or [b""])[-1]


def _all(message: bytes, number: int) -> list[bytes]:
    return [value for field, value in _fields(message) if field == number]


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the length-delimited fields of an encoded message; others are passed over.

    Raises:
        ValueError: it is none.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            _, position = _varint(message, position)
        elif wire_type in (_FIXED64, _FIXED32):
            position += 8 if wire_type == _FIXED64 else 4
        elif wire_type == _BYTES:
            size, position = _varint(message, position)
            end = position + size
            if end > len(message):
                raise ValueError("a field is longer than its message")
            yield number, message[position:end]
            position = end
        else:
            raise ValueError(f"wire type {wire_type} is not used in these messages")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """The number at position, and the position behind it."""
    value = shift = 0
    for byte in message[position : position + 10]:
        value |= (byte & 127) << shift
        shift += 7
        position += 1
        if byte < 128:
            return value, position
    raise ValueError("a number does not end")
