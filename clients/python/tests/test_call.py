"""A gRPC call without a socket: what is said, what is understood, and what a server that misbehaves gets."""

from __future__ import annotations

import base64
import random
import struct

import hpack
import pytest
from h2server import GREETING, OK, RESPONSE, Server, data, message

from pengbridge import _call, _http2
from pengbridge._http2 import Flag, Kind, Reset, Setting
from pengbridge._status import CallError, Code

SEED = 2026


def test_what_opens_the_call() -> None:
    (settings, window, headers) = Server().opening
    assert settings[0] == Kind.SETTINGS
    assert dict(_http2.read_settings(settings[3]))[Setting.INITIAL_WINDOW_SIZE] == _call.WINDOW
    assert window == (Kind.WINDOW_UPDATE, 0, 0, struct.pack(">L", _call.WINDOW - _http2.DEFAULT_WINDOW))
    assert headers[:3] == (Kind.HEADERS, Flag.END_HEADERS, 1)
    assert hpack.Decoder().decode(headers[3]) == [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/a.Service/Method"),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "pengbridge-python"),
        ("authorization", "Bearer x"),
    ]


def test_messages_go_out() -> None:
    server = Server()
    server.call.send(b"one")
    server.call.send(b"")
    server.call.half_close()
    server.call.half_close()
    assert server.frames() == [
        (Kind.DATA, 0, 1, message(b"one")),
        (Kind.DATA, 0, 1, message(b"")),
        (Kind.DATA, Flag.END_STREAM, 1, b""),
    ]
    server.call.send(b"too late")
    assert server.frames() == []


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_messages_come_in_however_they_are_split(size: int) -> None:
    server = Server()
    stream = server.answer()
    got: list[bytes] = []
    for position in range(0, len(stream), size):
        got += server.call.receive(stream[position : position + size])
    assert got == [b"one", b"", b"three"]
    assert server.call.ended
    assert server.call.error is None
    assert (Kind.PING, Flag.ACK, 0, bytes(8)) in server.frames()


@pytest.mark.parametrize("frame", [13, 1000, _http2.LARGEST_FRAME])
@pytest.mark.parametrize("read", [77, 5000, 256 << 10])
def test_messages_larger_than_a_frame(frame: int, read: int) -> None:
    server = Server()
    whole = _http2.LARGEST_FRAME - 5  # with its prefix, it fills a frame
    sizes = [0, whole, whole + 1, 1, 40_000, 0, 300_000, 5, whole, whole]
    messages = [random.Random(size).randbytes(size) for size in sizes]
    stream = b"".join(map(message, messages))
    frames = server.headers(RESPONSE)
    frames += b"".join(data(stream[position : position + frame]) for position in range(0, len(stream), frame))
    frames += server.trailers(OK)
    got: list[bytes] = []
    for position in range(0, len(frames), read):
        got += server.call.receive(frames[position : position + read])
    assert got == messages
    assert server.call.ended
    assert server.call.error is None


@pytest.mark.parametrize(
    ("trailers", "code", "text"),
    [
        ([("grpc-status", "5"), ("grpc-message", "no %C3%A9ndpoint")], Code.NOT_FOUND, "no éndpoint"),
        ([("grpc-status", "14")], Code.UNAVAILABLE, ""),
        ([], Code.UNKNOWN, "without a status"),
        ([("grpc-status", "no")], Code.UNKNOWN, "without a status"),
        ([("grpc-status", "9" * 5000)], Code.UNKNOWN, "without a status"),
        ([("grpc-status", "5"), ("grpc-status-details-bin", "!")], Code.NOT_FOUND, ""),
    ],
)
@pytest.mark.parametrize("only", [True, False])
def test_how_a_call_ends(trailers: list[tuple[str, str]], code: Code, text: str, only: bool) -> None:
    server = Server()
    server.call.receive(
        server.trailers(RESPONSE + trailers) if only else server.headers(RESPONSE) + server.trailers(trailers)
    )
    assert server.call.error is not None
    assert server.call.error.code == code
    assert text in str(server.call.error)


def test_an_errors_details() -> None:
    info = b"\x0a\x0bTAKEN_AWAY!"
    detail = b"\x0a\x28type.googleapis.com/google.rpc.ErrorInfo\x12" + bytes((len(info),)) + info
    status = b"\x1a" + bytes((len(detail),)) + detail
    server = Server()
    encoded = base64.b64encode(status).decode().rstrip("=")
    server.call.receive(server.trailers([*RESPONSE, ("grpc-status", "10"), ("grpc-status-details-bin", encoded)]))
    assert server.call.error is not None
    assert server.call.error.reason == "TAKEN_AWAY!"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([(":status", "404"), ("content-type", "text/html")], Code.UNIMPLEMENTED),
        ([(":status", "503")], Code.UNAVAILABLE),
        ([(":status", "200"), ("content-type", "text/html")], Code.UNKNOWN),
        ([("content-type", "application/grpc")], Code.UNKNOWN),
    ],
)
def test_a_server_without_grpc(headers: list[tuple[str, str]], code: Code) -> None:
    server = Server()
    server.call.receive(server.headers(headers))
    assert server.call.error is not None
    assert server.call.error.code == code


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (_http2.reset(1, Reset.CANCEL), Code.CANCELLED),
        (_http2.reset(1, Reset.REFUSED_STREAM), Code.UNAVAILABLE),
        (_http2.reset(1, Reset.NO_ERROR), Code.INTERNAL),
        (_http2.go_away(Reset.NO_ERROR), Code.UNAVAILABLE),
    ],
)
def test_a_server_that_gives_up(stream: bytes, code: Code) -> None:
    server = Server()
    server.call.receive(stream)
    assert server.call.error is not None
    assert server.call.error.code == code
    server.call.receive(server.headers(RESPONSE) + data(message(b"late")))
    server.call.send(b"late")
    assert server.frames() == []


def test_a_server_that_goes_away_finishes_the_call_first() -> None:
    server = Server()
    server.call.receive(server.headers(RESPONSE) + _http2.frame(Kind.GOAWAY, 0, 0, struct.pack(">LL", 1, 0)))
    assert server.call.receive(data(message(b"one")) + server.trailers(OK)) == [b"one"]
    assert server.call.error is None


def test_informational_headers_are_passed_over() -> None:
    server = Server()
    server.call.receive(server.headers([(":status", "103")]) + server.headers(RESPONSE))
    assert server.call.receive(data(message(b"one"))) == [b"one"]


def test_headers_in_pieces() -> None:
    server = Server()
    block = hpack.Encoder().encode(RESPONSE)
    server.call.receive(
        _http2.frame(Kind.HEADERS, Flag.PRIORITY | Flag.PADDED, 1, b"\1" + bytes(5) + block[:3] + b"\0")
        + _http2.frame(Kind.CONTINUATION, 0, 1, block[3:5])
        + _http2.frame(Kind.CONTINUATION, Flag.END_HEADERS, 1, block[5:])
    )
    assert server.call.receive(data(message(b"one"))) == [b"one"]


def test_a_connection_that_breaks() -> None:
    server = Server()
    server.call.receive_end("reset")
    assert server.call.error is not None
    assert server.call.error.code == Code.UNAVAILABLE
    server.call.cancel()
    assert server.call.error.code == Code.UNAVAILABLE, "the first cause counts"


def test_cancelling() -> None:
    server = Server()
    server.call.cancel()
    assert server.frames() == [(Kind.RST_STREAM, 0, 1, struct.pack(">L", Reset.CANCEL))]
    assert server.call.error is not None
    assert server.call.error.code == Code.CANCELLED


# What a server must not do.


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (_http2.frame(Kind.DATA, 0, 1, bytes(16385)), Reset.FRAME_SIZE_ERROR),
        (_http2.frame(Kind.DATA, 0, 3, b"x"), Reset.PROTOCOL_ERROR),
        (_http2.frame(Kind.DATA, Flag.PADDED, 1, b""), Reset.FRAME_SIZE_ERROR),
        (_http2.frame(Kind.DATA, Flag.PADDED, 1, b"\5abc"), Reset.PROTOCOL_ERROR),
        (data(b"\1\0\0\0\1x"), Reset.PROTOCOL_ERROR),
        (data(b"\0\xff\xff\xff\xff"), Reset.PROTOCOL_ERROR),
        (data(bytes(16384)) * (_call.WINDOW // 16384) + data(b"x"), Reset.FLOW_CONTROL_ERROR),
        (_http2.frame(Kind.HEADERS, 0, 1, b"") + data(b""), Reset.PROTOCOL_ERROR),
        (_http2.frame(Kind.HEADERS, Flag.END_HEADERS, 1, b"\xff\xff\xff\xff"), Reset.COMPRESSION_ERROR),
        (_http2.frame(Kind.HEADERS, Flag.END_HEADERS, 1, b""), Reset.PROTOCOL_ERROR),
        (
            _http2.frame(Kind.HEADERS, 0, 1, b"") + 5 * _http2.frame(Kind.CONTINUATION, 0, 1, bytes(16384)),
            Reset.ENHANCE_YOUR_CALM,
        ),
        (_http2.frame(Kind.CONTINUATION, Flag.END_HEADERS, 1, b""), Reset.PROTOCOL_ERROR),
        (_http2.frame(Kind.PUSH_PROMISE, 0, 1, bytes(4)), Reset.PROTOCOL_ERROR),
        (_http2.frame(Kind.PING, 0, 1, bytes(8)), Reset.PROTOCOL_ERROR),
        (_http2.frame(Kind.PING, 0, 0, bytes(7)), Reset.FRAME_SIZE_ERROR),
        (_http2.frame(Kind.PING, 0, 0, bytes(8)) * 10_000, Reset.ENHANCE_YOUR_CALM),
        (_http2.frame(Kind.SETTINGS, 0, 1), Reset.PROTOCOL_ERROR),
        (_http2.frame(Kind.SETTINGS, 0, 0, b"x"), Reset.FRAME_SIZE_ERROR),
        (_http2.settings({Setting.INITIAL_WINDOW_SIZE: 1 << 31}), Reset.FLOW_CONTROL_ERROR),
        (_http2.settings({Setting.MAX_FRAME_SIZE: 1}), Reset.PROTOCOL_ERROR),
        (_http2.window_update(1, 0), Reset.PROTOCOL_ERROR),
        (_http2.window_update(3, 1), Reset.PROTOCOL_ERROR),
        (_http2.window_update(0, (1 << 31) - 1), Reset.FLOW_CONTROL_ERROR),
        (_http2.frame(Kind.WINDOW_UPDATE, 0, 0, b"x"), Reset.FRAME_SIZE_ERROR),
        (_http2.frame(Kind.RST_STREAM, 0, 1, b"x"), Reset.FRAME_SIZE_ERROR),
        (_http2.frame(Kind.GOAWAY, 0, 0, b"x"), Reset.FRAME_SIZE_ERROR),
    ],
)
def test_violations(stream: bytes, code: Reset) -> None:
    server = Server()
    server.call.receive(server.headers(RESPONSE))
    server.call.receive(stream)
    assert server.call.error is not None
    assert server.call.error.code == Code.INTERNAL
    assert server.frames()[-1] == (Kind.GOAWAY, 0, 0, struct.pack(">LL", 0, code))


@pytest.mark.parametrize("stream", [_http2.frame(Kind.PING, 0, 0, bytes(8)), data(b"")])
def test_a_server_introduces_itself(stream: bytes) -> None:
    server = Server(greeting=b"")
    server.call.receive(stream)
    assert isinstance(server.call.error, CallError)


def test_data_need_headers() -> None:
    server = Server()
    server.call.receive(data(message(b"x")))
    assert isinstance(server.call.error, CallError)


def test_more_than_the_window_is_a_violation() -> None:
    server = Server()
    server.call.receive(server.headers(RESPONSE))
    server.call.hold(True)
    for _ in range(_call.WINDOW // 16384):
        server.call.receive(data(message(bytes(16379))))
    assert server.call.error is None
    server.call.receive(data(b"x"))
    assert isinstance(server.call.error, CallError)


@pytest.mark.parametrize("end", [Flag.END_STREAM, 0])
@pytest.mark.parametrize("beginning", [b"\0", message(b"two")[:5], message(b"two")[:6]])
def test_an_end_in_the_middle_of_a_message(end: int, beginning: bytes) -> None:
    server = Server()
    server.call.receive(server.headers(RESPONSE) + data(message(b"one") + beginning, end) + server.trailers(OK))
    assert server.call.error is not None
    assert server.call.error.code == Code.INTERNAL


def test_whatever_comes_the_call_ends_or_goes_on() -> None:
    """A fuzz test with a seed: a dialogue that was damaged, and cut anywhere, raises nothing."""
    chance = random.Random(SEED)
    for _ in range(3000):
        server = Server(greeting=b"")
        stream = bytearray(GREETING + server.answer())
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(stream))
            action = chance.randrange(3)
            if action == 0:
                stream[place] = chance.randrange(256)
            elif action == 1:
                del stream[place : place + chance.randrange(1, 20)]
            else:
                stream[place:place] = chance.randbytes(chance.randrange(1, 20))
        server.call.send(b"question")
        position = 0
        while position < len(stream):
            size = chance.randrange(1, 60)
            ended, error = server.call.ended, server.call.error
            messages = server.call.receive(bytes(stream[position : position + size]))
            position += size
            if ended:
                assert server.call.error is error
                assert messages == []
        server.call.output()
