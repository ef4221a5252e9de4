"""A gRPC call's flow control: no more goes out than the server takes, and no more comes in than was dealt with."""

from __future__ import annotations

from h2server import RESPONSE, Server, data, message

from pengbridge import _call, _http2
from pengbridge._http2 import Flag, Kind, Setting


def test_no_more_goes_out_than_the_server_takes() -> None:
    server = Server(_http2.settings({Setting.INITIAL_WINDOW_SIZE: 10}))
    server.call.send(b"0123456789")
    server.call.send(b"abc")
    server.call.half_close()
    assert server.call.blocked
    whole = server.sent()
    assert len(whole) == 10
    server.call.receive(_http2.window_update(1, 3))
    whole += (more := server.sent())
    assert len(more) == 3
    server.call.receive(_http2.settings({Setting.INITIAL_WINDOW_SIZE: 12}))  # two more
    whole += (more := server.sent())
    assert len(more) == 2
    server.call.receive(_http2.settings({Setting.INITIAL_WINDOW_SIZE: 0}) + _http2.window_update(1, 12))  # none
    assert server.sent() == b""
    server.call.receive(_http2.window_update(1, 1000))
    frames = [frame for frame in server.frames() if frame[0] == Kind.DATA]
    whole += b"".join(frame[3] for frame in frames)
    assert whole == message(b"0123456789") + message(b"abc")
    assert frames[-1] == (Kind.DATA, Flag.END_STREAM, 1, b"")
    assert not server.call.blocked


def test_the_connections_window_counts_too() -> None:
    server = Server(_http2.settings({Setting.INITIAL_WINDOW_SIZE: 1 << 20}))
    server.call.send(bytes(100_000))
    assert len(server.sent()) == _http2.DEFAULT_WINDOW
    server.call.receive(_http2.window_update(0, 1 << 20))
    assert len(server.sent()) == 100_005 - _http2.DEFAULT_WINDOW


def test_frames_are_as_large_as_the_server_allows() -> None:
    server = Server(_http2.settings({Setting.MAX_FRAME_SIZE: 20_000}))
    server.call.send(bytes(50_000))
    assert len(server.call.output()) == 50_005 + 3 * 9


class Flow:
    """A server that sends as much as it may."""

    def __init__(self) -> None:
        self.server = Server()
        self.server.call.receive(self.server.headers(RESPONSE))
        self.may = _call.WINDOW

    def send(self, stream: bytes) -> tuple[list[bytes], bytes]:
        """What came of it, and what had to stay."""
        got: list[bytes] = []
        while stream and self.may:
            part, stream = stream[: min(self.may, 16384)], stream[min(self.may, 16384) :]
            self.may -= len(part)
            got += self.server.call.receive(data(part))
            self.take_updates()
        return got, stream

    def take_updates(self) -> None:
        updates = [frame for frame in self.server.frames() if frame[0] == Kind.WINDOW_UPDATE]
        assert [stream for _, _, stream, _ in updates] == [0, 1] * (len(updates) // 2)
        self.may += sum(_http2.read_number(payload) for _, _, stream, payload in updates if stream == 1)


def test_the_server_may_go_on_when_we_have_dealt_with_something() -> None:
    flow = Flow()
    assert flow.send(message(bytes(100_000)) * 100) == ([bytes(100_000)] * 100, b"")


def test_a_held_call_takes_no_more_than_its_window() -> None:
    flow = Flow()
    flow.server.call.hold(True)
    got, rest = flow.send(message(bytes(10_000)) * 1000)
    assert _call.WINDOW - 10_005 < len(got) * 10_005 <= _call.WINDOW + 10_005
    flow.server.call.hold(False)
    flow.take_updates()
    more, rest = flow.send(rest)
    assert (len(got) + len(more), rest) == (1000, b"")


def test_a_held_call_still_takes_a_message_that_has_begun() -> None:
    flow = Flow()
    flow.server.call.hold(True)
    assert flow.send(message(bytes(5 * _call.WINDOW))) == ([bytes(5 * _call.WINDOW)], b"")
