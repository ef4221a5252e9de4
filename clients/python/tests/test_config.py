"""The configuration's layers, and what is read from them."""

from __future__ import annotations

from typing import Any

import pytest

from pengbridge import _config, constants, errors


def test_layers_lie_over_one_another() -> None:
    passed = {"net.server.addr.port": 1, "game.x": "passed"}
    pengs = {"net.server.addr.port": 2, "net.compress.level": 2, "game.y": "peng's"}
    cfg = _config.Config(passed, pengs)
    assert cfg["net.server.addr.port"] == 1
    assert cfg["net.compress.level"] == 2
    assert cfg["net.compress.threshold"] == 8192
    assert (cfg["game.x"], cfg["game.y"]) == ("passed", "peng's")
    assert "game.x" in cfg
    assert "nothing" not in cfg
    with pytest.raises(KeyError):
        cfg["nothing"]


def test_32_writing_changes_no_lower_layer() -> None:
    passed: dict[str, Any] = {"net.compress.level": 1}
    cfg = _config.Config(passed)
    cfg["net.compress.level"] = 9
    assert cfg["net.compress.level"] == 9
    assert passed == {"net.compress.level": 1}
    assert constants.DEFAULT_CONFIG["net.compress.level"] == 6


def test_writes_after_the_start() -> None:
    told = []
    cfg = _config.Config()
    cfg["net.registry.autosync"] = False
    cfg.fix(lambda: told.append(cfg["net.compress.level"]))
    cfg["net.compress.level"] = 3
    cfg["game.x"] = 1
    assert told == [3]
    with pytest.warns(UserWarning, match="net.registry.autosync"):
        cfg["net.registry.autosync"] = True


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, _config.Compression(8192, 6)),
        ({"net.compress.enabled": False}, _config.Compression(None, 6)),
        ({"net.compress.threshold": 0, "net.compress.level": 1}, _config.Compression(0, 1)),
        ({"net.compress.threshold": -1, "net.compress.level": -1}, _config.Compression(0, 6)),
        ({"net.compress.threshold": 16 << 20}, _config.Compression(16 << 20, 6)),
        ({"net.compress.threshold": float("inf")}, _config.Compression(None, 6)),
    ],
)
def test_compression(settings: dict[str, Any], expected: _config.Compression) -> None:
    assert _config.compression(_config.Config(settings)) == expected


@pytest.mark.parametrize("level", [10, -2])
def test_compression_refuses(level: int) -> None:
    with pytest.raises(ValueError, match="has to be from 0"):
        _config.compression(_config.Config({"net.compress.level": level}))


@pytest.mark.parametrize(
    ("settings", "addr", "expected"),
    [
        ({}, None, ("0.0.0.0", 8080)),
        ({"net.server.addr.host": "h", "net.server.addr.port": 9}, None, ("h", 9)),
        ({"net.server.addr": "h", "net.server.addr.port": 9}, None, ("h", 9)),
        ({"net.server.addr": ("h", 7)}, None, ("h", 7)),
        ({"net.server.addr": "other:7"}, "h:5", ("h", 5)),
        ({"net.server.addr.port": 9}, "h", ("h", 9)),
    ],
)
def test_address(settings: dict[str, Any], addr: Any, expected: tuple[str, int]) -> None:
    cfg = _config.Config(settings)
    assert _config.address(cfg, "server", addr) == expected
    if addr is not None:
        assert (cfg["net.server.addr.host"], cfg["net.server.addr.port"]) == expected


@pytest.mark.parametrize(
    ("addr", "error"),
    [(("h", "80"), errors.InvalidPortError), (("h", 65536), errors.InvalidPortError), ((1, 80), errors.InvalidHostError)],
)
def test_address_refuses(addr: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        _config.address(_config.Config(), "client", addr)
