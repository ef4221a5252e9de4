"""Pings: with the mixins, and with the raw packets."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest
from harness import WAIT, Net, Peng, Recorder, eventually
from rawpeer import Listener, RawPeer

import pengbridge as peng3dnet
from pengbridge.ext import ping


class PingServer(ping.PingableServerMixin, peng3dnet.Server):
    pingdata = {"motd": "hello", "players": "overridden"}

    def getPingData(self, msg: Any, cid: int) -> dict[str, Any]:
        return {"players": 3, "cid": cid}


def test_ping(net: Net) -> None:
    server = net.server(kind=PingServer)
    data = {"who": "me"}
    before = time.time()
    pong = ping.pingServer(addr=server.sock.getsockname(), data=data)
    assert data == {"who": "me"}
    assert {key: pong[key] for key in ("motd", "players", "cid")} == {"motd": "hello", "players": "overridden", "cid": 1}
    assert list(pong)[:1] == ["oldmsg"]
    assert pong["oldmsg"]["who"] == "me"
    assert before <= pong["oldmsg"]["time"] <= pong["recvtime"]
    assert 0 < pong["delay"] < WAIT
    assert pong["peng3dnet"] == {"version": "0.2.0", "release": "0.2.0", "protoversion": 2}


def test_12_a_ping_leaves_nothing_behind(net: Net) -> None:
    server = net.server(kind=PingServer)
    ping.pingServer(addr=server.sock.getsockname())
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        ping.pingServer(addr=server.sock.getsockname())
    eventually(lambda: threading.active_count() <= threads)
    assert len(os.listdir("/proc/self/fd")) <= files


def test_23_the_server_learns_that_the_ping_is_complete(net: Net) -> None:
    peng = Peng()
    server = net.server(kind=PingServer, peng=peng)
    ping.pingServer(addr=server.sock.getsockname())
    eventually(lambda: peng.data_of("server.connection.close"))
    assert peng.names()[3:] == [
        "server.connection.accept",
        "server.connection.send",
        "server.connection.recv",
        "server.connection.recv",
        "server.connection.close",
    ]
    assert peng.data_of("server.connection.recv")[1]["msg"] == {"reason": "pingcomplete"}
    assert peng.data_of("server.connection.close")[0]["reason"] == "pingcomplete"


def test_any_number_of_pings_on_one_connection(net: Net) -> None:
    server = net.server(kind=PingServer)
    peer = RawPeer.connect(server.sock.getsockname(), conntype="ping")
    for number in range(3):
        peer.send(64, number)
        assert peer.receive_until(65)["oldmsg"] == number
    assert server.clients[1].mode == peng3dnet.MODE_PING
    peer.close()


def test_a_request_whose_answer_fails_is_not_taken_for_a_packet_with_its_id(
    net: Net, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(PingServer):
        def getPingData(self, msg: Any, cid: int) -> dict[str, Any]:
            raise LookupError("no data")

    server = net.server(packets={"t:first": Recorder}, kind=Failing)
    assert server.registry.getInt("t:first") == 64
    peer = RawPeer.connect(server.sock.getsockname(), conntype="ping")
    peer.send(64, {})
    peer.send(65, {})
    assert peer.receive_until(16) == {"reason": "pinginvalidside"}
    assert "no data" in caplog.text
    assert server.registry.getObj("t:first").messages() == []
    peer.close()


@pytest.mark.parametrize(("pid", "reason"), [(65, "pinginvalidside"), (70, "invalidpingpacket")])
def test_24_other_packets_end_the_ping(net: Net, pid: int, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    server = net.server(kind=PingServer)
    peer = RawPeer.connect(server.sock.getsockname(), conntype="ping")
    peer.send(pid, {})
    assert peer.receive_until(16) == {"reason": reason}
    assert caplog.text == ""
    peer.close()


def test_24_a_request_to_a_client_ends_the_ping(net: Net, listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    client = net.client(listener.address, kind=ping._PingClient, conntype="ping", run=False)
    client.setPingData({"time": "__AUTO__"})
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    peer.send(1, {"version": "0.2.0", "protoversion": 2})
    assert peer.receive() == (2, {"conntype": "ping"})
    assert peer.receive()[0] == 64
    peer.send(64, {})
    assert peer.receive() == (16, {"reason": "pinginvalidside"})
    client.wait_for_close(WAIT)
    with pytest.raises(ping.errors.FailedPingError):
        client.wait_for_pong(WAIT)
    assert caplog.text == ""
    peer.close()


def test_22_a_server_without_pings_says_so(net: Net) -> None:
    server = net.server()
    with pytest.raises(ping.errors.FailedPingError, match="unknownconntype"):
        ping.pingServer(addr=server.sock.getsockname(), timeout=WAIT)


def test_a_ping_that_is_refused_fails_at_once(net: Net) -> None:
    server = net.server()
    address = server.sock.getsockname()
    server.stop()
    server.join(WAIT)
    with pytest.raises(ping.errors.FailedPingError, match="connection refused"):  # and not: timed out
        ping.pingServer(addr=address, timeout=WAIT)


@pytest.mark.parametrize("end", ["refused", "closed", "stopped"])
def test_who_waits_for_a_pong_without_a_limit_is_told_that_none_will_come(net: Net, listener: Listener, end: str) -> None:
    class Mine(ping.PingableClientMixin, peng3dnet.Client):
        """Goes without pingServer."""

    def wait() -> None:
        with pytest.raises(ping.errors.FailedPingError, match="The connection failed"):
            client.wait_for_pong()
        told.set()

    told = threading.Event()
    client = net.client(listener.address, kind=Mine, conntype="ping", run=False)
    client.setPingData({"time": 0})
    threading.Thread(target=wait, daemon=True).start()
    if end == "refused":
        listener.close()
    client.runAsync()
    client.process_async()
    if end == "stopped":
        client.stop()
    elif end == "closed":
        peer = listener.accept()
        peer.send(1, {"version": "0.2.0", "protoversion": 2})
        assert peer.receive_until(64) == {"time": 0}
        peer.close()
    assert told.wait(WAIT)


def test_a_ping_that_is_not_answered_times_out(net: Net) -> None:
    server = net.server(kind=PingServer, process=False)
    with pytest.raises(ping.errors.FailedPingError):
        ping.pingServer(addr=server.sock.getsockname(), timeout=0.1)


def test_a_client_of_ones_own(net: Net) -> None:
    pongs = []

    class Mine(ping.PingableClientMixin, peng3dnet.Client):
        def on_pong(self, data: dict[str, Any]) -> None:
            pongs.append(data["motd"])

    server = net.server(kind=PingServer)
    ping.pingServer(addr=server.sock.getsockname(), clientcls=Mine)
    assert pongs == ["hello"]


def test_pings_and_players_share_a_server(net: Net) -> None:
    server = net.server(kind=PingServer, packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    ping.pingServer(addr=server.sock.getsockname())
    client.send_message("t:a", 1)
    eventually(lambda: server.registry.getObj("t:a").received)
