"""A client as programs use it, with the real sidecar behind it."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import pytest
from harness import WAIT, Echo, Net, Recorder, eventually, register
from rawpeer import Listener, RawPeer

import pengbridge as peng3dnet
from pengbridge import _options, _own_packets


def handshake(peer: RawPeer, registry: dict[str, int]) -> None:
    internals = {name: pid for pid, name in _own_packets.NAMES.items()}
    peer.send(1, {"version": "0.2.0", "protoversion": 2})
    assert peer.receive() == (2, {"conntype": "classic"})
    peer.send(3, {"version": "0.2.0", "protoversion": 2, "registry": {**registry, **internals}})
    assert peer.receive() == (4, {"success": True})


def test_states_on_the_way(net: Net, listener: Listener) -> None:
    client = net.client(listener.address, run=False)
    assert (client.remote_state, client.conntype) == (0, "_notset")
    client.runAsync()
    peer = listener.accept()
    eventually(lambda: client.remote_state == 4)
    peer.send(1, {"version": "x", "protoversion": 2})
    eventually(lambda: (client.process(), client.remote_state)[1] == 1)
    assert client.conntype == "classic"
    assert peer.receive()[0] == 2
    peer.close()
    eventually(lambda: (client.process(), client.remote_state)[1] == 128)
    assert client.mode == 1


@pytest.mark.parametrize("ids", [(64, 65, 66), (66, 64, 65), (65, 64, 66), (66, 65, 64), (100, 7000, 64)])
def test_25_the_servers_ids_are_taken_over(net: Net, listener: Listener, ids: tuple[int, ...]) -> None:
    client = net.client(listener.address, packets={"a": Recorder, "b": Recorder, "c": Recorder}, run=False)
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    registry = dict(zip("abc", ids, strict=True))
    handshake(peer, registry)
    client.wait_for_connection(WAIT)
    assert {name: client.registry.getInt(name) for name in "abc"} == registry
    for name, pid in registry.items():
        client.send_message(name, name)
        assert peer.receive() == (pid, name)
        peer.send(pid, name)
        eventually(lambda name=name: client.registry.getObj(name).messages() == [name])
    peer.close()


@pytest.mark.parametrize(
    ("cfg", "reason"),
    [
        ({}, "packetregmismatch"),
        ({"net.registry.missingpacketaction": "ignore"}, None),
        ({"net.registry.autosync": False}, None),
    ],
)
def test_registries_with_different_names(net: Net, cfg: dict[str, Any], reason: str | None) -> None:
    server = net.server(packets={"a": Recorder, "echo": Echo})
    client = net.client(server, packets={"a": Recorder, "x": Recorder}, cfg=cfg, run=False)
    client.runAsync()
    client.process_async()
    if reason is None:
        client.wait_for_connection(WAIT)
        assert client.registry.getObj("x").obj == "x"
        client.send_message("a", 1)
        eventually(lambda: server.registry.getObj("a").messages() == [1])
        return
    with pytest.raises(peng3dnet.ConnectionFailedError) as caught:
        client.wait_for_connection(WAIT)
    assert caught.value.reason == reason
    assert 'the server lacks "x"; the client lacks "echo"' in str(caught.value)


def test_19_a_refused_handshake_wakes_the_waiter(net: Net, listener: Listener) -> None:
    client = net.client(listener.address, run=False)
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    peer.send(1, {"version": "9", "protoversion": 9})
    with pytest.raises(peng3dnet.TimedOutError, match="protoversionmismatch"):
        client.wait_for_connection(WAIT)
    assert peer.receive() == (16, {"reason": "protoversionmismatch"})
    peer.close()


@pytest.mark.parametrize(
    ("handshake", "reason"),
    [
        (None, "malformedpacket"),
        ([], "malformedpacket"),
        ({"protoversion": 2}, "malformedpacket"),
        ({"protoversion": 2, "registry": []}, "malformedpacket"),
        ({"protoversion": 9}, "protoversionmismatch"),
    ],
)
def test_an_odd_handshake_ends_the_connection(net: Net, listener: Listener, handshake: Any, reason: str) -> None:
    client = net.client(listener.address, run=False)
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    peer.send(1, {"version": "0.2.0", "protoversion": 2})
    peer.receive_until(2)
    peer.send(3, handshake)
    with pytest.raises(peng3dnet.ConnectionFailedError) as caught:
        client.wait_for_connection(WAIT)
    assert caught.value.reason is not None
    assert caught.value.reason.startswith(reason)
    peer.close()


def test_36_a_refused_connection_wakes_the_waiter(net: Net, listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    listener.close()
    client = net.client(listener.address, run=False)
    with caplog.at_level(logging.ERROR):
        client.runAsync()
        with pytest.raises(peng3dnet.ConnectionFailedError) as caught:
            client.wait_for_connection(WAIT)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert str(caught.value).count("cannot connect to {}:{}: connection refused".format(*listener.address)) == 1
    assert str(caught.value).count(str(listener.address[1])) == 1
    assert not client.run
    client.wait_for_close(WAIT)
    with pytest.raises(peng3dnet.SidecarError, match=r"the client is not running: .*connection refused"):
        client.send_message(64, 1)
    eventually(lambda: "cannot connect" in caplog.text)


def test_36_run_blocking_raises_what_a_socket_would(listener: Listener) -> None:
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        peng3dnet.Client(addr=listener.address).runBlocking()
    with pytest.raises(socket.gaierror, match=r"no-such-host\.invalid"):
        peng3dnet.Client(addr=("no-such-host.invalid", 1)).runBlocking()


def test_waiting_times_out(net: Net, listener: Listener) -> None:
    client = net.client(listener.address, run=False)
    client.runAsync()
    with pytest.raises(peng3dnet.TimedOutError):
        client.wait_for_connection(0.02)
    with pytest.raises(peng3dnet.TimedOutError):
        client.wait_for_close(0.02)
    listener.accept().close()


def test_hooks_may_be_assigned(net: Net) -> None:
    server = net.server(packets={"t:echo": Echo})
    client = net.client(server, packets={"t:echo": Recorder}, run=False)
    calls: list[tuple[Any, ...]] = []
    client.on_handshake_complete = lambda: calls.append(("handshake", client.remote_state))
    client.on_receive = lambda ptype, msg: calls.append(("receive", ptype, msg))
    client.on_send = lambda ptype, msg: calls.append(("send", ptype, msg))
    client.on_close = lambda reason=None: calls.append(("close", reason))
    client.runAsync()
    client.process_async()
    client.wait_for_connection(WAIT)
    data = {"a": 1}
    client.send_message("t:echo", data)
    eventually(lambda: calls[-1][0] == "receive" and calls[-1][1] == 64)
    client.close_connection(reason="enough")
    eventually(lambda: calls[-1][0] == "close")
    calls = [call for call in calls if call[:2] != ("receive", 3)]
    assert calls == [
        ("receive", 1, {"version": "0.2.0", "protoversion": 2}),
        ("send", "peng3dnet:internal.settype", {"conntype": "classic"}),
        ("send", "peng3dnet:internal.handshake.accept", {"success": True}),
        ("handshake", 64),
        ("send", "t:echo", data),
        ("receive", 64, data),
        ("send", "peng3dnet:internal.closeconn", {"reason": "enough"}),
        ("close", "enough"),
    ]
    assert calls[4][2] is data


def test_20_a_packet_for_a_closed_connection_is_reported(net: Net, listener: Listener) -> None:
    client = net.client(listener.address, packets={"a": Recorder}, run=False)
    failed: list[tuple[Any, ...]] = []
    client.on_send_error = lambda *args: failed.append(args)
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    handshake(peer, {"a": 64})
    client.wait_for_connection(WAIT)
    peer.close()
    client.wait_for_close(WAIT)
    client.send_message("a", 1)
    assert [(cid, ptype, error.reason) for cid, ptype, error in failed] == [(None, "a", "UNKNOWN_CONNECTION")]


def test_34_many_threads_may_send(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})

    def work(thread: int) -> None:
        for number in range(500):
            client.send_message("t:a", {"thread": thread, "number": number, "padding": "x" * 40})

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    packet = server.registry.getObj("t:a")
    eventually(lambda: len(packet.received) >= 2000)
    for thread in threads:
        thread.join()
    server.process()
    assert len(packet.received) == 2000
    for sender in range(4):
        assert [m["number"] for m in packet.messages() if m["thread"] == sender] == list(range(500))


def test_09_a_large_packet_arrives_whole(net: Net) -> None:
    server = net.server(packets={"t:echo": Echo}, cfg={"net.compress.enabled": False})
    client = net.client(server, packets={"t:echo": Recorder}, cfg={"net.compress.enabled": False})
    data = bytes(range(256)) * (15 << 12)
    client.send_message("t:echo", data)
    packet = client.registry.getObj("t:echo")
    eventually(lambda: packet.received)
    assert packet.messages() == [data]


def test_a_packet_beyond_the_limit_is_reported_where_it_is_sent(net: Net) -> None:
    server = net.server(packets={"t:echo": Echo})
    client = net.client(server, packets={"t:echo": Recorder}, cfg={"net.compress.enabled": False})
    failed: list[Any] = []
    client.on_send_error = lambda cid, ptype, error: failed.append(error)
    client.send_message("t:echo", b"\0" * (16 << 20))
    eventually(lambda: failed)
    assert "too large" in str(failed[0])
    with pytest.raises(peng3dnet.SidecarError) as caught:
        client.send_message("t:echo", b"\0" * (40 << 20))
    assert caught.value.reason == "PACKET_TOO_LARGE"
    client.send_message("t:echo", "and on it goes")
    eventually(lambda: client.registry.getObj("t:echo").messages() == ["and on it goes"])


def test_flush_returns_when_everything_is_out(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    for number in range(100):
        client.send_message("t:a", number)
    client.flush(WAIT)
    client.stop()
    client.join(WAIT)
    packet = server.registry.getObj("t:a")
    eventually(lambda: len(packet.received) == 100)


def test_what_was_sent_before_stop_arrives(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder})
    client = net.client(server, packets={"t:a": Recorder})
    for number in range(1000):
        client.send_message("t:a", number)
    client.stop()
    packet = server.registry.getObj("t:a")
    eventually(lambda: len(packet.received) == 1000)
    assert packet.messages() == list(range(1000))


def test_a_waiting_process_returns_as_soon_as_something_comes(net: Net) -> None:
    server = net.server(packets={"t:echo": Echo})
    client = net.client(server, packets={"t:echo": Recorder}, run=False)
    client.runAsync()

    def wait_without_a_limit() -> None:
        while client.remote_state != 64:
            client.process(wait=True)
        client.send_message("t:echo", 1)
        while not client.registry.getObj("t:echo").received:
            client.process(wait=True)

    waiting = threading.Thread(target=wait_without_a_limit, daemon=True)
    waiting.start()
    waiting.join(WAIT)
    assert not waiting.is_alive()
    assert client.process(wait=True, timeout=0.01) == 0


def test_who_sends_at_the_wrong_time_is_told_what_to_do(
    net: Net, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = net.client(listener.address, run=False)

    def sending(why: str) -> None:
        with pytest.raises(peng3dnet.SidecarError, match=f"the client is not running: {why}"):
            client.send_message(64, 1)

    client.register_packet("t:a", Recorder(client.registry, client))
    sending("start it, with runAsync")
    going_on = threading.Event()
    connect = client.connect
    monkeypatch.setattr(client, "connect", lambda: going_on.wait(WAIT) and connect())
    client.runAsync()
    sending("it is still connecting, for which wait_for_connection waits")
    going_on.set()
    listener.accept().close()
    client.stop()
    sending("it has ended")


def test_29_nothing_fails_before_the_start() -> None:
    client = peng3dnet.Client()
    assert client.addr == ("localhost", 8080)
    client.interrupt()
    client.close_connection(reason="nothing to close")
    client.pump_write_buffer()
    client.stop()
    client.join()
    client.runBlocking()
    with pytest.raises(peng3dnet.ConnectionFailedError):
        client.wait_for_connection(WAIT)


def test_names_are_right_before_the_handshake_is_seen(net: Net, listener: Listener) -> None:
    client = net.client(listener.address, packets={"a": Recorder, "b": Recorder}, run=False)
    client.runAsync()
    peer = listener.accept()
    handshake(peer, {"a": 65, "b": 64})
    client.send_message("a", "sent by name")
    assert peer.receive() == (65, "sent by name")
    peer.close()


def test_a_second_registration_takes_part_in_the_handshake(net: Net, listener: Listener) -> None:
    client = net.client(listener.address, packets={"a": Recorder}, run=False)
    client.runAsync()
    client.process_async()
    peer = listener.accept()
    eventually(lambda: client._endpoint is not None)
    register(client, {"b": Recorder})
    handshake(peer, {"b": 64, "a": 65})
    client.wait_for_connection(WAIT)
    assert (client.registry.getInt("a"), client.registry.getInt("b")) == (65, 64)
    peer.close()


def test_a_late_registration_takes_the_servers_id(net: Net) -> None:
    server = net.server(packets={"t:a": Recorder, "t:b": Recorder, "t:c": Echo})
    client = net.client(server, packets={"t:a": Recorder}, cfg={"net.registry.missingpacketaction": "ignore"})
    late = Recorder(client.registry, client)
    client.register_packet("t:c", late)
    assert client.registry.getInt("t:c") == 66
    client.send_message("t:c", "hi")
    eventually(lambda: late.messages() == ["hi"])


def test_a_client_that_is_stopped_while_it_connects_leaves_nothing(
    net: Net, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connecting, stopped = threading.Event(), threading.Event()
    options = _options.endpoint_options

    def held_up(peer: Any) -> Any:
        connecting.set()
        assert stopped.wait(WAIT)
        return options(peer)

    server = net.server()
    client = net.client(server, run=False)
    monkeypatch.setattr(_options, "endpoint_options", held_up)
    client.runAsync()
    client.process_async()
    assert connecting.wait(WAIT)
    client.stop()
    stopped.set()
    client.join(WAIT)
    assert [thread.name for thread in threading.enumerate()].count("pengbridge log") == 1  # the server's
    with pytest.raises(peng3dnet.ConnectionFailedError):
        client.wait_for_connection(WAIT)
    assert caplog.text == ""
