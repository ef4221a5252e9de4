"""The events that a peng gets: all twenty, with their documented data, in their order."""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import pytest
from harness import WAIT, Echo, Net, Peng, Recorder, eventually
from rawpeer import RawPeer

import pengbridge as peng3dnet


def test_21_a_session_as_the_server_sees_it(net: Net, peng: Peng) -> None:
    server = net.server(peng=peng, packets={"t:echo": Echo})
    port = server.sock.getsockname()[1]
    peer = RawPeer.connect(("127.0.0.1", port))
    peer.send(64, "hi")
    peer.receive_until(64)
    peer.send(16, {"reason": "bye"})
    eventually(lambda: peng.data_of("server.connection.close"))
    server.shutdown(timeout=1)
    assert peng.names() == [
        "server.initialize",
        "server.bind",
        "server.start",
        "server.connection.accept",
        "server.connection.send",
        "server.connection.recv",
        "server.connection.send",
        "server.connection.recv",
        "server.connection.handshakecomplete",
        "server.connection.send",
        "server.connection.recv",
        "server.connection.recv",
        "server.connection.close",
        "server.stop",
        "server.interrupt",
        "server.shutdown",
    ]
    for _, data in peng.events:
        assert data["peng"] is peng
        assert data["server"] is server
    rest = [{k: v for k, v in data.items() if k not in ("peng", "server")} for _, data in peng.events]
    accept = rest[3]
    client = accept["client"]
    assert isinstance(client, peng3dnet.ClientOnServer)
    assert accept == {"sock": client.conn, "addr": peer.sock.getsockname(), "client": client, "cid": 1}
    sends = [(event["pid"], decoded(event["data"])) for event in rest if "data" in event]
    assert sends == [
        ("peng3dnet:internal.hello", (1, {"version": "0.2.0", "protoversion": 2})),
        ("peng3dnet:internal.handshake", (3, {"version": "0.2.0", "protoversion": 2, "registry": registry(server)})),
        ("t:echo", (64, "hi")),
    ]
    received = [(event["pid"], event["msg"]) for event in rest if "msg" in event]
    assert received == [(2, {"conntype": "classic"}), (4, {"success": True}), (64, "hi"), (16, {"reason": "bye"})]
    assert all(event["client"] is client for event in rest[3:13])
    assert (rest[0], rest[1], rest[2]) == ({}, {"addr": ("127.0.0.1", port)}, {})
    assert rest[12] == {"client": client, "reason": "bye"}
    assert rest[13:] == [{"reason": "method"}, {}, {"reason": "servershutdown", "join": True, "timeout": 1}]
    peer.close()


def decoded(frame: bytes) -> tuple[int, Any]:
    length, pid, _ = struct.unpack("!IIH", frame[:10])
    assert length == len(frame) - 4
    return pid, msgpack.unpackb(frame[10:])


def registry(peer: Any) -> dict[str, int]:
    return {name: pid for pid, name in peer.registry.reg_int_str.items()}


def test_a_session_as_the_client_sees_it(net: Net, peng: Peng) -> None:
    server = net.server(packets={"t:echo": Echo})
    client = net.client(server, peng=peng, packets={"t:echo": Recorder})
    data = {"a": 1}
    client.send_message("t:echo", data)
    eventually(lambda: len(peng.data_of("client.recv")) == 3)
    client.close_connection(reason="enough")
    client.wait_for_close(WAIT)
    client.stop()
    assert peng.names() == [
        "client.initialize",
        "client.connect",
        "client.start",
        "client.recv",
        "client.send",
        "client.recv",
        "client.send",
        "client.handshakecomplete",
        "client.send",
        "client.recv",
        "client.send",
        "client.close",
        "client.stop",
        "client.interrupt",
    ]
    for _, event in peng.events:
        assert event["peng"] is peng
        assert event["client"] is client
    rest = [{k: v for k, v in data.items() if k not in ("peng", "client")} for _, data in peng.events]
    assert rest[1] == {"addr": client.addr, "sock": client.sock}
    assert rest[4] == {"pid": "peng3dnet:internal.settype", "data": {"conntype": "classic"}}
    assert rest[6] == {"pid": "peng3dnet:internal.handshake.accept", "data": {"success": True}}
    assert rest[8] == {"pid": "t:echo", "data": data}
    assert rest[8]["data"] is data
    assert rest[9] == {"pid": 64, "msg": data}
    assert rest[10] == {"pid": "peng3dnet:internal.closeconn", "data": {"reason": "enough"}}
    assert rest[11:] == [{"reason": "enough"}, {"reason": "method"}, {}]


def test_events_come_in_the_thread_that_processes(net: Net) -> None:
    import threading

    class Threads(Peng):
        def sendEvent(self, event: str, data: dict[str, Any]) -> None:
            super().sendEvent(event, {**data, "thread": threading.current_thread()})

    peng = Threads()
    server = net.server(peng=peng, process=False)
    peer = RawPeer.connect(server.sock.getsockname())
    while not peng.data_of("server.connection.handshakecomplete"):
        server.process(True, WAIT)
    assert {data["thread"] for _, data in peng.events} == {threading.current_thread()}
    peer.close()


@pytest.mark.parametrize(("cfg", "with_peng"), [({"net.events.enable": False}, True), ({"net.events.enable": True}, False)])
def test_no_events(net: Net, peng: Peng, cfg: dict[str, Any], with_peng: bool) -> None:
    server = net.server(peng=peng if with_peng else None, cfg=cfg)
    net.client(server)
    assert peng.events == []


def test_a_handler_of_events_that_raises_stops_nothing(net: Net, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Peng):
        def sendEvent(self, event: str, data: dict[str, Any]) -> None:
            super().sendEvent(event, data)
            raise RuntimeError("my own fault")

    peng = Broken()
    server = net.server(peng=peng, packets={"t:echo": Echo})
    client = net.client(server, packets={"t:echo": Recorder})
    client.send_message("t:echo", 1)
    eventually(lambda: client.registry.getObj("t:echo").received)
    assert "my own fault" in caplog.text


def test_a_handler_may_send_to_the_client_of_its_event(net: Net) -> None:
    """The reference deadlocks here: it sends server.interrupt under the lock that sending needs."""

    class Sending(Peng):
        def sendEvent(self, event: str, data: dict[str, Any]) -> None:
            super().sendEvent(event, data)
            if event.endswith(("handshakecomplete", "interrupt")):
                for cid in data["server"].clients:
                    data["server"].send_message("t:a", event, cid)

    server = net.server(peng=Sending(), packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.interrupt()
    packet = client.registry.getObj("t:a")
    eventually(lambda: len(packet.received) == 2)
    assert sorted(packet.messages())[1] == "peng3dnet:server.interrupt"


@pytest.mark.parametrize("assigned", [False, True])
def test_a_send_event_of_ones_own_gets_all_of_them(net: Net, assigned: bool) -> None:
    class Listening(peng3dnet.Server):
        def sendEvent(self, event: str, data: dict[str, Any] | None = None) -> None:
            seen.append((event, data))
            super().sendEvent(event, data)

    seen: list[tuple[str, Any]] = []
    server = net.server(kind=peng3dnet.Server if assigned else Listening, packets={"t:a": Recorder}, run=False)
    if assigned:
        server.sendEvent = lambda event, data=None: seen.append((event, data))
    server.runAsync()
    server.process_async()
    net.client(server, packets={"t:a": Recorder}).send_message("t:a", 1)
    eventually(lambda: seen[-1][0] == "peng3dnet:server.connection.recv" and seen[-1][1]["pid"] == 64)
    assert seen[:3] == [
        ("peng3dnet:server.initialize", {}),
        ("peng3dnet:server.bind", {"addr": server.sock.getsockname()}),
        ("peng3dnet:server.start", {}),
    ]


@pytest.mark.parametrize("place", ["object", "our class"])
@pytest.mark.parametrize("side", ["server", "client"])
def test_a_send_event_of_ones_own_may_come_and_go_at_any_time(
    net: Net, monkeypatch: pytest.MonkeyPatch, side: str, place: str
) -> None:
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    peer, other = (server, client) if side == "server" else (client, server)
    seen: list[tuple[str, int]] = []

    def listen(*arguments: Any) -> None:  # peng3dnet calls it so, too
        event, data = arguments[-2:]
        seen.append((event.rpartition(".")[2], data["pid"]))

    def exchange(number: int) -> None:
        for one in (peer, other):
            one.send_message("t:a", number, *server.clients if one is server else ())
        for one in (peer, other):
            packet = one.registry.getObj("t:a")
            eventually(lambda packet=packet: packet.messages() == list(range(number + 1)))

    exchange(0)
    with monkeypatch.context() as patched:
        patched.setattr(peer if place == "object" else type(peer), "sendEvent", listen, raising=False)
        exchange(1)
        eventually(lambda: sorted(seen) == [("recv", 64), ("send", "t:a")])
    exchange(2)
    assert len(seen) == 2


@pytest.mark.parametrize("side", ["server", "client"])
def test_what_a_send_calls_and_in_which_order(net: Net, side: str) -> None:
    class Watched(peng3dnet.conntypes.ClassicConnectionType):
        def send(self, data: Any, pid: Any, cid: int | None) -> bool:
            steps.append("type")
            return False

    class Sent(peng3dnet.packet.Packet):
        def send(self, msg: Any, cid: int | None = None) -> None:
            steps.append("packet")

    class Listening(Peng):
        def sendEvent(self, event: str, data: dict[str, Any]) -> None:
            if data.get("pid") == "t:a":
                steps.append(event)

    steps: list[str] = []
    server = net.server(packets={"t:a": Sent}, peng=Listening())
    client = net.client(server, packets={"t:a": Sent}, peng=Listening())
    sender, target = (server, server.clients[1]) if side == "server" else (client, client)
    sender.conntypes["classic"] = Watched(sender)
    target.on_send = lambda ptype, msg: steps.append("hook")
    sender.send_message("t:a", "hi", 1)
    event = "peng3dnet:server.connection.send" if side == "server" else "peng3dnet:client.send"
    assert steps == ["type", "hook", event, "packet"]


def test_events_of_ones_own(peng: Peng) -> None:
    server = peng3dnet.Server(peng)
    server.sendEvent("game:x", {"a": 1})
    server.sendEvent("game:y")
    client = peng3dnet.Client(peng)
    client.sendEvent("game:z", {})
    assert peng.events == [
        ("game:x", {"a": 1, "peng": peng, "server": server}),
        ("game:y", {"peng": peng, "server": server}),
        ("game:z", {"peng": peng, "client": client}),
    ]


@pytest.mark.parametrize("side", ["server", "client"])
def test_debug_prints(net: Net, capsys: pytest.CaptureFixture[str], side: str) -> None:
    cfg = {f"net.debug.print.{kind}": True for kind in ("recv", "send", "connect", "close")}
    server = net.server(packets={"t:echo": Echo}, cfg=cfg if side == "server" else None)
    client = net.client(server, packets={"t:echo": Recorder}, cfg=cfg if side == "client" else None)
    client.send_message("t:echo", 1)
    eventually(lambda: client.registry.getObj("t:echo").received)
    client.close_connection(reason="enough")
    client.wait_for_close(WAIT)
    eventually(lambda: not server.clients)
    lines = [line for line in capsys.readouterr().out.splitlines() if "internal" not in line]
    if side == "server":
        assert lines[:2] == ["HELLO 1", "SEND t:echo to 1"]
        assert lines[2].startswith("RECV t:echo ")
        assert lines[3:] == ["CLOSE 1 because of enough"]
    else:
        assert lines == ["HELLO", "SEND t:echo", "RECV t:echo", "CLOSE because enough"]
