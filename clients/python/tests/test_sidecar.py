"""The API for new programs, against the sidecar."""

from __future__ import annotations

import pickle
import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from harness import WAIT, eventually
from rawpeer import RawPeer

import pengbridge
from pengbridge import ClientEndpoint, EndpointOptions, Event, ServerEndpoint, Sidecar

PACKETS = ["t:a", "t:b"]


@pytest.fixture(scope="module")
def sidecar() -> Iterator[Sidecar]:
    with Sidecar.spawn() as made:
        yield made


@pytest.fixture
def server(sidecar: Sidecar) -> Iterator[ServerEndpoint]:
    with sidecar.bind("127.0.0.1:0", PACKETS, EndpointOptions(label="server")) as made:
        yield made


@pytest.fixture
def client(sidecar: Sidecar, server: ServerEndpoint) -> Iterator[ClientEndpoint]:
    with sidecar.connect(server.address, PACKETS, EndpointOptions(label="client")) as made:
        yield made


def until(endpoint: Any, kind: type[Event]) -> Any:
    """The endpoint's next event of a kind."""
    while not isinstance(event := endpoint.next_event(WAIT), kind):
        pass
    return event


def acknowledged(sidecar: Sidecar, endpoint: ServerEndpoint) -> int:
    """The sequence up to which the sidecar knows that everything was handled."""
    (info,) = [e for e in sidecar.list_endpoints() if e.endpoint_id == endpoint.id]
    (subscriber,) = info.subscribers
    return subscriber.acknowledged_sequence


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_life_from_both_sides(sidecar: Sidecar) -> None:
    server = sidecar.bind("127.0.0.1:0", PACKETS)
    client = sidecar.connect(server.address, PACKETS)
    client.send("t:a", {"text": "hello", "bytes": b"\0"})
    seen: list[Event] = []
    for event in server:
        seen.append(event)
        match event:
            case pengbridge.Received(packet="t:a", body={"text": text}):
                server.send(event.connection_id, "t:b", text)
                server.close(event.connection_id, "enough")
            case pengbridge.Closed():
                server.stop()
    assert names(seen) == [
        "Initialized", "Bound", "Started", "Accepted", "HandshakeCompleted", "Received", "Closed", "Stopped", "Interrupted",
    ]  # fmt: skip
    assert server.ended
    bound, accepted, received, closed = (seen[i] for i in (1, 3, 5, 6))
    assert isinstance(bound, pengbridge.Bound)
    assert bound.address == server.address
    assert isinstance(accepted, pengbridge.Accepted)
    assert accepted.address == client.local_address
    assert isinstance(received, pengbridge.Received)
    assert received.body == {"text": "hello", "bytes": b"\0"}
    assert received.name == "peng3dnet:server.connection.recv"
    assert isinstance(closed, pengbridge.Closed)
    assert closed.reason == "enough"

    theirs = list(client)  # a client stops by itself when its connection has ended
    assert names(theirs) == [
        "Initialized", "Connected", "Started", "HandshakeCompleted", "Received", "Closed", "Stopped", "Interrupted",
    ]  # fmt: skip
    handshake, answer = theirs[3], theirs[4]
    assert isinstance(handshake, pengbridge.HandshakeCompleted)
    assert handshake.registry["t:b"] == 65
    assert isinstance(answer, pengbridge.Received)
    assert answer.body == "hello"
    with pytest.raises(pengbridge.EndpointStoppedError):
        client.next_event(WAIT)
    with pytest.raises(pengbridge.EndpointStoppedError):
        client.send("t:a", 1)
    assert client.poll() == []


@pytest.mark.parametrize("size", [200 << 10, 300 << 10, 3 << 20])
def test_large_packets(server: ServerEndpoint, client: ClientEndpoint, size: int) -> None:
    body = {"large": random.Random(size).randbytes(size)}
    client.send("t:a", body)
    received = until(server, pengbridge.Received)
    assert received.body == body
    assert type(received.msgpack) is bytes
    assert received.msgpack == msgpack.packb(body)
    assert pickle.loads(pickle.dumps(received)) == received
    assert "packet='t:a'" in repr(received)


def test_endpoints_say_where_they_are(server: ServerEndpoint, client: ClientEndpoint) -> None:
    assert repr(server) == f"<ServerEndpoint at {server.address}>"
    assert repr(client) == f"<ClientEndpoint to {server.address}>"


def test_everything_is_reported_if_asked_for(sidecar: Sidecar) -> None:
    options = EndpointOptions(report_sent=True, report_internal=True)
    with sidecar.bind("127.0.0.1:0", PACKETS, options) as server:
        client = sidecar.connect(server.address, PACKETS)
        server.broadcast("t:a", [1])
        server.stop()
        seen = list(server)
        assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
        (sent,) = [event for event in seen if isinstance(event, pengbridge.Sent) and event.packet == "t:a"]
        assert sent.connection_ids == (1,)
        assert sent.body == [1]
        assert sent.frame.endswith(sent.msgpack)
        client.leave()


def test_broadcast_reaches_those_it_is_for(sidecar: Sidecar, server: ServerEndpoint) -> None:
    clients = [sidecar.connect(server.address, PACKETS) for _ in range(3)]
    ids = [until(server, pengbridge.HandshakeCompleted).connection_id for _ in clients]
    server.update(ids[0], join_groups=["red"])
    server.update(ids[2], join_groups=["red"], state=65, mode=7)
    server.broadcast("t:a", "all")
    server.broadcast("t:a", "red", group="red")
    server.broadcast("t:a", "some", to=ids[1:])
    server.broadcast("t:a", "but one", exclude=[ids[1]])
    server.broadcast("t:a", "none", to=[])
    listed = server.list_connections()
    assert [(c.connection_id, list(c.groups), c.state, c.mode) for c in listed] == [
        (ids[0], ["red"], 64, 0),
        (ids[1], [], 64, 0),
        (ids[2], ["red"], 65, 7),
    ]
    assert server.shutdown("over") == (3, 0)
    got = [[event.body for event in client if isinstance(event, pengbridge.Received)] for client in clients]
    assert got == [["all", "red", "but one"], ["all", "some"], ["all", "red", "some", "but one"]]
    assert isinstance(list(server)[-1], pengbridge.ShutDown)
    assert server.shutdown() == (0, 0)


def test_what_fails_later_is_an_event(server: ServerEndpoint) -> None:
    server.send(99, "t:a", 1)
    failed = until(server, pengbridge.CommandFailed)
    assert (failed.connection_id, failed.packet, failed.sequence) == (99, "t:a", 0)
    assert isinstance(failed.error, pengbridge.NotFoundError)
    assert failed.error.reason == "UNKNOWN_CONNECTION"
    server.broadcast("t:unknown", 1)
    failed = until(server, pengbridge.CommandFailed)
    assert (failed.connection_id, failed.packet, failed.error.reason) == (None, "t:unknown", "UNKNOWN_PACKET")


def test_a_packet_that_does_not_count_is_no_received_one(sidecar: Sidecar) -> None:
    guarded = pengbridge.Packet("t:a", rule=pengbridge.PacketRule(state=65))
    with sidecar.bind("127.0.0.1:0", [guarded]) as server:
        peer = RawPeer.connect(server.address)
        peer.send(64, "too early")
        assert until(server, pengbridge.Refused).body == "too early"
        server.update(1, state=65)
        server.flush()
        peer.send(64, "now")
        assert until(server, pengbridge.Received).body == "now"
        peer.close()


def test_registering_late(sidecar: Sidecar, server: ServerEndpoint) -> None:
    server.register("t:c", pengbridge.Packet("t:d", id=200))
    server.register_conntypes(pengbridge.Conntype("t:raw", handshake="none"))
    with pytest.raises(pengbridge.AlreadyExistsError) as caught:
        server.register("t:c")
    assert caught.value.reason == "ALREADY_REGISTERED"
    client = sidecar.connect(server.address, [*PACKETS, "t:c", "t:d"])
    client.send(200, 1)
    assert until(server, pengbridge.Received).packet == "t:d"
    client.leave()


def test_poll_never_waits(server: ServerEndpoint, client: ClientEndpoint) -> None:
    found: list[Event] = []
    eventually(lambda: found.extend(server.poll()) or len(found) == 5)
    assert server.poll() == []
    for number in range(1000):
        client.send("t:a", number)
    client.flush()
    bodies: list[Any] = []

    def gather() -> bool:
        events = server.poll(max_events=100)
        assert len(events) <= 100
        bodies.extend(event.body for event in events if isinstance(event, pengbridge.Received))
        return len(bodies) == 1000

    eventually(gather)
    assert bodies == list(range(1000))
    client.send("t:a", 1)
    client.send("t:a", 2)
    eventually(lambda: len(server.poll(budget_ms=0)) == 1)  # one at least, however small the budget


def test_what_happens_between_two_polls_is_there_for_the_second(
    sidecar: Sidecar, server: ServerEndpoint, client: ClientEndpoint
) -> None:
    """However many batches it came in: the sidecar has no more than two under way that were not acknowledged."""
    server.poll(1)
    last = until(server, pengbridge.HandshakeCompleted).sequence
    for number in range(1, 21):
        client.send("t:a", number)
        eventually(lambda sequence=last + number: acknowledged(sidecar, server) >= sequence)  # a batch of its own each
    assert len(server.poll()) == 20


def test_waiting_for_an_event_is_bounded(server: ServerEndpoint) -> None:
    until(server, pengbridge.Started)
    with pytest.raises(TimeoutError):
        server.next_event(0.01)


def test_what_was_read_is_acknowledged(sidecar: Sidecar, server: ServerEndpoint, client: ClientEndpoint) -> None:
    client.send("t:a", 1)
    last = until(server, pengbridge.Received).sequence
    assert acknowledged(sidecar, server) < last  # it may be handled still
    server.poll()
    eventually(lambda: acknowledged(sidecar, server) >= last)


def test_a_deferred_start(sidecar: Sidecar) -> None:
    with sidecar.bind("127.0.0.1:0", PACKETS, EndpointOptions(deferred_start=True)) as server:
        until(server, pengbridge.Bound)
        server.interrupt()
        assert isinstance(server.next_event(WAIT), pengbridge.Interrupted)
        server.start()
        assert isinstance(server.next_event(WAIT), pengbridge.Started)


def test_compression_changes_for_the_next_packet(sidecar: Sidecar) -> None:
    with sidecar.bind("127.0.0.1:0", PACKETS, EndpointOptions(report_sent=True)) as server:
        peer = RawPeer.connect(server.address)
        until(server, pengbridge.HandshakeCompleted)
        for setting in (pengbridge.Compression(threshold_bytes=10), pengbridge.Compression(disabled=True)):
            server.set_compression(setting)
            server.send(1, "t:a", "x" * 1000)
        frames = [event.frame for event in (until(server, pengbridge.Sent), until(server, pengbridge.Sent))]
        assert len(frames[0]) < 100 < 1000 < len(frames[1])
        peer.close()


def test_ping(sidecar: Sidecar, server: ServerEndpoint) -> None:
    with sidecar.bind("127.0.0.1:0", ping=pengbridge.PingOptions({"players": 3})) as pingable:
        pong = sidecar.ping(pingable.address, {"who": "me"})
        assert (pong.data["players"], pong.data["oldmsg"]["who"]) == (3, "me")
        assert 0 < pong.delay < WAIT
    with pytest.raises(pengbridge.FailedPreconditionError, match="unknownconntype"):
        sidecar.ping(server.address)


def test_the_lists(sidecar: Sidecar, server: ServerEndpoint, client: ClientEndpoint) -> None:
    assert [e.label for e in sidecar.list_endpoints() if e.endpoint_id in (server.id, client.id)] == ["server", "client"]
    assert [c.connection_id for c in client.list_connections()] == [0]
    info = sidecar.info()
    assert (info.scope, info.protocol_version) == ("full", 2)


def test_a_bind_that_fails(sidecar: Sidecar, server: ServerEndpoint) -> None:
    with pytest.raises(pengbridge.AlreadyExistsError) as caught:
        sidecar.bind(server.address)
    assert caught.value.reason == "ADDRESS_IN_USE"
    for address, packets in (("127.0.0.1:x", []), ("127.0.0.1:0", [""]), ("127.0.0.1:0", ["peng3dnet:mine"])):
        with pytest.raises(pengbridge.InvalidArgumentError):
            sidecar.bind(address, packets)
    with pytest.raises(ValueError, match="is none of client, server"):
        sidecar.bind("127.0.0.1:0", [pengbridge.Packet("t:a", rule=pengbridge.PacketRule(side="both"))])  # type: ignore[arg-type]


def test_a_connect_that_fails(sidecar: Sidecar, server: ServerEndpoint) -> None:
    with pytest.raises(pengbridge.HandshakeError) as caught:
        sidecar.connect(server.address, ["t:other"])
    assert caught.value.close_reason == "packetregmismatch"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimeoutError):
            sidecar.connect(address, timeout=0.1)
    with pytest.raises(ConnectionError):
        sidecar.connect(address)


def test_a_body_that_no_peer_could_read(client: ClientEndpoint) -> None:
    with pytest.raises(TypeError):
        client.send("t:a", object())
    with pytest.raises(ValueError, match="int is not allowed for map key"):
        client.send("t:a", {1: 2})


def test_several_threads_share_the_events(server: ServerEndpoint, client: ClientEndpoint) -> None:
    bodies: list[list[int]] = [[], []]

    def read(mine: list[int]) -> None:
        mine.extend(event.body for event in server if isinstance(event, pengbridge.Received))

    readers = [threading.Thread(target=read, args=(mine,), daemon=True) for mine in bodies]
    for reader in readers:
        reader.start()
    for number in range(5000):
        client.send("t:a", number)
    client.flush()
    client.stop()  # what it has sent is read first
    eventually(lambda: sum(map(len, bodies)) == 5000)
    server.stop()
    for reader in readers:
        reader.join(WAIT)
    assert not any(reader.is_alive() for reader in readers)
    assert sorted(bodies[0] + bodies[1]) == list(range(5000))
    assert all(mine == sorted(mine) for mine in bodies)


@pytest.mark.parametrize(
    ("misuse", "error", "message"),
    [
        (lambda sidecar, _: sidecar.bind(8080), TypeError, r"\(host, port\), not 8080"),
        (lambda sidecar, _: sidecar.connect(None), TypeError, r"\(host, port\), not None"),
        (lambda sidecar, _: sidecar.bind("127.0.0.1:0", "t:a"), TypeError, r"a list of names or Packets: \['t:a'\]"),
        (lambda _, server: server.register(5), TypeError, "a name or a Packet, not 5"),
        (lambda _, server: server.send(1, None, 1), TypeError, "its name or its id, not by None"),
        (lambda _, server: server.send(-1, "t:a", 1), ValueError, "numbered from 1"),
        (lambda _, server: server.send(1, 3, 1), ValueError, "ids from 64"),
        (lambda _, server: server.broadcast(-1, 1), ValueError, "ids from 64"),
        (lambda _, server: server.broadcast("t:a", {1: 2}), ValueError, "keys of str or bytes"),
    ],
)
def test_misuse_is_told_at_once(sidecar: Sidecar, server: ServerEndpoint, misuse: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        misuse(sidecar, server)
    assert not [event for event in server.poll() if isinstance(event, pengbridge.CommandFailed)]
