"""One gRPC call over HTTP/2, without a socket: bytes in, messages out, and the other way round.

A connection carries a single call here. That is what makes it small and quick: no streams to tell apart, and messages of a
stream that nobody reads hold up no other one. For a message in and one out it takes 2 us, where h2 4.4, which can do all of
HTTP/2, takes 20. Written from RFC 9113 and gRPC's "PROTOCOL-HTTP2"; it knows nothing of the sidecar.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence

import hpack

from . import _http2, _status
from ._http2 import Flag, Kind, Reset, Setting, Violation
from ._status import CallError, Code

WINDOW = 1 << 20  # bytes that may come in before we must have dealt with them, besides a message that is larger

_STREAM = 1  # the number of a client's first stream
_PREFIX = struct.Struct(">BL")  # compressed or not, length
_PREFIX_SIZE = _PREFIX.size
_LARGEST_MESSAGE = (1 << 31) - 1  # bytes; Protobuf has none that is larger
_LARGEST_HEADERS = 64 << 10  # bytes
_LARGEST_BACKLOG = 64 << 10  # bytes of answers that the other side asked for, such as to pings, and does not read

_PLACES = {  # the streams for which frames of a type may come
    Kind.DATA: (_STREAM,),
    Kind.HEADERS: (_STREAM,),
    Kind.CONTINUATION: (_STREAM,),
    Kind.RST_STREAM: (_STREAM,),
    Kind.WINDOW_UPDATE: (0, _STREAM),
    Kind.SETTINGS: (0,),
    Kind.PING: (0,),
    Kind.GOAWAY: (0,),
}


class Call:
    """The client's side of a call. One thread at a time may use it.

    After each call of a method there may be output to be written. Once it has ended it stays so, with the first cause.

    Args:
        path: "/package.Service/Method".
        scheme: "http", or "https" over TLS.
        authority: the server's name.
        metadata: what goes along, such as a token; it is kept out of compression's memory.

    Attributes:
        ended: whether nothing more comes.
        error: why it ended, unless it ended well.
    """

    def __init__(self, path: str, scheme: str, authority: str, metadata: Sequence[tuple[str, str]] = ()) -> None:
        self.ended = False
        self.error: CallError | None = None
        self._splitter = _http2.Splitter()
        self._decoder = hpack.Decoder(max_header_list_size=_LARGEST_HEADERS)
        self._output: list[bytes] = []
        self._answers = 0  # bytes of output that the other side has asked for
        # What goes out.
        self._room_connection = _http2.DEFAULT_WINDOW
        self._room_stream = self._window = _http2.DEFAULT_WINDOW
        self._largest_frame = _http2.LARGEST_FRAME
        self._waiting: deque[memoryview] = deque()  # messages, or what is left of one, for which there is no room
        self._half_closed = False
        self._said_so = False
        # What comes in.
        self._greeted = False  # a server's first frame is SETTINGS
        self._header_block: bytes | None = None  # an unfinished one
        self._header_flags = 0
        self._responded = False  # the response's headers are here, trailers may follow
        self._parts: list[bytes] = []  # of messages that are not complete
        self._begun = False  # whether the first one's prefix is known, and not in the parts any more
        self._have = 0  # bytes in them, with that prefix
        self._need = _PREFIX_SIZE  # bytes that are worth looking at
        self._messages: list[bytes] = []
        self._allowed = WINDOW  # bytes that may still come
        self._passed = 0  # bytes that came, and that we have not allowed again
        self._held = False
        self._begin(path, scheme, authority, metadata)

    def _begin(self, path: str, scheme: str, authority: str, metadata: Sequence[tuple[str, str]]) -> None:
        headers: list[hpack.HeaderTuple | tuple[str, str]] = [
            (":method", "POST"),
            (":scheme", scheme),
            (":path", path),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "pengbridge-python"),
            *(hpack.NeverIndexedHeaderTuple(key, value) for key, value in metadata),
        ]
        greeting = {
            Setting.ENABLE_PUSH: 0,
            Setting.INITIAL_WINDOW_SIZE: WINDOW,
            Setting.MAX_HEADER_LIST_SIZE: _LARGEST_HEADERS,
        }
        self._output += [
            _http2.PREFACE,
            _http2.settings(greeting),
            _http2.window_update(0, WINDOW - _http2.DEFAULT_WINDOW),
            _http2.frame(Kind.HEADERS, Flag.END_HEADERS, _STREAM, hpack.Encoder().encode(headers)),
        ]

    @property
    def blocked(self) -> bool:
        """Whether messages wait for the other side's leave."""
        return bool(self._waiting)

    def output(self) -> bytes:
        """Removes and returns what is to be written now, in order."""
        if not self._output:
            return b""
        data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output.clear()
        self._answers = 0
        return data

    def send(self, message: bytes) -> None:
        """Sends a message. It does nothing when the call has ended, or after half_close."""
        if self.ended or self._half_closed:
            return
        data = _PREFIX.pack(0, len(message)) + message
        size = len(data)
        if not self._waiting and size <= min(self._room_stream, self._room_connection, self._largest_frame):
            self._room_stream -= size
            self._room_connection -= size
            self._output.append(_http2.frame(Kind.DATA, 0, _STREAM, data))
        else:
            self._waiting.append(memoryview(data))
            self._send_what_fits()

    def half_close(self) -> None:
        """Says that no more messages follow."""
        self._half_closed = True
        self._send_what_fits()

    def cancel(self) -> None:
        """Ends the call, if it has not ended, with CANCELLED."""
        if not self.ended:
            self._output.append(_http2.reset(_STREAM, Reset.CANCEL))
            self._end(CallError(Code.CANCELLED, "cancelled"))

    def hold(self, held: bool) -> None:
        """While it is held, the other side may send no more than WINDOW, or what completes one message."""
        self._held = held
        self._allow_more()

    def receive(self, data: bytes) -> list[bytes]:
        """Takes what came in and returns the messages in it. What comes after the end is ignored."""
        try:
            for kind, flags, stream, payload in self._splitter.feed(data):
                if self.ended:
                    break
                if kind == Kind.DATA and stream == _STREAM and self._responded:
                    self._take_data(flags, payload)  # almost always
                else:
                    self._take(kind, flags, stream, payload)
        except Violation as violation:
            self._output.append(_http2.go_away(violation.code))
            self._end(CallError(Code.INTERNAL, f"the server does not keep to HTTP/2 or gRPC: {violation}"))
        if self._passed >= WINDOW // 2:
            self._allow_more()
        messages, self._messages = self._messages, []
        return messages

    def receive_end(self, why: str = "the connection was closed") -> None:
        """Takes note that nothing more comes in."""
        self._end(CallError(Code.UNAVAILABLE, why))

    def _end(self, error: CallError | None) -> None:
        if not self.ended:
            self.ended, self.error = True, error
            self._waiting.clear()

    # Sending.

    def _send_what_fits(self) -> None:
        while self._waiting and not self.ended:
            room = min(self._room_stream, self._room_connection, self._largest_frame)
            if room <= 0:
                return
            message = self._waiting[0]
            part = message[:room]
            if len(part) < len(message):
                self._waiting[0] = message[room:]
            else:
                self._waiting.popleft()
            self._room_stream -= len(part)
            self._room_connection -= len(part)
            self._output.append(_http2.frame(Kind.DATA, 0, _STREAM, part))
        if self._half_closed and not self._said_so and not self.ended:
            self._said_so = True
            self._output.append(_http2.frame(Kind.DATA, Flag.END_STREAM, _STREAM))

    def _answer(self, frame: bytes) -> None:
        self._answers += len(frame)
        if self._answers > _LARGEST_BACKLOG:
            raise Violation(Reset.ENHANCE_YOUR_CALM, "a flood of frames that want an answer")
        self._output.append(frame)

    # Receiving.

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._header_block is not None and kind != Kind.CONTINUATION:
            raise Violation(Reset.PROTOCOL_ERROR, "headers that are not continued")
        if not self._greeted and kind != Kind.SETTINGS:
            raise Violation(Reset.PROTOCOL_ERROR, "the first frame is not SETTINGS")
        where = _PLACES.get(kind)
        if where is not None and stream not in where:
            raise Violation(Reset.PROTOCOL_ERROR, f"a frame of type {kind} for stream {stream}")
        if kind == Kind.DATA:
            raise Violation(Reset.PROTOCOL_ERROR, "data before headers")
        if kind in (Kind.HEADERS, Kind.CONTINUATION):
            self._take_headers(kind, flags, payload)
        elif kind == Kind.WINDOW_UPDATE:
            self._take_window_update(stream, payload)
        elif kind == Kind.SETTINGS:
            self._take_settings(flags, payload)
        elif kind == Kind.PING:
            self._take_ping(flags, payload)
        elif kind == Kind.RST_STREAM:
            self._take_reset(payload)
        elif kind == Kind.GOAWAY:
            if _http2.read_last_stream(payload) < _STREAM:
                self._end(CallError(Code.UNAVAILABLE, "the server is going away"))
        elif kind == Kind.PUSH_PROMISE:
            raise Violation(Reset.PROTOCOL_ERROR, "a push that was forbidden")

    def _take_data(self, flags: int, payload: bytes) -> None:
        size = len(payload)
        self._allowed -= size
        self._passed += size
        if self._allowed < 0:
            raise Violation(Reset.FLOW_CONTROL_ERROR, "more data than allowed")
        if self._header_block is not None:
            raise Violation(Reset.PROTOCOL_ERROR, "headers that are not continued")
        if flags & Flag.PADDED:
            payload = _http2.content(Kind.DATA, flags, payload)
        if (
            not self._have
            and len(payload) >= _PREFIX_SIZE
            and payload.startswith(_PREFIX.pack(0, len(payload) - _PREFIX_SIZE))
        ):
            self._messages.append(payload[_PREFIX_SIZE:])  # exactly one, as almost always
        else:
            self._parts.append(payload)
            self._have += len(payload)
            if self._have >= self._need:
                self._cut_messages()
        if flags & Flag.END_STREAM:
            self._end(CallError(Code.INTERNAL, "the call ended without a status"))

    def _cut_messages(self) -> None:
        data = b"".join(self._parts)
        position, size = 0, len(data)
        if self._begun:
            self._begun = False
            position = self._need - _PREFIX_SIZE
            self._messages.append(data[:position])  # for a large message that is all of it, and no copy
        self._need = _PREFIX_SIZE
        while size - position >= _PREFIX_SIZE:
            compressed, length = _PREFIX.unpack_from(data, position)
            if compressed:
                raise Violation(Reset.PROTOCOL_ERROR, "a compressed message, which nobody asked for")
            if length > _LARGEST_MESSAGE:
                raise Violation(Reset.PROTOCOL_ERROR, f"a message of {length} bytes")
            begin = position + _PREFIX_SIZE
            if size - begin < length:
                self._need = _PREFIX_SIZE + length
                self._begun = True
                self._parts, self._have = [data[begin:]], size - position
                return
            position = begin + length
            self._messages.append(data[begin:position])
        self._parts, self._have = [data[position:]], size - position

    def _allow_more(self) -> None:
        """Lets the other side send as much again as we have dealt with; while held, only what a message lacks."""
        if self._passed < WINDOW // 2 or self.ended:
            return
        size = self._passed
        if self._held:
            size = min(size, self._need - self._have - self._allowed) if self._have else 0
        if size > 0:
            self._output += [_http2.window_update(0, size), _http2.window_update(_STREAM, size)]
            self._allowed += size
            self._passed -= size

    def _take_headers(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == Kind.HEADERS:
            self._header_block, self._header_flags = _http2.content(kind, flags, payload), flags
        elif self._header_block is not None:
            self._header_block += payload
        else:
            raise Violation(Reset.PROTOCOL_ERROR, "a continuation of nothing")
        if len(self._header_block) > _LARGEST_HEADERS:
            raise Violation(Reset.ENHANCE_YOUR_CALM, "headers that are too large")
        if flags & Flag.END_HEADERS:
            block, self._header_block = self._header_block, None
            try:
                headers = [(str(key), str(value)) for key, value in self._decoder.decode(block)]
            except hpack.HPACKError as error:
                raise Violation(Reset.COMPRESSION_ERROR, f"headers: {error!r}") from None
            self._read_headers(headers, bool(self._header_flags & Flag.END_STREAM))

    def _read_headers(self, headers: list[tuple[str, str]], last: bool) -> None:
        values = dict(headers)
        if not self._responded:
            status = values.get(":status", "")
            if status.startswith("1") and not last:
                return  # informational
            self._responded = True
            if status != "200" or not values.get("content-type", "").startswith("application/grpc"):
                self._end(_status.of_http(status))
                return
        elif not last:
            raise Violation(Reset.PROTOCOL_ERROR, "headers in the middle of a call")
        if last:
            self._end(self._outcome(values))

    def _take_window_update(self, stream: int, payload: bytes) -> None:
        increment = _http2.read_number(payload) & _http2.LARGEST_WINDOW
        if not increment:
            raise Violation(Reset.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        if stream == 0:
            self._room_connection += increment
        else:
            self._room_stream += increment
        if max(self._room_connection, self._room_stream) > _http2.LARGEST_WINDOW:
            raise Violation(Reset.FLOW_CONTROL_ERROR, "a window that is too large")
        self._send_what_fits()

    def _take_settings(self, flags: int, payload: bytes) -> None:
        if flags & Flag.ACK:
            return
        self._greeted = True
        for key, value in _http2.read_settings(payload):
            if key == Setting.INITIAL_WINDOW_SIZE:
                if value > _http2.LARGEST_WINDOW:
                    raise Violation(Reset.FLOW_CONTROL_ERROR, "an initial window that is too large")
                self._room_stream += value - self._window
                self._window = value
            elif key == Setting.MAX_FRAME_SIZE:
                if not _http2.LARGEST_FRAME <= value < 1 << 24:
                    raise Violation(Reset.PROTOCOL_ERROR, f"MAX_FRAME_SIZE {value}")
                self._largest_frame = value
        self._answer(_http2.frame(Kind.SETTINGS, Flag.ACK, 0))
        self._send_what_fits()

    def _take_ping(self, flags: int, payload: bytes) -> None:
        if len(payload) != 8:
            raise Violation(Reset.FRAME_SIZE_ERROR, f"PING of {len(payload)} bytes")
        if not flags & Flag.ACK:
            self._answer(_http2.frame(Kind.PING, Flag.ACK, 0, payload))

    def _take_reset(self, payload: bytes) -> None:
        self._end(_status.of_reset(_http2.read_number(payload)))

    def _outcome(self, trailers: dict[str, str]) -> CallError | None:
        error = _status.of_trailers(trailers)
        if error is None and self._have:
            return CallError(Code.INTERNAL, "the call ended in the middle of a message")
        return error
