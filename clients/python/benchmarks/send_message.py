"""How long a program waits for us with each packet it sends, beyond what MessagePack takes to encode it.

python benchmarks/send_message.py

A server and a client, with a sidecar of their own. The median of a round counts, and of the rounds the best is printed,
since other programs share the machine.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgpack

import pengbridge as peng3dnet

ROUNDS = 5
SENDS = 2000  # a round
DATA = {"x": 1, "y": 2.5, "name": "Anna"}
PATIENCE = 20.0  # seconds


def median(call: Callable[[], Any]) -> float:
    """A call's median time, in microseconds."""
    times = []
    for _ in range(SENDS):
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1e3


def main() -> None:
    server = peng3dnet.Server(addr=("127.0.0.1", 0))
    server.register_packet("bench:data", peng3dnet.packet.Packet(server.registry, server))
    server.runAsync()
    client = peng3dnet.Client(addr=server.sock.getsockname())
    client.register_packet("bench:data", peng3dnet.packet.Packet(client.registry, client))
    client.runAsync()
    server.process_async()
    client.process_async()
    client.wait_for_connection(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while 1 not in server.clients or server.clients[1].state != peng3dnet.STATE_ACTIVE:  # the server's side comes by itself
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not see its client")
    pack = msgpack.Packer().pack
    for sender, cid in ((server, 1), (client, None)):
        send = functools.partial(sender.send_message, "bench:data", DATA, cid)
        rounds = []
        for _ in range(ROUNDS):
            rounds.append(median(send) - median(functools.partial(pack, DATA)))
            sender.flush(PATIENCE)
        print(f"send_message of a {type(sender).__name__.lower()}: {min(rounds):.2f} us beyond MessagePack")
    client.join(PATIENCE)
    server.join(PATIENCE)


if __name__ == "__main__":
    main()
