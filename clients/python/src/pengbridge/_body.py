"""Bodies: Python values to MessagePack and back, with the settings of the protocol."""

from __future__ import annotations

import threading
from typing import Any

import msgpack

_SCALARS = frozenset((str, bytes, int, float, bool, type(None)))


class Encoder:
    """Packs bodies. Any number of threads may use it: each has a packer of its own, which keeps its buffer."""

    def __init__(self) -> None:
        self._local = threading.local()

    def encode(self, value: Any) -> bytes:
        """Packs one value.

        Raises:
            TypeError: a type that MessagePack does not have.
            OverflowError: an integer beyond 64 bits.
            ValueError: a map key that is neither str nor bytes, which no peer could read; or nested too deeply.
        """
        try:
            packer = self._local.packer
        except AttributeError:
            packer = self._local.packer = msgpack.Packer()
        body: bytes = packer.pack(value)
        if type(value) not in _SCALARS:
            try:
                decode(body)  # MessagePack packs keys that no receiver takes; reading it back costs half a microsecond
            except ValueError as error:
                raise ValueError(f"no peer could read this body, whose maps need keys of str or bytes: {error}") from None
        return body


def decode(body: bytes) -> Any:
    """Unpacks a body as every peng3dnet peer does: text is str, map keys are str or bytes. Lengths are bounded by the body.

    Raises:
        ValueError: it cannot be unpacked.
    """
    return msgpack.unpackb(body, raw=False, strict_map_key=True)
