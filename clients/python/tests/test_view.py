"""Who knows what, and when: a program's view moves on only where it calls process(), and in the order of the log."""

from __future__ import annotations

import threading
from typing import Any

import msgpack
import pytest
from harness import WAIT, Echo, Net, Recorder, eventually
from rawpeer import Listener, RawPeer

import pengbridge as peng3dnet
from pengbridge import _endpoint, _peer
from pengbridge.v1 import event_pb2, sidecar_service_pb2


def test_a_client_that_is_not_processed_sees_nothing(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder}, run=False)
    client.runAsync()
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.send_message("t:a", "unseen", 1)
    server.close_connection(1, "kicked")
    eventually(lambda: not server.clients)
    assert (client.remote_state, client.conntype, client.run) == (4, "_notset", True)
    assert client.registry.getObj("t:a").received == []
    while client.run and client.remote_state != peng3dnet.STATE_CLOSED:
        client.process(wait=True, timeout=WAIT)
    assert client.registry.getObj("t:a").messages() == ["unseen"]
    assert client._close_reason == "kicked"


def test_the_end_of_the_handshake(net: Net) -> None:
    """on_handshake_complete finds the server's ids and an active connection; who waits for that is woken afterwards."""

    class Asking(peng3dnet.Client):
        def on_handshake_complete(self) -> None:
            order.append(("hook", self.remote_state, self.registry.getInt("t:b")))

    server = net.server(packets={"t:a": Recorder, "t:b": Recorder})
    client = net.client(server, kind=Asking, packets={"t:b": Recorder, "t:a": Recorder}, run=False)
    order: list[Any] = []
    wake = client._changed.notify_all
    client._changed.notify_all = lambda: (order.append(("woken", client.remote_state)), wake())
    client.runAsync()
    assert client.registry.getInt("t:b") == 64
    client.process_async()
    client.wait_for_connection(WAIT)
    eventually(lambda: ("woken", 64) in order)
    assert [step for step in order if step[1] == 64] == [("hook", 64, 65), ("woken", 64)]


def test_run_is_true_until_the_end(net: Net, listener: Listener) -> None:
    server = peng3dnet.Server(addr=("127.0.0.1", 0))
    assert server.run
    server.runAsync()
    assert server.run
    server.stop()
    assert not server.run
    server.join(WAIT)
    client = net.client(listener.address, run=False)
    client.runAsync()
    client.process_async()
    listener.accept().close()
    client.wait_for_close(WAIT)
    assert client.run, "a program goes on after the close, until it stops its client"


def test_19_a_closed_connection_is_not_waited_for(net: Net) -> None:
    server = net.server()
    client = net.client(server)
    server.close_connection(1, "kicked")
    client.wait_for_close(WAIT)
    with pytest.raises(peng3dnet.ConnectionFailedError) as caught:
        client.wait_for_connection(WAIT)
    assert caught.value.reason == "kicked"


def test_what_a_program_sets_holds_for_the_very_next_packet(net: Net) -> None:
    class Mine(peng3dnet.conntypes.ClassicConnectionType):
        def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
            diary.append((msg, "held back"))
            return True

    class Step(peng3dnet.packet.SmartPacket):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            client = self.peer.clients[cid]
            diary.append((msg, client.name, client.score))
            for name, value in changes[msg].items():
                setattr(client, name, value)

    diary: list[Any] = []
    changes: list[dict[str, Any]] = [{"name": "Anna", "score": 7}, {"mode": 4}, {"state": 65}, {}, {"conntype": "mine"}]
    server = net.server(packets={"t:step": Step, "t:chat": type("Chat", (Step,), {"mode": 4, "state": 65})})
    server.addConnType("mine", Mine(server))
    peer = RawPeer.connect(server.sock.getsockname())
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.clients[1].score = 0
    for number, pid in enumerate([64, 64, 64, 65, 65]):
        peer.send(pid, number)
    peer.send(64, "now of another type")
    eventually(lambda: len(diary) == 6)
    assert diary == [
        (0, None, 0),
        (1, "Anna", 7),
        (2, "Anna", 7),
        (3, "Anna", 7),
        (4, "Anna", 7),
        ("now of another type", "held back"),
    ]
    peer.close()


def test_a_client_asks_the_type_it_wants_to_be_of(net: Net) -> None:
    """Its conntype is for packet rules alone, and the program's to write: so it is in peng3dnet."""

    class Mine(peng3dnet.conntypes.ClassicConnectionType):
        def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
            diary.append(("received", msg))
            return False

        def send(self, data: Any, pid: Any, cid: int | None) -> bool:
            diary.append(("sent", data))
            return False

    diary: list[Any] = []
    server = net.server(packets={"t:echo": Echo})
    client = net.client(server, packets={"t:echo": Recorder})
    client.addConnType("mine", Mine(client))
    echoed = client.registry.getObj("t:echo").received
    client.conntype = "mine"
    client.send_message("t:echo", 1)
    eventually(lambda: len(echoed) == 1)
    assert diary == []
    client.target_conntype = "mine"
    client.send_message("t:echo", 2)
    eventually(lambda: len(echoed) == 2)
    assert diary == [("sent", 2), ("received", 2)]


def test_hooks_may_be_assigned_to_clients_and_packets(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    peer = RawPeer.connect(server.sock.getsockname())
    eventually(lambda: server.clients and server.clients[1].state == 64)
    calls: list[tuple[Any, ...]] = []
    client, packet = server.clients[1], server.registry.getObj("t:a")
    packet.receive = lambda msg, cid=None: calls.append(("packet received", msg, cid))
    packet.send = lambda msg, cid=None: calls.append(("packet sent", len(msg), cid))
    client.on_receive = lambda ptype, msg: calls.append(("received", ptype, msg))
    client.on_send = lambda ptype, msg: calls.append(("sent", ptype, len(msg)))
    client.on_close = lambda reason=None: calls.append(("closed", reason))
    peer.send(64, 5)
    eventually(lambda: len(calls) == 2)
    server.send_message("t:a", 7, 1)
    peer.send(16, {"reason": "bye"})
    eventually(lambda: calls[-1][0] == "closed")
    assert calls == [
        ("packet received", 5, 1),
        ("received", 64, 5),
        ("sent", "t:a", 11),
        ("packet sent", 11, 1),
        ("received", 16, {"reason": "bye"}),
        ("closed", "bye"),
    ]
    peer.close()


def test_frames_are_built_only_for_those_who_look(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    class Looking(Recorder):
        def send(self, msg: Any, cid: int | None = None) -> None:
            frames.append(msg)

    frames: list[bytes] = []
    built: list[int] = []
    frame = _peer.Peer._frame
    monkeypatch.setattr(_peer.Peer, "_frame", lambda self, pid, body: (built.append(pid), frame(self, pid, body))[1])
    server = net.server(packets={"t:plain": Recorder, "t:looking": Looking})
    net.client(server, packets={"t:plain": Recorder, "t:looking": Recorder})
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.send_message("t:plain", 1, 1)
    server.broadcast("t:plain", 1)
    assert built == []
    server.send_message("t:looking", 1, 1)
    assert built == [65]
    assert len(frames) == 1


@pytest.mark.parametrize("way", ["send_message", "broadcast"])
@pytest.mark.parametrize("place", ["instance", "class"])
@pytest.mark.parametrize("hook", ["on_send", "conntype", "send", "_send"])
def test_hooks_that_a_program_puts_into_our_classes_look_too(
    net: Net, monkeypatch: pytest.MonkeyPatch, hook: str, place: str, way: str
) -> None:
    def look(*args: Any) -> None:
        seen.append(next(arg for arg in args if isinstance(arg, bytes)))

    seen: list[bytes] = []
    server = net.server(packets={"t:a": peng3dnet.packet.SmartPacket})
    net.client(server, packets={"t:a": Recorder})
    owner, name = {
        "on_send": (server.clients[1], "on_send"),
        "conntype": (server.conntypes["classic"], "send"),
        "send": (server.registry["t:a"], "send"),
        "_send": (server.registry["t:a"], "_send"),
    }[hook]
    monkeypatch.setattr(owner if place == "instance" else type(owner), name, look)
    if way == "broadcast":
        server.broadcast("t:a", "hi")
    else:
        server.send_message("t:a", "hi", 1)
    assert seen == [b"\0\0\0\x09\0\0\0\x40\0\0\xa2hi"]


def test_a_hook_that_is_in_our_class_before_the_server_is_made_looks_too(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    for ours in (peng3dnet.ClientOnServer, peng3dnet.Client):
        monkeypatch.setattr(ours, "on_send", lambda self, ptype, msg: seen.append((type(self), ptype)))
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    server.send_message("t:a", "hi", 1)
    client.send_message("t:a", "ho")
    assert {(peng3dnet.ClientOnServer, "t:a"), (peng3dnet.Client, "t:a")} <= set(seen)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("action", ["ignore", "close"])
def test_a_broadcast_keeps_the_rule_for_each_connection(net: Net, action: str, strict: bool) -> None:
    rule = type("Rule", (peng3dnet.packet.SmartPacket,), {"mode": 7, "invalid_action": action})
    server = net.server(packets={"t:a": rule}, cfg={"net.rules.strict_send": strict})
    peers = [RawPeer.connect(server.sock.getsockname()) for _ in range(3)]
    eventually(lambda: [c.state for c in server.clients.values()] == [peng3dnet.STATE_ACTIVE] * 3)
    server.clients[2].mode = 7
    assert server.broadcast("t:a", "hi") == (3 if (action, strict) == ("ignore", False) else 1)
    server.send_message("t:a", "end", 2)
    assert [peers[1].receive_until(64) for _ in range(2)] == ["hi", "end"]
    if action == "close":
        assert peers[0].receive_until(16) == peers[2].receive_until(16) == {"reason": "smartpacketinvalid"}
    for peer in peers:
        peer.close()


def test_threads_that_process_take_turns(net: Net) -> None:
    class Alone(Recorder):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            assert turn.acquire(blocking=False), "two handlers at once"
            super().receive(msg, cid)
            turn.release()

    turn = threading.Lock()
    server = net.server(packets={"t:a": Alone}, process=False)
    packet = server.registry.getObj("t:a")
    handled: list[int] = []
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            handled.append(server.process(wait=True, timeout=0.01))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    peer = RawPeer.connect(server.sock.getsockname())
    for number in range(500):
        peer.send(64, number)
    eventually(lambda: len(packet.received) == 500)
    done.set()
    for thread in threads:
        thread.join(WAIT)
    assert packet.messages() == list(range(500))
    assert sum(handled) == 502  # with the handshake's two
    peer.close()


def test_process_handles_what_was_there_when_it_was_called(net: Net) -> None:
    """Two peers that answer one another for ever hold nobody up."""
    server = net.server(packets={"t:echo": Echo})
    client = net.client(server, packets={"t:echo": Echo}, run=False)
    client.runAsync()
    while client.remote_state != peng3dnet.STATE_ACTIVE:
        client.process(wait=True, timeout=WAIT)
    client.send_message("t:echo", "there and back")
    for _ in range(3):
        assert client.process(wait=True, timeout=WAIT) <= 1
    client.stop()


@pytest.mark.parametrize(
    "batches",
    [
        [[1, 2, 3], [2, 3, 4], [5]],
        [[1], [1], [1, 2, 3, 4, 5], [3, 4], [5]],
        [[1, 2], [1, 2, 3, 4, 5], []],
    ],
)
def test_what_a_stream_repeats_after_a_break_is_handled_once(batches: list[list[int]]) -> None:
    server = peng3dnet.Server()
    server.initialize()
    packet = Recorder(server.registry, server)
    server.register_packet("t:a", packet)
    client = server.clients[1] = peng3dnet.ClientOnServer(server, None, ("", 0), 1)
    client.state, client.conntype = peng3dnet.STATE_ACTIVE, "classic"
    kind = event_pb2.EVENT_TYPE_SERVER_CONNECTION_RECV
    for batch in batches:
        events = [
            event_pb2.Event(sequence=n, type=kind, connection_id=1, packet_id=64, msgpack=msgpack.packb(n)) for n in batch
        ]
        server._inbox.put_batch(sidecar_service_pb2.SubscribeResponse(events=events).SerializeToString())
    assert server.process() == 5
    assert packet.messages() == [1, 2, 3, 4, 5]


def test_a_body_that_only_python_minds_ends_its_connection(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    good, odd = (RawPeer.connect(server.sock.getsockname()) for _ in range(2))
    odd.send_body(64, b"\xc7\x03\xff\x00\x00\x00")  # a timestamp of three bytes
    assert odd.receive_until(16) == {"reason": "malformedpacket"}
    good.send(64, "still there")
    packet = server.registry.getObj("t:a")
    eventually(lambda: packet.received)
    assert packet.messages() == ["still there"]
    good.close()
    odd.close()


def test_20_connecting_and_leaving_at_once_leaves_no_complaint(net: Net, caplog: pytest.LogCaptureFixture) -> None:
    server = net.server()
    for _ in range(50):
        RawPeer.connect(server.sock.getsockname(), conntype=None).close()
    net.client(server)
    eventually(lambda: list(server.clients) == [51])
    assert caplog.text == ""


def test_a_frame_loop_gets_what_came_since_the_last_frame(net: Net) -> None:
    """Events that come one by one between two frames are there with the next one: they do not wait for each other."""
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder}, run=False)
    client.runAsync()
    while client.remote_state != 64:
        client.process(wait=True, timeout=WAIT)
    eventually(lambda: server.clients and server.clients[1].state == 64)
    client.process()  # a frame
    for i in range(10):
        server.send_message("t:a", i, 1)
        server.flush()  # each is a batch of its own
    eventually(lambda: sum(len(list(_endpoint.events(b))) for b in tuple(client._inbox._items)) == 10)
    assert client.process() == 10
    assert client.registry.getObj("t:a").messages() == list(range(10))
