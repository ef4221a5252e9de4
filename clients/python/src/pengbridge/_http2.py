"""HTTP/2 frames (RFC 9113, section 4): the few kinds that a gRPC client needs, as bytes and back."""

from __future__ import annotations

import struct
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST_FRAME = 16384  # bytes of a payload, as long as a side has not allowed more
DEFAULT_WINDOW = 65535  # bytes, for a connection and for a stream
LARGEST_WINDOW = (1 << 31) - 1

_HEADER = struct.Struct(">BHBBL")  # length (24 bits), type, flags, stream
_HEADER_SIZE = _HEADER.size
_SETTING = struct.Struct(">HL")
_NUMBER = struct.Struct(">L")


class Kind:
    """Types of frames. Others are to be ignored. Plain numbers, like the flags: enums take their time with every packet."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Flag:
    """Flags of frames. ACK belongs to SETTINGS and PING."""

    ACK = 1
    END_STREAM = 1
    END_HEADERS = 4
    PADDED = 8
    PRIORITY = 32


class Setting(IntEnum):
    """Settings that say something to a gRPC client, or that it says."""

    ENABLE_PUSH = 2
    INITIAL_WINDOW_SIZE = 4
    MAX_FRAME_SIZE = 5
    MAX_HEADER_LIST_SIZE = 6


class Reset(IntEnum):
    """Error codes of RST_STREAM and GOAWAY."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12


class Violation(Exception):
    """The other side does not keep to the protocol. code: what it is to be told."""

    def __init__(self, code: Reset, message: str) -> None:
        super().__init__(message)
        self.code = code


Frame = tuple[int, int, int, bytes]  # type, flags, stream, payload


class Splitter:
    """Cuts a stream of bytes into frames. One thread at a time may use it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Takes what came in, and returns the frames that are complete.

        Raises:
            Violation: a frame is larger than we allow. Nothing more can be read.
        """
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        position, size = 0, len(data)
        while size - position >= _HEADER_SIZE:
            high, low, kind, flags, stream = _HEADER.unpack_from(data, position)
            length = high << 16 | low
            if length > LARGEST_FRAME:
                raise Violation(Reset.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            begin = position + _HEADER_SIZE
            if size - begin < length:
                break
            position = begin + length
            frames.append((kind, flags, stream & LARGEST_WINDOW, data[begin:position]))
        self._rest = data[position:]
        return frames


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """Encodes a frame. The payload has at most as many bytes as the other side allows."""
    length = len(payload)
    return b"".join((_HEADER.pack(length >> 16, length & 0xFFFF, kind, flags, stream), payload))


def settings(values: dict[Setting, int]) -> bytes:
    """Encodes a SETTINGS frame."""
    return frame(Kind.SETTINGS, 0, 0, b"".join(_SETTING.pack(key, value) for key, value in values.items()))


def window_update(stream: int, increment: int) -> bytes:
    """Encodes a WINDOW_UPDATE frame; stream 0 is the connection."""
    return frame(Kind.WINDOW_UPDATE, 0, stream, _NUMBER.pack(increment))


def reset(stream: int, code: Reset) -> bytes:
    """Encodes a RST_STREAM frame."""
    return frame(Kind.RST_STREAM, 0, stream, _NUMBER.pack(code))


def go_away(code: Reset) -> bytes:
    """Encodes a GOAWAY frame from a side that was sent no streams."""
    return frame(Kind.GOAWAY, 0, 0, _NUMBER.pack(0) + _NUMBER.pack(code))


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """The settings in a SETTINGS frame, in order, unknown ones too.

    Raises:
        Violation: it is not made of whole settings.
    """
    if len(payload) % _SETTING.size:
        raise Violation(Reset.FRAME_SIZE_ERROR, f"SETTINGS of {len(payload)} bytes")
    return list(_SETTING.iter_unpack(payload))


def read_number(payload: bytes) -> int:
    """The one number that makes up a WINDOW_UPDATE or RST_STREAM.

    Raises:
        Violation: it is something else.
    """
    if len(payload) != _NUMBER.size:
        raise Violation(Reset.FRAME_SIZE_ERROR, f"{len(payload)} bytes instead of a number")
    return int(_NUMBER.unpack(payload)[0])


def read_last_stream(payload: bytes) -> int:
    """The last stream that the sender of a GOAWAY has dealt with, or will.

    Raises:
        Violation: it is too short.
    """
    if len(payload) < 2 * _NUMBER.size:
        raise Violation(Reset.FRAME_SIZE_ERROR, f"GOAWAY of {len(payload)} bytes")
    return int(_NUMBER.unpack_from(payload)[0]) & LARGEST_WINDOW


def content(kind: int, flags: int, payload: bytes) -> bytes:
    """What a DATA or HEADERS frame carries, without padding and priority.

    Raises:
        Violation: there is more padding than frame.
    """
    begin, end = 0, len(payload)
    if flags & Flag.PADDED:
        if not payload:
            raise Violation(Reset.FRAME_SIZE_ERROR, "a padded frame without the padding's length")
        begin, end = 1, end - payload[0]
    if kind == Kind.HEADERS and flags & Flag.PRIORITY:
        begin += 5
    if begin > end:
        raise Violation(Reset.PROTOCOL_ERROR, "more padding than frame")
    return payload[begin:end]
