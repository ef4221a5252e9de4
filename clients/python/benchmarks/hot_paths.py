"""What a packet costs in Python: CPU time of the calling thread, without a sidecar.

python benchmarks/hot_paths.py
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from typing import Any

import pengbridge as peng3dnet
from pengbridge import _body, _outbox, _wire
from pengbridge.v1 import command_pb2, event_pb2, sidecar_service_pb2

BODY = {"text": "hello world", "n": 12, "pos": [1.0, 2.0, 3.0]}
BATCH = 1000
CLIENTS = 1000
ROUNDS = 5


class Sink:
    """An endpoint whose commands go nowhere."""

    def __init__(self) -> None:
        self.outbox = _outbox.Outbox(None, "", "", 1 << 24, lambda: True, lambda *_: None, lambda _: None)  # type: ignore[arg-type]

    def send(self, cid: int | None, packet: int | str, body: bytes, ptype: Any) -> None:
        self.outbox.put(_wire.send_prefix(cid or 0, packet, len(body)), body, cid, ptype)

    def put(self, command: command_pb2.Command, cid: int | None, ptype: Any) -> None:
        self.outbox.put(_wire.command(command), b"", cid, ptype)

    def acknowledge(self, sequence: int) -> None:
        pass

    def read_ahead(self) -> None:
        pass

    def gather(self) -> None:
        pass

    def release(self) -> None:
        pass

    def empty(self) -> None:
        self.outbox._waiting.clear()
        self.outbox._bytes = 0


def report(name: str, function: Callable[[], Any], sink: Sink, count: int, per_call: int = 1) -> None:
    best = float("inf")
    for _ in range(ROUNDS):
        sink.empty()
        best = min(best, timeit.timeit(function, number=count, timer=time.thread_time))
    print(f"{name:<32} {best / count / per_call * 1e9:6.0f} ns")


def main() -> None:
    sink = Sink()
    server, client = peng3dnet.Server(), peng3dnet.Client()
    client.conntype = "classic"
    for cid in range(1, CLIENTS + 1):
        on_server = server.clients[cid] = peng3dnet.ClientOnServer(server, None, ("", 0), cid)
        on_server._conntype, on_server._state = "classic", peng3dnet.STATE_ACTIVE
    for peer in (server, client):
        peer.register_packet("t:a", peng3dnet.packet.Packet(peer.registry, peer))
        peer.initialize()
        peer._endpoint = sink  # type: ignore[assignment]
    client._state = peng3dnet.STATE_ACTIVE
    client._in_sync = True

    encoder = _body.Encoder()
    body = encoder.encode(BODY)
    kind = event_pb2.EVENT_TYPE_SERVER_CONNECTION_RECV
    event = {"type": kind, "connection_id": 1, "packet_id": 64, "msgpack": body, "time_unix_nano": 1}
    events = [event_pb2.Event(sequence=number + 1, **event) for number in range(BATCH)]
    batch = sidecar_service_pb2.SubscribeResponse(events=events).SerializeToString()

    large_event = event_pb2.Event(sequence=1, **(event | {"msgpack": encoder.encode(bytes(1 << 20))}))
    large_batch = sidecar_service_pb2.SubscribeResponse(events=[large_event]).SerializeToString()

    def process(batch: bytes) -> None:
        server._handled = 0
        server._inbox.put_batch(batch)
        server.process()

    report("encode a body", lambda: encoder.encode(BODY), sink, 50_000)
    report("decode a body", lambda: _body.decode(body), sink, 50_000)
    report("client.send_message", lambda: client.send_message("t:a", BODY), sink, 50_000)
    report("server.send_message", lambda: server.send_message("t:a", BODY, 1), sink, 50_000)
    report("broadcast() for each client", lambda: server.broadcast("t:a", BODY), sink, 50, CLIENTS)
    report("process() for each packet", lambda: process(batch), sink, 30, BATCH)
    report("process() of 1 MiB", lambda: process(large_batch), sink, 100)


if __name__ == "__main__":
    main()
