"""How long a program waits for us: until its server stands, and for each packet it sends.

Each figure is the best of a few rounds, since other programs share the machine; it is printed with `pytest -s`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from harness import WAIT, Net, eventually

import pengbridge as peng3dnet

ROUNDS = 5
SENDS = 2000  # a round; their median counts
DATA = {"x": 1, "y": 2.5, "name": "Anna"}

READY_LIMIT = 50.0  # milliseconds from the spawn until the server is bound
SEND_LIMIT = 5.0  # microseconds beyond what MessagePack itself takes

START = """
import grpc, time
import pengbridge
server = pengbridge.Server(addr=("127.0.0.1", 0))
begin = time.perf_counter()
server.runAsync()
print((time.perf_counter() - begin) * 1e3)
"""


def median(call: Callable[[], Any]) -> float:
    """A call's median time, in microseconds."""
    times = []
    for _ in range(SENDS):
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    return statistics.median(times) / 1e3


def test_spawn_to_ready() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(peng3dnet.__file__).parents[1])}
    command = [sys.executable, "-c", START]
    runs = [subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True) for _ in range(ROUNDS)]
    best = min(float(run.stdout) for run in runs)
    print(f"\nspawn to ready: {best:.1f} ms")
    assert best < READY_LIMIT


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
