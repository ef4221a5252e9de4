"""net.limits.*: what peers may cost, from a peer's configuration."""

from __future__ import annotations

from typing import Any

from . import _config, v1
from .constants import DEFAULT_CONFIG

PREFIX = "net.limits."
MEMORY_BUDGET = PREFIX + "memory_budget_bytes"
_LARGEST_DURATION = 10 * 365 * 86400.0  # seconds; beyond it somebody has mistaken the unit


def limits(cfg: _config.Config) -> v1.endpoint_pb2.Limits:
    """The limits that the configuration sets; those that are None are left to the sidecar.

    Raises:
        ValueError: a value makes no sense, or there is no limit of that name. The message names the key.
    """
    for key in cfg.keys_below(PREFIX):
        if key not in DEFAULT_CONFIG:  # a limit that is misspelt would protect nobody
            names = ", ".join(known.removeprefix(PREFIX) for known in DEFAULT_CONFIG if known.startswith(PREFIX))
            raise ValueError(f"{key} is no limit; there are {names}")
    message = v1.endpoint_pb2.Limits()
    for field in v1.endpoint_pb2.Limits.DESCRIPTOR.fields:
        key = PREFIX + field.name
        value = cfg[key]
        if value is None:
            continue
        if field.message_type is None:
            bits = 32 if field.type == field.TYPE_UINT32 else 64
            setattr(message, field.name, _whole(key, value, (1 << bits) - 1))
        else:
            getattr(message, field.name).FromNanoseconds(_nanoseconds(key, value))
    return message


def memory_budget(cfg: _config.Config) -> int | None:
    """What all servers and clients of the process together may make the sidecar hold, in bytes; None leaves it to it.

    Raises:
        ValueError: it makes no sense.
    """
    value = cfg[MEMORY_BUDGET]
    return None if value is None else _whole(MEMORY_BUDGET, value, (1 << 63) - 1, least=1024)


def _whole(key: str, value: Any, most: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{key} is {value!r}; it has to be None, or an integer from {least} to {most}")
    return value


def _nanoseconds(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LARGEST_DURATION:
        raise ValueError(f"{key} is {value!r}; it has to be None, or a number of seconds above 0")
    return max(1, round(value * 1e9))
