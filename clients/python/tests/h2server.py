"""The server's side of a gRPC call as bytes, for tests of the client's: frames that it sends, and those that it gets."""

from __future__ import annotations

import struct

import hpack

from pengbridge import _call, _http2
from pengbridge._http2 import Flag, Kind

RESPONSE = [(":status", "200"), ("content-type", "application/grpc+proto")]
OK = [("grpc-status", "0")]
GREETING = _http2.settings({})


def message(body: bytes) -> bytes:
    return struct.pack(">BL", 0, len(body)) + body


def data(body: bytes, flags: int = 0) -> bytes:
    return _http2.frame(Kind.DATA, flags, 1, body)


class Server:
    """The other side: makes frames, and takes apart what comes."""

    def __init__(self, greeting: bytes = GREETING) -> None:
        self.call = _call.Call("/a.Service/Method", "http", "localhost", [("authorization", "Bearer x")])
        self._encoder = hpack.Encoder()
        self._splitter = _http2.Splitter()
        opening = self.call.output()
        assert opening.startswith(_http2.PREFACE)
        self.opening = self._splitter.feed(opening.removeprefix(_http2.PREFACE))
        self.call.receive(greeting)
        self.frames()

    def headers(self, headers: list[tuple[str, str]], flags: int = Flag.END_HEADERS) -> bytes:
        return _http2.frame(Kind.HEADERS, flags, 1, self._encoder.encode(headers))

    def trailers(self, headers: list[tuple[str, str]]) -> bytes:
        return self.headers(headers, Flag.END_HEADERS | Flag.END_STREAM)

    def frames(self) -> list[_http2.Frame]:
        """What the client has written since."""
        return self._splitter.feed(self.call.output())

    def sent(self) -> bytes:
        return b"".join(payload for kind, _, _, payload in self.frames() if kind == Kind.DATA)

    def answer(self) -> bytes:
        """A whole response with all that may occur in one."""
        return b"".join(
            (
                _http2.frame(Kind.PING, 0, 0, bytes(8)),
                self.headers(RESPONSE),
                data(message(b"one") + message(b"")),
                _http2.frame(77, 0, 5, b"unknown"),
                data(message(b"three")[:6]),
                data(b"\2" + message(b"three")[6:] + b"\0\0", Flag.PADDED),
                _http2.window_update(0, 100),
                self.trailers(OK),
            )
        )
