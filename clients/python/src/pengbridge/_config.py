"""A peer's configuration: what the program wrote, over what it passed in, over its peng's, over the defaults."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from . import errors, util
from .constants import DEFAULT_CONFIG

_ZLIB_LEVEL = 6  # what -1 means to zlib
_LARGEST_THRESHOLD = 16 << 20  # bytes; what the sidecar takes
COMPRESSION_KEYS = ("net.compress.enabled", "net.compress.threshold", "net.compress.level")


class Layer(Protocol):
    """Anything that can be asked for keys: a dict, or the configuration of a peng."""

    def __getitem__(self, key: str, /) -> Any: ...


class Config:
    """A configuration like peng3d's: cfg[key] and key in cfg.

    Writing changes this object only, never a lower layer. Compression settings take effect for the next packet; other
    net keys are fixed when the peer starts, and writing them later warns.

    Args:
        config: what the program passed in, or None.
        defaults: layers below it, upper ones first. The library's own defaults lie below all.
    """

    def __init__(self, config: Layer | None = None, *defaults: Layer) -> None:
        self.config: dict[str, Any] = {}
        self.defaults: Mapping[str, Any] = DEFAULT_CONFIG
        self._layers = [self.config, *(layer for layer in (config, *defaults) if layer is not None), DEFAULT_CONFIG]
        self._on_compression: Callable[[], None] | None = None

    def __getitem__(self, key: str) -> Any:
        for layer in self._layers:
            try:
                return layer[key]
            except KeyError:
                continue
        raise KeyError(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.config[key] = value
        if self._on_compression is None:
            return
        if key in COMPRESSION_KEYS:
            self._on_compression()
        elif key in DEFAULT_CONFIG:
            warnings.warn(f"{key} is fixed once the server or client has started", stacklevel=2)

    def __contains__(self, key: str) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def says(self, key: str) -> bool:
        """Whether the program set the key, rather than leaving it to the library's default."""
        for layer in self._layers[:-1]:
            try:
                layer[key]
            except KeyError:
                continue
            return True
        return False

    def keys_below(self, prefix: str) -> set[str]:
        """The keys that begin with the prefix, of the layers that can be listed."""
        listed = (layer for layer in self._layers if isinstance(layer, Mapping))
        return {key for layer in listed for key in layer if isinstance(key, str) and key.startswith(prefix)}

    def fix(self, on_compression: Callable[[], None]) -> None:
        """Called at the start: on_compression is called when a compression setting is written from now on."""
        self._on_compression = on_compression


class Compression(NamedTuple):
    """When bodies are compressed. threshold: above how many bytes; None: never."""

    threshold: int | None
    level: int


def compression(cfg: Config) -> Compression:
    """Reads the compression settings. Any threshold will do: programs choose a huge one for "never", or -1 for "always".

    Raises:
        ValueError: the level is none that zlib has.
    """
    enabled, threshold, level = (cfg[key] for key in COMPRESSION_KEYS)
    if not -1 <= int(level) <= 9:
        raise ValueError(f"net.compress.level is {level}; it has to be from 0 to 9, or -1 for zlib's own choice")
    level = _ZLIB_LEVEL if int(level) == -1 else int(level)
    if not enabled or threshold > _LARGEST_THRESHOLD:
        return Compression(None, level)
    return Compression(max(0, int(threshold)), level)


def address(cfg: Config, side: str, addr: Any) -> util.Address:
    """Finds a peer's address: the constructor's, or net.<side>.addr, or net.<side>.addr.host and .port.

    The constructor's is also written to .host and .port.

    Args:
        cfg: the configuration.
        side: "server" or "client".
        addr: the constructor's; None for none.

    Raises:
        InvalidAddressError, UnsupportedAddressError, TypeError: it makes no sense.
    """
    key = f"net.{side}.addr"
    port = cfg[f"{key}.port"]
    if addr is not None:
        host, port = util.normalize_addr_socketstyle(addr, port)
        cfg[f"{key}.host"], cfg[f"{key}.port"] = host, port
    elif cfg[key] is not None:
        host, port = util.normalize_addr_socketstyle(cfg[key], port)
    else:
        host = cfg[f"{key}.host"]
    if not isinstance(host, str):
        raise errors.InvalidHostError(f"a host is a string, not {host!r}")
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise errors.InvalidPortError(f"a port is an integer from 0 to 65535, not {port!r}")
    return host, port
