"""Streams over real sockets, with grpcio's server at the other end: another implementation of the same protocol."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from harness import WAIT

from pengbridge import _dial, _transport
from pengbridge._call import Call
from pengbridge._status import CallError, Code
from pengbridge._stream import Stream

LARGE = bytes(range(256)) * (5 << 12)  # 5 MiB


class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """What the server serves: the method's name says what it does."""

    def service(self, call: Any) -> Any:
        method = call.method.rpartition("/")[2]
        return {
            "Echo": grpc.stream_stream_rpc_method_handler(lambda requests, _: requests),
            "Sizes": grpc.stream_stream_rpc_method_handler(lambda requests, _: (str(len(r)).encode() for r in requests)),
            "Repeat": grpc.unary_stream_rpc_method_handler(lambda request, _: (request for _ in range(1000))),
            "Refuse": grpc.unary_stream_rpc_method_handler(_refuse),
            "Token": grpc.unary_stream_rpc_method_handler(_token),
            "Wait": grpc.unary_stream_rpc_method_handler(_wait),
        }.get(method)


def _refuse(_: bytes, context: Any) -> Iterator[bytes]:
    yield b"one"
    context.abort(grpc.StatusCode.OUT_OF_RANGE, "50 % änderung\n")


def _token(_: bytes, context: Any) -> Iterator[bytes]:
    yield dict(context.invocation_metadata())["authorization"].encode()


def _wait(_: bytes, context: Any) -> Iterator[bytes]:
    gone = threading.Event()
    context.add_callback(gone.set)
    yield b"here"
    gone.wait(WAIT)


Open = Callable[[str], Stream]


def certificate(folder: Path) -> tuple[bytes, bytes]:
    """A key, and a certificate for 127.0.0.1 that it signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, file = folder / "key.pem", folder / "cert.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(file)]
    subprocess.run(["openssl", *request.split(), *names], check=True, capture_output=True)
    return key.read_bytes(), file.read_bytes()


@pytest.fixture(params=["tcp", "unix", "tls"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens streams to a server, and closes them all in the end."""
    if request.param == "unix" and sys.platform == "win32":
        pytest.skip("no Unix sockets")
    server = grpc.server(
        futures.ThreadPoolExecutor(4), handlers=[Handlers()], options=[("grpc.max_receive_message_length", -1)]
    )
    address, trust = "127.0.0.1:0", None
    if request.param == "tls":
        key, chain = certificate(tmp_path)
        trust = _dial.Trust(chain)
        address = f"127.0.0.1:{server.add_secure_port(address, grpc.ssl_server_credentials([(key, chain)]))}"
    elif request.param == "tcp":
        address = f"127.0.0.1:{server.add_insecure_port(address)}"
    else:
        address = f"unix:{tmp_path}/s"
        server.add_insecure_port(address)
    server.start()
    transport = _transport.Transport(address, "secret", trust)
    with contextlib.ExitStack() as streams:
        yield lambda method: streams.enter_context(contextlib.closing(transport.open(method)))
    transport.close()
    server.stop(0).wait(WAIT)


def received(stream: Stream, count: int) -> list[bytes]:
    messages: list[bytes] = []
    while len(messages) < count:
        more = stream.receive(WAIT)
        assert more is not None
        messages += more
    return messages


def to_the_end(stream: Stream) -> list[bytes]:
    messages: list[bytes] = []
    while (more := stream.receive(WAIT)) is not None:
        messages += more
    return messages


def test_messages_there_and_back(opened: Open) -> None:
    stream = opened("Echo")
    messages = [b"", b"x", LARGE, b"y" * 70_000, *(str(n).encode() for n in range(1000))]
    for message in messages:
        stream.send(message)
    assert received(stream, len(messages)) == messages
    stream.half_close()
    assert to_the_end(stream) == []


def test_one_request_many_answers(opened: Open) -> None:
    stream = opened("Repeat")
    stream.send(b"z" * 5000)
    stream.half_close()
    assert to_the_end(stream) == [b"z" * 5000] * 1000


def test_a_call_that_fails(opened: Open) -> None:
    stream = opened("Refuse")
    stream.send(b"")
    assert received(stream, 1) == [b"one"]
    with pytest.raises(CallError) as caught:
        to_the_end(stream)
    assert (caught.value.code, str(caught.value)) == (11, "50 % änderung\n")


def test_a_method_that_is_not_there(opened: Open) -> None:
    stream = opened("Nothing")
    stream.send(b"")
    with pytest.raises(CallError) as caught:
        to_the_end(stream)
    assert caught.value.code == Code.UNIMPLEMENTED


def test_the_token_goes_along(opened: Open) -> None:
    stream = opened("Token")
    stream.send(b"")
    stream.half_close()
    assert to_the_end(stream) == [b"Bearer secret"]


def test_many_threads_send(opened: Open) -> None:
    stream = opened("Sizes")
    sizes = [n * 1000 for n in range(100)]

    def send(mine: list[int]) -> None:
        for size in mine:
            stream.send(bytes(size))

    threads = [threading.Thread(target=send, args=(sizes[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    got = received(stream, len(sizes))
    for thread in threads:
        thread.join(WAIT)
    assert sorted(map(int, got)) == sizes


def test_nobody_waits_for_a_server_that_does_not_read() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stream = Stream(ours, None, Call("/a/B", "http", "localhost"))
    theirs.sendall(b"\0\0\6\4\0\0\0\0\0" + b"\0\4\x7f\xff\xff\xff" + b"\0\0\4\x08\0\0\0\0\0\x7f\0\0\0")  # may send for ever
    assert stream.receive(WAIT) == []
    stream.send(LARGE)
    assert stream.busy

    def read() -> None:
        left = len(LARGE)
        while left > 0:
            left -= len(theirs.recv(1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    while stream.busy:
        assert stream.receive(WAIT) == []
    reader.join(WAIT)
    theirs.close()
    with pytest.raises(CallError) as caught:
        to_the_end(stream)
    assert caught.value.code == Code.UNAVAILABLE
    stream.close()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, TimeoutError])
@pytest.mark.parametrize("write", [lambda s: s.send(b"x"), lambda s: s.hold(False), Stream.half_close])
def test_a_stream_that_a_signal_keeps_from_being_written_is_broken(
    opened: Open, monkeypatch: pytest.MonkeyPatch, write: Callable[[Stream], None], raised: type[BaseException]
) -> None:
    """Nobody knows how much went out; and what a handler raises is the program's, even if sockets raise such errors, too."""
    stream = opened("Echo")

    def send(data: bytes) -> int:
        raise raised

    with monkeypatch.context() as patched:
        patched.setattr(stream._nonblocking, "send", send)
        patched.setattr(stream._call, "output", lambda: b"x")
        with pytest.raises(raised):
            write(stream)
    with pytest.raises(CallError) as caught:
        to_the_end(stream)
    assert caught.value.code == Code.UNAVAILABLE


def test_a_signal_while_a_stream_is_read_is_the_programs(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = opened("Echo")

    def receive() -> bytes:
        raise TimeoutError

    with monkeypatch.context() as patched:
        patched.setattr(stream._nonblocking, "receive", receive)
        with pytest.raises(TimeoutError):
            stream.take()


@pytest.mark.parametrize("end", [Stream.cancel, Stream.interrupt])
def test_a_receive_is_ended_from_another_thread(opened: Open, end: Any) -> None:
    stream = opened("Wait")
    stream.send(b"")
    assert received(stream, 1) == [b"here"]
    outcome: list[Any] = []

    def receive() -> None:
        try:
            outcome.append(stream.receive())
        except CallError as error:
            outcome.append(error.code)

    reader = threading.Thread(target=receive)
    reader.start()
    end(stream)
    reader.join(WAIT)
    assert outcome == [Code.CANCELLED if end is Stream.cancel else []]


def test_a_time_limit(opened: Open) -> None:
    stream = opened("Wait")
    stream.send(b"")
    assert received(stream, 1) == [b"here"]
    assert stream.receive(0.001) == []


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    transport = _transport.Transport(address, "secret")
    with pytest.raises(CallError) as caught:
        transport.open("Echo")
    assert caught.value.code == Code.UNAVAILABLE
    transport.close()


def test_after_close_nothing_happens(opened: Open) -> None:
    stream = opened("Echo")
    stream.close()
    stream.send(b"late")
    stream.interrupt()
    stream.cancel()
    stream.close()


def test_a_fork_that_has_the_socket_too_does_not_keep_the_connection() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs, ours.dup():
        theirs.settimeout(WAIT)
        Stream(ours, None, Call("/service/Echo", "http", "localhost")).close()
        assert theirs.recv(1) == b""
