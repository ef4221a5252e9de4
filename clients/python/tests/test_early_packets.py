"""Packets that the sidecar does not accept: their rules decide where they have some, as in peng3dnet."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from harness import Net, Peng, Recorder, eventually
from rawpeer import Listener, RawPeer

import pengbridge as peng3dnet


class Smart(Recorder, peng3dnet.packet.SmartPacket):
    """A packet with the usual rule, that keeps what comes in."""


class Closing(Smart):
    invalid_action = "close"


class Early(Smart):
    state = peng3dnet.STATE_HANDSHAKE_WAIT1


class Watched(peng3dnet.ClientOnServer):
    """Keeps what on_receive was called with, on the server."""

    def on_receive(self, ptype: int, msg: Any) -> None:
        if ptype >= 64:
            self.server.registry.watched.append((ptype, msg))


def in_handshake(server: Any) -> RawPeer:
    """A client that has announced its type, and not answered the handshake."""
    peer = RawPeer.connect(server.sock.getsockname(), conntype=None)
    peer.send(2, {"conntype": "classic"})
    peer.receive_until(3)
    return peer


@pytest.mark.parametrize(("kind", "received"), [(Recorder, ["early"]), (Early, ["early"]), (Smart, [])])
def test_a_packet_before_the_end_of_the_handshake(net: Net, peng: Peng, kind: Any, received: list[str]) -> None:
    server = net.server(packets={"t:a": kind}, clientcls=Watched, peng=peng)
    server.registry.watched = []
    peer = in_handshake(server)
    peer.send(64, "early")
    peer.send(4, {"success": True})
    eventually(lambda: server.clients and server.clients[1].state == 64)
    assert server.registry.getObj("t:a").messages() == received
    # Also those that a rule ignores are shown.
    assert server.registry.watched == [(64, "early")]
    assert [data["msg"] for data in peng.data_of("server.connection.recv") if data["pid"] == 64] == ["early"]
    assert server.receives_discarded == 0
    peer.close()


def test_a_packet_before_the_end_of_the_handshake_may_close_the_connection(net: Net) -> None:
    server = net.server(packets={"t:a": Closing})
    peer = in_handshake(server)
    peer.send(64, {"early": 1})
    assert peer.receive() == (16, {"reason": "smartpacketinvalid"})
    assert peer.receive() == (-1, None)
    assert server.registry.getObj("t:a").received == []
    peer.close()


def test_packets_without_a_handler_are_counted_and_told_once(net: Net, caplog: pytest.LogCaptureFixture) -> None:
    server = net.server(packets={"t:a": Recorder})
    with caplog.at_level(logging.WARNING):
        first, second = (RawPeer.connect(server.sock.getsockname()) for _ in range(2))
        for peer in (first, second, first):
            peer.send(99, "what is this?")
            peer.send(64, "and on it goes")
        packet = server.registry.getObj("t:a")
        eventually(lambda: len(packet.received) == 3)
    assert server.receives_discarded == 3
    told = [record.getMessage() for record in caplog.records]
    assert sorted(told) == [
        f"packet 99 from {cid} is of no registered type; it, and others like it, are passed over" for cid in (1, 2)
    ]
    first.close()
    second.close()


def test_a_packet_before_the_type_is_known_has_no_handler(net: Net, caplog: pytest.LogCaptureFixture) -> None:
    server = net.server(packets={"t:a": Recorder})
    peer = RawPeer.connect(server.sock.getsockname(), conntype=None)
    with caplog.at_level(logging.WARNING):
        peer.send(64, "too early")
        peer.send(2, {"conntype": "classic"})
        peer.receive_until(3)
        peer.send(4, {"success": True})
        peer.send(64, "in time")
        packet = server.registry.getObj("t:a")
        eventually(lambda: packet.received)
    assert packet.messages() == ["in time"]
    assert server.receives_discarded == 1
    assert "packet t:a from 1 came before the type" in caplog.text
    peer.close()


def test_a_second_type_changes_nothing(net: Net, peng: Peng) -> None:
    server = net.server(packets={"t:a": Recorder}, peng=peng)
    peer = RawPeer.connect(server.sock.getsockname())
    peer.send(2, {"conntype": "strange"})
    peer.send(64, "still classic")
    eventually(lambda: server.registry.getObj("t:a").received)
    assert (server.clients[1].conntype, server.clients[1].state) == ("classic", 64)
    assert [data["pid"] for data in peng.data_of("server.connection.recv")][:3] == [2, 4, 2]
    peer.close()


def test_a_client_gets_early_packets_too(net: Net, listener: Listener, peng: Peng) -> None:
    client = net.client(listener.address, packets={"t:a": Recorder, "t:smart": Smart}, peng=peng, run=False)
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    peer.send(64, "before the hello")
    peer.send(1, {"version": "0.2.0", "protoversion": 2})
    peer.send(64, "early")
    peer.send(65, "early")
    peer.send(1, {"version": "0.2.0", "protoversion": 2, "again": True})
    peer.send(66, "unknown")
    eventually(lambda: client.receives_discarded == 1)
    assert client.registry.getObj("t:a").messages() == ["before the hello", "early"]
    assert client.registry.getObj("t:smart").messages() == []
    assert [data["pid"] for data in peng.data_of("client.recv")] == [64, 1, 64, 65, 1]
    assert [data["pid"] for data in peng.data_of("client.send")] == ["peng3dnet:internal.settype"]
    assert client.remote_state == peng3dnet.STATE_HANDSHAKE_WAIT1
    peer.close()
