"""How long a program waits for us with each packet it sends. Its start is measured by benchmarks/startup.py.

Each figure is the best of a few rounds, since other programs share the machine; it is printed with `pytest -s`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from harness import WAIT, Net, eventually

import pengbridge as peng3dnet

ROUNDS = 5
SENDS = 2000  # a round; their median counts
DATA = {"x": 1, "y": 2.5, "name": "Anna"}

SEND_LIMIT = 5.0  # microseconds beyond what MessagePack itself takes


def median(call: Callable[[], Any]) -> float:
    """A call's median time, in microseconds."""
    times = []
    for _ in range(SENDS):
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1e3


@pytest.mark.parametrize("side", ["server", "client"])
def test_send_message(net: Net, side: str) -> None:
    packets = {"t:a": peng3dnet.packet.Packet}
    server = net.server(packets=packets)
    client = net.client(server, packets=packets)
    eventually(lambda: server.clients and server.clients[1].state == 64)
    sender, cid = (server, 1) if side == "server" else (client, None)
    pack = msgpack.Packer().pack
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(median(lambda: sender.send_message("t:a", DATA, cid)) - median(lambda: pack(DATA)))
        sender.flush(WAIT)
    print(f"\nsend_message of a {side}: {min(rounds):.2f} us beyond MessagePack")
    assert min(rounds) < SEND_LIMIT
