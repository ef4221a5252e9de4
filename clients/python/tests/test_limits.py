"""net.limits.*: every limit of the API is a setting, and reaches the sidecar."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from harness import Net

import pengbridge as peng3dnet
from pengbridge import _config, _host, _limits
from pengbridge.constants import DEFAULT_CONFIG
from pengbridge.v1 import sidecar_service_pb2

NAMES = [field.name for field in dataclasses.fields(peng3dnet.Limits)]


def test_every_limit_has_a_key() -> None:
    keys = {key.removeprefix(_limits.PREFIX) for key in DEFAULT_CONFIG if key.startswith(_limits.PREFIX)}
    assert keys == {*NAMES, "memory_budget_bytes"}
    assert all(DEFAULT_CONFIG[_limits.PREFIX + name] is None for name in keys)


def in_force() -> Any:
    """The limits of the last endpoint that was made."""
    answer = _host.shared().transport.call(
        "ListEndpoints", sidecar_service_pb2.ListEndpointsRequest(), sidecar_service_pb2.ListEndpointsResponse, 10
    )
    return answer.endpoints[-1].limits


def test_they_reach_the_sidecar(net: Net) -> None:
    wanted: dict[str, Any] = {name: 1000 + number for number, name in enumerate(NAMES)}
    wanted["idle_timeout"] = 1.5
    net.server(cfg={_limits.PREFIX + name: value for name, value in wanted.items()}, process=False)
    limits = in_force()
    for name, value in wanted.items():
        found = getattr(limits, name)
        if name.endswith("timeout"):
            found = found.ToNanoseconds() / 1e9
        assert found == value, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_packet_bytes", 0),
        ("max_packet_bytes", -1),
        ("max_packet_bytes", 1.5),
        ("max_packet_bytes", "16MiB"),
        ("max_packet_bytes", True),
        ("max_packet_bytes", 2**32),
        ("max_packet_bytes", 2**30 + 1),  # which the sidecar refuses
        ("backlog_bytes", 2**64),
        ("handshake_timeout", 0),
        ("idle_timeout", -1),
        ("idle_timeout", float("nan")),
        ("idle_timeout", float("inf")),
        ("idle_timeout", "10s"),
        ("memory_budget_bytes", 1023),
        ("max_conections", 10),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: Any) -> None:
    server = peng3dnet.Server(addr=("127.0.0.1", 0), cfg={_limits.PREFIX + name: value})
    with pytest.raises(ValueError, match=rf"limits\.{name}") as caught:
        server.runAsync()
    assert not isinstance(caught.value, peng3dnet.InvalidAddressError)


def test_a_limit_does_what_it_says(net: Net) -> None:
    server = net.server(cfg={"net.limits.max_connections_per_address": 1})
    net.client(server)
    second = net.client(server, run=False)
    second.runAsync()
    second.process_async()
    with pytest.raises(peng3dnet.ConnectionFailedError):
        second.wait_for_connection(10)


def test_the_memory_budget_is_the_sidecar_s() -> None:
    _host.close_shared()
    try:
        assert _host.shared(32 << 20).memory_budget == 32 << 20
        assert _host.shared().memory_budget == 32 << 20
        server = peng3dnet.Server(addr=("127.0.0.1", 0), cfg={"net.limits.memory_budget_bytes": 64 << 20})
        with pytest.warns(UserWarning, match="memory budget stays 33554432 bytes"):
            server.runAsync()
        server.stop()
        server.join(10)
    finally:
        _host.close_shared()


def test_a_sidecar_of_one_s_own() -> None:
    with peng3dnet.Sidecar.spawn(memory_budget_bytes=16 << 20) as sidecar:
        assert sidecar._host.memory_budget == 16 << 20
    with pytest.raises(ValueError, match="memory_budget_bytes"):
        peng3dnet.Sidecar.spawn(memory_budget_bytes=1)


def test_lower_layers_set_limits_too() -> None:
    cfg = _config.Config({}, {"net.limits.max_connections": 7})
    assert _limits.limits(cfg).max_connections == 7
