"""Packets with rules, and connection types, on real connections."""

from __future__ import annotations

from typing import Any

import pytest
from harness import WAIT, Net, Peng, Recorder, eventually
from rawpeer import RawPeer

import pengbridge as peng3dnet
from pengbridge import conntypes, packet


class Smart(packet.SmartPacket):
    """Keeps what its hooks see."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.received: list[Any] = []
        self.sent: list[Any] = []

    def receive(self, msg: Any, cid: int | None = None) -> None:
        self.received.append(msg)

    def send(self, msg: Any, cid: int | None = None) -> None:
        self.sent.append(msg)


def smart(**attributes: Any) -> type[Smart]:
    return type("Rule", (Smart,), attributes)


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ({}, True),
        ({"side": peng3dnet.SIDE_SERVER}, True),
        ({"side": peng3dnet.SIDE_CLIENT}, False),
        ({"state": 65}, False),
        ({"mode": 0}, True),
        ({"mode": 4}, False),
        ({"conntype": "classic"}, True),
        ({"conntype": "ping"}, False),
    ],
)
def test_26_rules_on_receiving_and_sending(net: Net, rule: dict[str, Any], passes: bool) -> None:
    server = net.server(packets={"t:rule": smart(**rule), "t:end": Recorder})
    client = net.client(server, packets={"t:rule": smart(**rule), "t:end": Recorder})
    client.send_message("t:rule", "hi")
    client.send_message("t:end", None)
    eventually(lambda: server.registry.getObj("t:end").received)
    assert client.registry.getObj("t:rule").sent == (["hi"] if passes else [])
    assert server.registry.getObj("t:rule").received == (["hi"] if passes else [])
    eventually(lambda: server.clients and server.clients[1].state == 64)


def test_a_refused_packet_goes_out_all_the_same(net: Net) -> None:
    server = net.server(packets={"t:rule": Recorder})
    client = net.client(server, packets={"t:rule": smart(state=65)})
    client.send_message("t:rule", "hi")
    eventually(lambda: server.registry.getObj("t:rule").messages() == ["hi"])


def test_strict_send_holds_it_back(net: Net) -> None:
    server = net.server(packets={"t:rule": Recorder, "t:end": Recorder})
    rules = {"t:rule": smart(state=65), "t:end": Recorder}
    client = net.client(server, packets=rules, cfg={"net.rules.strict_send": True})
    client.send_message("t:rule", "hi")
    client.remote_state = 65
    client.send_message("t:rule", "logged in")
    client.send_message("t:end", None)
    eventually(lambda: server.registry.getObj("t:end").received)
    assert server.registry.getObj("t:rule").messages() == ["logged in"]


@pytest.mark.parametrize("sender", ["server", "client"])
def test_28_close_instead_of_sending(net: Net, sender: str) -> None:
    server = net.server(packets={"t:rule": smart(state=65, invalid_action="close")})
    peer = net.client(server, packets={"t:rule": smart(state=65, invalid_action="close")})
    eventually(lambda: server.clients and server.clients[1].state == 64)
    if sender == "client":
        peer.send_message("t:rule", "hi")
    else:
        server.send_message("t:rule", "hi", 1)
    peer.wait_for_close(WAIT)
    assert peer._close_reason == "smartpacketinvalid"
    eventually(lambda: not server.clients)
    for side in (server, peer):
        assert side.registry.getObj("t:rule").received == []


def test_close_instead_of_receiving(net: Net) -> None:
    server = net.server(packets={"t:rule": smart(mode=4, invalid_action="close")})
    peer = RawPeer.connect(server.sock.getsockname())
    peer.send(64, "hi")
    assert peer.receive_until(16) == {"reason": "smartpacketinvalid"}
    peer.close()


def test_27_another_invalid_action_is_an_error(net: Net) -> None:
    server = net.server(packets={"t:rule": smart(state=65, invalid_action="explode")})
    client = net.client(server, packets={"t:rule": smart(state=65, invalid_action="explode")})
    with pytest.raises(peng3dnet.InvalidSmartPacketActionError, match="explode"):
        client.send_message("t:rule", "hi")


def test_states_of_the_application(net: Net) -> None:
    server = net.server(packets={"t:rule": smart(state=65)})
    client = net.client(server, packets={"t:rule": smart(state=65)})
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.clients[1].state = client.remote_state = peng3dnet.STATE_LOGGEDIN
    server.clients[1].mode = client.mode = peng3dnet.MODE_CHAT
    client.send_message("t:rule", "hi")
    eventually(lambda: server.registry.getObj("t:rule").received == ["hi"])
    assert client.registry.getObj("t:rule").sent == ["hi"]


def test_what_hooks_on_the_server_see_is_the_frame(net: Net) -> None:
    seen: list[tuple[Any, ...]] = []

    class Watching(peng3dnet.ClientOnServer):
        def on_send(self, ptype: Any, msg: bytes) -> None:
            seen.append((ptype, msg))

    server = net.server(packets={"t:a": Smart}, clientcls=Watching)
    net.client(server, packets={"t:a": Smart})
    eventually(lambda: server.clients and server.clients[1].state == 64)
    server.send_message("t:a", 7, 1)
    frame = b"\0\0\0\x07\0\0\0\x40\0\0\x07"
    assert seen[-1] == ("t:a", frame)
    assert server.registry.getObj("t:a").sent == [frame]
    assert [ptype for ptype, _ in seen[:2]] == ["peng3dnet:internal.hello", "peng3dnet:internal.handshake"]


class Counting(conntypes.ClassicConnectionType):
    """A classic type that looks on, and keeps packets with "stop" from handlers."""

    def __init__(self, peer: Any) -> None:
        super().__init__(peer)
        self.calls: list[tuple[Any, ...]] = []

    def init(self, cid: int | None) -> None:
        super().init(cid)
        self.calls.append(("init", cid))

    def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
        self.calls.append(("receive", msg, pid, flags, cid))
        return msg == "stop"

    def send(self, data: Any, pid: Any, cid: int | None) -> bool:
        self.calls.append(("send", data if cid is None else len(data), pid, cid))
        return data == "stop"


def test_a_classic_type_of_ones_own(net: Net) -> None:
    server = net.server(run=False, packets={"t:a": Recorder})
    server.addConnType("mine", Counting(server))
    server.runAsync()
    server.process_async()
    client = net.client(server, packets={"t:a": Smart}, conntype="mine", run=False)
    client.addConnType("mine", Counting(client))
    client.runAsync()
    client.process_async()
    client.wait_for_connection(WAIT)
    client.send_message("t:a", "stop")
    client.send_message("t:a", "go")
    packets = server.registry.getObj("t:a")
    eventually(lambda: packets.received)
    assert packets.messages() == ["go"]
    assert client.registry.getObj("t:a").sent == ["go"]
    assert client.conntypes["mine"].calls == [("init", None), ("send", "stop", "t:a", None), ("send", "go", "t:a", None)]
    server.send_message("t:a", 1, 1)
    assert server.conntypes["mine"].calls == [
        ("init", 1),
        ("receive", "stop", 64, 0, 1),
        ("receive", "go", 64, 0, 1),
        ("send", 11, "t:a", 1),
    ]
    assert server.clients[1].conntype == client.conntype == "mine"


class Raw(conntypes.ConnectionType):
    """A type without a handshake, whose packets need no registration."""

    def __init__(self, peer: Any) -> None:
        super().__init__(peer)
        self.received: list[tuple[int, Any]] = []

    def init(self, cid: int | None) -> None:
        if cid is None:
            self.peer.remote_state = peng3dnet.STATE_ACTIVE
        else:
            self.peer.clients[cid].state = peng3dnet.STATE_ACTIVE

    def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
        self.received.append((pid, msg))
        if cid is not None:
            self.peer.send_message(pid + 1, msg, cid)
        return True


def test_a_type_without_a_handshake(net: Net) -> None:
    server = net.server(run=False)
    server.addConnType("raw", Raw(server))
    server.runAsync()
    server.process_async()
    client = net.client(server, conntype="raw", run=False)
    client.addConnType("raw", Raw(client))
    client.runAsync()
    client.process_async()
    client.wait_for_connection(WAIT)
    client.send_message(1000, "hi")
    eventually(lambda: client.conntypes["raw"].received == [(1001, "hi")])
    assert server.conntypes["raw"].received == [(1000, "hi")]


class Password(conntypes.ConnectionType):
    """A handshake of its own: the server asks, the client answers, and both sides are active if the answer is right."""

    ASK, ANSWER, WELCOME = 70, 71, 72

    def init(self, cid: int | None) -> None:
        if cid is not None:
            self.peer.send_message(self.ASK, "the password?", cid)

    def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
        if pid == self.ASK:
            self.peer.send_message(self.ANSWER, self.peer.password)
        elif pid == self.WELCOME:
            self.peer.on_handshake_complete()
        elif pid != self.ANSWER:
            return False
        elif msg == "please":
            self.peer.send_message(self.WELCOME, None, cid)
            self.peer.clients[cid].on_handshake_complete()
        else:
            self.peer.close_connection(cid, "wrong password")
        return True


def test_a_type_with_a_handshake_of_its_own(net: Net) -> None:
    def join(password: str) -> tuple[Any, Peng]:
        peng = Peng()
        client = net.client(server, packets={"t:rule": Smart}, conntype="password", peng=peng, run=False)
        client.addConnType("password", Password(client))
        client.password = password
        client.runAsync()
        client.process_async()
        return client, peng

    peng = Peng()
    server = net.server(packets={"t:rule": smart(conntype="password")}, peng=peng)
    server.addConnType("password", Password(server))
    client, at_client = join("please")
    client.wait_for_connection(WAIT)
    client.send_message("t:rule", "hi")
    eventually(lambda: server.registry.getObj("t:rule").received == ["hi"])
    server.send_message("t:rule", "ho", 1)
    eventually(lambda: client.registry.getObj("t:rule").received == ["ho"])
    assert peng.names().count("server.connection.handshakecomplete") == 1
    assert at_client.names().count("client.handshakecomplete") == 1
    stranger, _ = join("let me in")
    with pytest.raises(peng3dnet.ConnectionFailedError) as caught:
        stranger.wait_for_connection(WAIT)
    assert caught.value.reason == "wrong password"


def test_a_type_may_be_added_while_the_server_runs(net: Net) -> None:
    server = net.server()
    server.addConnType("raw", Raw(server))
    peer = RawPeer.connect(server.sock.getsockname(), conntype="raw")
    peer.send(1000, "hi")
    assert peer.receive_until(1001) == "hi"
    peer.close()
    with pytest.raises(peng3dnet.AlreadyRegisteredError):
        server.addConnType("raw", Raw(server))


def test_a_connection_may_change_its_type(net: Net) -> None:
    """What a program sets takes effect for the very next packet: here, that ids need no registration any more."""

    class Raw(conntypes.ConnectionType):
        def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
            came.append((cid, pid, msg))
            return True

    class Switch(packet.Packet):
        def receive(self, msg: Any, cid: int | None = None) -> None:
            if cid is None:
                self.peer.target_conntype = "raw"
                self.peer.send_message(999, "from the client")
                return
            self.peer.send_message("t:switch", None, cid)
            self.peer.clients[cid].conntype = "raw"
            self.peer.send_message(998, "from the server", cid)

    came: list[Any] = []
    server = net.server(packets={"t:switch": Switch})
    client = net.client(server, packets={"t:switch": Switch})
    for peer in (server, client):
        peer.addConnType("raw", Raw(peer))
    client.send_message("t:switch", None)
    eventually(lambda: len(came) == 2)
    assert sorted(came, key=str) == [(1, 999, "from the client"), (None, 998, "from the server")]
    server.clients[1].conntype = "classic"
    with pytest.raises(KeyError):
        server.send_message(998, "too late", 1)


@pytest.mark.parametrize("value", ["lobby", None, -1, 1 << 32, 128])
def test_modes_and_states_may_be_anything(net: Net, value: Any) -> None:
    """Only Python compares them; what the sidecar cannot know is not told."""
    server = net.server(packets={"t:rule": smart(mode=value, state=value)})
    client = net.client(server, packets={"t:rule": Recorder})
    for name in ("state", "mode"):
        setattr(server.clients[1], name, value)
    client.mode = value
    client.send_message("t:rule", "hi")
    eventually(lambda: server.registry.getObj("t:rule").received == ["hi"])


def test_rules_of_ones_own(net: Net) -> None:
    """On a client, _receive and _send get the message alone, as in peng3dnet."""

    class Checked(Smart):
        def _receive(self, *args: Any) -> None:
            seen.append((self.peer.side, "receive", args))
            super()._receive(*args)

        def _send(self, *args: Any) -> Any:
            seen.append((self.peer.side, "send", args))
            return super()._send(*args)

    seen: list[Any] = []
    server = net.server(packets={"t:a": Checked})
    client = net.client(server, packets={"t:a": Checked})
    client.send_message("t:a", "hi")
    eventually(lambda: server.registry.getObj("t:a").received)
    server.send_message("t:a", "ho", 1)
    eventually(lambda: client.registry.getObj("t:a").received)
    assert seen == [
        (0, "send", ("hi",)),
        (1, "receive", ("hi", 1)),
        (1, "send", (b"\0\0\0\x09\0\0\0\x40\0\0\xa2ho", 1)),
        (0, "receive", ("ho",)),
    ]


@pytest.mark.parametrize(("state", "passes"), [(64, True), (65, False)])
def test_a_rule_says_whether_it_let_the_packet_pass(state: int, passes: bool) -> None:
    """Programs go on in their own _receive and _send as super() says."""
    client = peng3dnet.Client()
    client.remote_state = state
    rule = Smart(client.registry, client)
    assert rule._receive("hi") is passes
    assert rule._send("ho") is passes
    assert (rule.received, rule.sent) == ((["hi"], ["ho"]) if passes else ([], []))


def test_hooks_of_mixins_run_in_alphabetical_order(net: Net) -> None:
    order: list[str] = []

    class Mixed(peng3dnet.Server):
        _reg_packets_data = "no hook: it is not callable"

        def _reg_packets_b(self) -> None:
            order.append("packets b")
            self.register_packet("t:mixed", Recorder(self.registry, self))

        def _reg_packets_a(self) -> None:
            order.append("packets a")

        def _reg_conntypes_x(self) -> None:
            order.append(f"conntypes with {sorted(self.conntypes)}")
            self.addConnType("raw", Raw(self))

    server = net.server(kind=Mixed)
    server.initialize()
    assert order == ["packets a", "packets b", "conntypes with ['classic']"]
    peer = RawPeer.connect(server.sock.getsockname())
    peer.send(64, "hi")
    eventually(lambda: server.registry.getObj("t:mixed").messages() == ["hi"])
    peer.close()


def test_print_packet(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    for side, cid in ((net.server(run=False), 3), (peng3dnet.Client(), None)):
        packet.PrintPacket(side.registry, side).receive({"a": 1}, cid)
    assert capsys.readouterr().out == "[SERVER] Received message from 3: {'a': 1}\n[CLIENT] Received message {'a': 1}\n"
