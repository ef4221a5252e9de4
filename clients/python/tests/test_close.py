"""Closing: the true reason, once, on both sides; and what happens to what was sent before."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from harness import WAIT, Net, Peng, Recorder, eventually
from rawpeer import RawPeer

import pengbridge as peng3dnet
from pengbridge import _endpoint, _inbox, _outbox
from pengbridge.v1 import event_pb2
from pengbridge.v1 import sidecar_service_pb2 as pb


class Noting(peng3dnet.ClientOnServer):
    """Keeps the close reasons on the server."""

    def on_close(self, reason: str | None = None) -> None:
        self.server.closes.append((self.cid, reason))


class NotingServer(peng3dnet.Server):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, clientcls=Noting, **kwargs)
        self.closes: list[tuple[int, str | None]] = []


class NotingClient(peng3dnet.Client):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.closes: list[str | None] = []

    def on_close(self, reason: str | None = None) -> None:
        self.closes.append(reason)


@pytest.mark.parametrize("reason", ["enough", None, "ü" * 100])
def test_14_the_client_closes(net: Net, reason: str | None) -> None:
    server = net.server(kind=NotingServer)
    client = net.client(server, kind=NotingClient)
    client.close_connection(reason=reason)
    client.wait_for_close(WAIT)
    eventually(lambda: server.closes and client.closes)
    assert (client.closes, server.closes) == ([reason], [(1, reason)])


@pytest.mark.parametrize("reason", ["kicked", None])
def test_15_the_server_closes(net: Net, reason: str | None) -> None:
    server = net.server(kind=NotingServer)
    client = net.client(server, kind=NotingClient)
    server.close_connection(1, reason)
    client.wait_for_close(WAIT)
    eventually(lambda: server.closes and client.closes)
    assert (client.closes, server.closes) == ([reason], [(1, reason)])


@pytest.mark.parametrize(
    ("reason", "told"),
    [("x" * 1025, "x" * 1024), ("ü" * 1000, "ü" * 512), (404, "404"), ({"code": 1}, "{'code': 1}"), ("\ud800", "?")],
)
@pytest.mark.parametrize("closing", ["client", "server", "shutdown"])
def test_a_close_does_not_fail_over_its_reason(net: Net, closing: str, reason: Any, told: str) -> None:
    server = net.server(kind=NotingServer, peng=Peng())  # with somebody who looks at what is sent
    client = net.client(server, kind=NotingClient)
    if closing == "client":
        client.close_connection(reason=reason)
    elif closing == "server":
        server.close_connection(1, reason)
    else:
        server.shutdown(timeout=WAIT, reason=reason)
    eventually(lambda: server.closes and client.closes)
    assert (client.closes, server.closes) == ([told], [(1, told)])


def test_on_close_may_remove_its_client(net: Net) -> None:
    class Tidy(peng3dnet.ClientOnServer):
        def on_close(self, reason: str | None = None) -> None:
            del self.server.clients[self.cid]

    server = net.server(clientcls=Tidy, packets={"t:a": Recorder})
    first, second = (net.client(server, packets={"t:a": Recorder}) for _ in range(2))
    first.close_connection(reason="enough")
    first.wait_for_close(WAIT)
    eventually(lambda: len(server.clients) == 1)
    second.send_message("t:a", "still processed")
    eventually(lambda: server.registry["t:a"].received)


def test_close_methods_close(net: Net) -> None:
    server = net.server(kind=NotingServer)
    clients = [net.client(server, kind=NotingClient) for _ in range(3)]
    server.clients[1].close("one")
    clients[1].close("two")
    clients[2].sock.close()
    eventually(lambda: len(server.closes) == 3)
    assert sorted(server.closes) == [(1, "one"), (2, "two"), (3, None)]


def test_18_the_reason_is_not_lost_when_the_peer_closes_at_once(net: Net) -> None:
    server = net.server(kind=NotingServer)
    for _ in range(30):
        peer = RawPeer.connect(server.sock.getsockname())
        peer.send(16, {"reason": "gone"})
        peer.close()
    eventually(lambda: len(server.closes) == 30)
    assert {reason for _, reason in server.closes} == {"gone"}


def test_18_the_close_event_comes_once(net: Net) -> None:
    server = net.server()
    for cid in range(1, 11):
        peng = Peng()
        client = net.client(server, peng=peng)
        server.close_connection(cid, "kicked")
        client.wait_for_close(WAIT)
        client.stop()
        client.join(WAIT)
        assert [data["reason"] for data in peng.data_of("client.close")] == ["kicked"]


def test_18_what_was_sent_right_before_the_close_arrives(net: Net) -> None:
    server = net.server(kind=NotingServer, packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    for number in range(200):
        client.send_message("t:a", number)
    client.close_connection(reason="done")
    eventually(lambda: server.closes)
    assert server.registry.getObj("t:a").messages() == list(range(200))


def test_a_packet_sent_before_a_close_arrives_before_it(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    peer = RawPeer.connect(server.sock.getsockname())
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.send_message("t:a", "last words", 1)
    server.close_connection(1, "kicked")
    assert [peer.receive() for _ in range(3)] == [(64, "last words"), (16, {"reason": "kicked"}), (-1, None)]
    peer.close()


def test_a_vanished_peer_is_reported(net: Net) -> None:
    server = net.server(kind=NotingServer)
    RawPeer.connect(server.sock.getsockname()).close()
    eventually(lambda: server.closes)
    assert server.closes == [(1, None)]


def test_22_an_unknown_conntype_is_told(net: Net) -> None:
    server = net.server(kind=NotingServer)
    peer = RawPeer.connect(server.sock.getsockname(), conntype=None)
    peer.send(2, {"conntype": "strange"})
    assert peer.receive_until(16) == {"reason": "unknownconntype"}
    eventually(lambda: server.closes)
    assert server.closes == [(1, "unknownconntype")]
    peer.close()


def test_on_close_of_a_client_sees_the_state_it_was_in(net: Net) -> None:
    """As in peng3dnet; whoever waits for the close is released before, and may stop the client."""

    class Leaving(peng3dnet.Client):
        def on_close(self, reason: str | None = None) -> None:
            assert stopped.wait(WAIT)
            found.append((reason, self.remote_state, self.mode))

    stopped, found = threading.Event(), []
    server = net.server()
    client = net.client(server, kind=Leaving)
    client.remote_state, client.mode = peng3dnet.STATE_LOGGEDIN, peng3dnet.MODE_PLAY
    server.close_connection(1, "kicked")
    client.wait_for_close(WAIT)
    client.stop()
    stopped.set()
    client.join(WAIT)
    assert found == [("kicked", peng3dnet.STATE_LOGGEDIN, peng3dnet.MODE_CLOSED)]
    assert client.remote_state == peng3dnet.STATE_CLOSED


def test_on_close_is_not_called_after_stop(net: Net) -> None:
    server = net.server(kind=NotingServer)
    client = net.client(server, kind=NotingClient)
    client.stop()
    client.join(WAIT)
    client.process()
    assert client.closes == []
    eventually(lambda: server.closes)
    net.client(server)
    server.stop()
    server.join(WAIT)
    server.process()
    assert len(server.closes) == 1


@pytest.mark.parametrize("stopping", ["server", "client"])
def test_on_close_is_not_called_for_what_was_queued_before_stop(net: Net, stopping: str) -> None:
    """Nor is anything else lost: the client is closed, and out of server.clients."""
    server = net.server(kind=NotingServer, process=stopping == "client")
    client = net.client(server, kind=NotingClient, run=False)
    client.runAsync()
    own = server if stopping == "server" else client
    while (server.clients[1].state if server.clients else 0) != 64 or client.remote_state != 64:
        for peer in (server, client):
            peer.process(True, 0.01)
    other = client if own is server else server
    other.stop()
    other.join(WAIT)
    closed = (event_pb2.EVENT_TYPE_SERVER_CONNECTION_CLOSE, event_pb2.EVENT_TYPE_CLIENT_CLOSE)
    batches = own._inbox._items
    eventually(lambda: [e for b in list(batches) if isinstance(b, bytes) for e in _endpoint.events(b) if e.type in closed])
    own.stop()
    own.process()
    assert own.closes == []
    assert client.remote_state == peng3dnet.STATE_CLOSED if own is client else not server.clients


def test_shutdown_tells_every_client_and_waits(net: Net) -> None:
    server = net.server(kind=NotingServer)
    clients = [net.client(server, kind=NotingClient) for _ in range(10)]
    eventually(lambda: len(server.clients) == 10)
    server.shutdown(timeout=5, reason="maintenance")
    assert sorted(server.closes) == [(cid, "maintenance") for cid in range(1, 11)]
    assert not server.run
    eventually(lambda: all(client.closes == ["maintenance"] for client in clients))


def test_shutdown_closes_each_client_by_close_connection(net: Net) -> None:
    class Polite(NotingServer):
        def close_connection(self, cid: int, reason: str | None = None) -> None:
            super().close_connection(cid, f"{reason}, and thank you")

    server = net.server(kind=Polite)
    clients = [net.client(server, kind=NotingClient) for _ in range(3)]
    eventually(lambda: len(server.clients) == 3)
    server.shutdown(timeout=5, reason="closing")
    assert sorted(server.closes) == [(cid, "closing, and thank you") for cid in (1, 2, 3)]
    eventually(lambda: all(client.closes == ["closing, and thank you"] for client in clients))


def test_16_shutdown_without_a_timeout_tells_every_client_too(net: Net) -> None:
    server = net.server()
    clients = [net.client(server, kind=NotingClient) for _ in range(10)]
    server.shutdown()
    eventually(lambda: all(client.closes == ["servershutdown"] for client in clients))


@pytest.mark.parametrize("args", [{}, {"timeout": 0.05}], ids=str)
def test_shutdown_does_not_wait_for_a_handler_that_waits_for_it(net: Net, args: dict[str, Any]) -> None:
    class Waiting(Recorder):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            super().receive(msg, cid)
            found.append(over.wait(WAIT))

    over, found = threading.Event(), []
    server = net.server(packets={"t:a": Waiting})
    client = net.client(server, packets={"t:a": Recorder})
    client.send_message("t:a", 1)
    eventually(lambda: server.registry["t:a"].received)
    server.shutdown(**args)
    over.set()
    server.join(WAIT)
    assert found == [True]


def test_shutdown_in_the_only_processing_thread(net: Net) -> None:
    server = net.server(kind=NotingServer, process=False)
    peer = RawPeer.connect(server.sock.getsockname())
    while not (server.clients and server.clients[1].state == 64):
        server.process(True, WAIT)
    reader = threading.Thread(target=lambda: (peer.receive_until(16), peer.close()), daemon=True)
    reader.start()
    server.shutdown(timeout=5)
    assert server.closes == [(1, "servershutdown")]
    reader.join(WAIT)


def leaving(call: str, *args: Any) -> type[peng3dnet.packet.Packet]:
    """A packet type whose handler calls a method of its peer, and says when it is through."""

    class Leaving(peng3dnet.packet.Packet):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            getattr(self.peer, call)(*args)
            self.peer.left = time.monotonic()

    return Leaving


@pytest.mark.parametrize(("call", "args"), [("shutdown", (True, 5)), ("shutdown", ()), ("join", (5,)), ("stop", ())])
def test_17_a_handler_may_end_its_server(net: Net, call: str, args: tuple[Any, ...]) -> None:
    server = net.server(kind=NotingServer, packets={"t:end": leaving(call, *args)})
    client = net.client(server, kind=NotingClient, packets={"t:end": Recorder})
    start = time.monotonic()
    client.send_message("t:end", None)
    eventually(lambda: hasattr(server, "left") and not server._process_thread.is_alive())
    client.wait_for_close(WAIT)
    assert server.left - start < 4
    if call == "shutdown":
        assert client.closes == ["servershutdown"]
        assert server.closes == ([(1, "servershutdown")] if args else [])


def test_the_end_of_the_log_does_not_overtake_its_acknowledgement(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the sidecar keeps the log, and the program's end waits for it."""
    server = net.server()
    net.client(server)
    endpoint = server._endpoint
    write, shut = _outbox.Outbox.acknowledge, _inbox.Inbox.shut
    main = threading.current_thread()

    def shut_late(self: _inbox.Inbox) -> bytes:
        if self is endpoint._inbox and threading.current_thread() is main:
            last = event_pb2.EVENT_TYPE_SERVER_STOP
            eventually(lambda: self._last_batch and last in [e.type for e in _endpoint.events(self._last_batch)])
        return shut(self)

    def write_late(self: _outbox.Outbox, command: bytes) -> None:
        if self is endpoint._outbox and threading.current_thread() is main:
            eventually(lambda: endpoint._reader._over)
            endpoint.ended.wait(0.2)  # it does not end meanwhile
        write(self, command)

    monkeypatch.setattr(_inbox.Inbox, "shut", shut_late)
    monkeypatch.setattr(_outbox.Outbox, "acknowledge", write_late)
    server.stop()
    assert server.join(WAIT) is None

    def there() -> list[str]:
        answer = endpoint._host.transport.call(
            "ListEndpoints", pb.ListEndpointsRequest(), pb.ListEndpointsResponse, timeout=WAIT
        )
        return [info.endpoint_id for info in answer.endpoints]

    eventually(lambda: endpoint.id not in there())


@pytest.mark.parametrize("call", ["join", "stop", "close_connection"])
def test_a_handler_may_end_its_client(net: Net, call: str) -> None:
    server = net.server(kind=NotingServer, packets={"t:end": Recorder})
    client = net.client(server, kind=NotingClient, packets={"t:end": leaving(call)})
    server.send_message("t:end", None, 1)
    eventually(lambda: server.closes and hasattr(client, "left"))
    if call == "close_connection":
        client.wait_for_close(WAIT)
        client.stop()
    client.join(WAIT)
    assert client.closes == ([None] if call == "close_connection" else [])


def test_process_in_a_handler_does_nothing(net: Net) -> None:
    results = []

    class Nested(peng3dnet.packet.Packet):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            results.append(self.peer.process(True, WAIT))

    server = net.server(packets={"t:a": Nested})
    client = net.client(server, packets={"t:a": Recorder})
    client.send_message("t:a", 1)
    eventually(lambda: results)
    assert results == [0]
