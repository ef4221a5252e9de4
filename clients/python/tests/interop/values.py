"""300 different values: every MessagePack type, at the sizes where its encoding changes, and random ones."""

from __future__ import annotations

import math
import random
from typing import Any

from msgpack import ExtType, Timestamp

_EDGES = (0, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
_NEGATIVE_EDGES = (-1, -32, -33, -128, -129, -(2**15), -(2**15) - 1, -(2**31), -(2**31) - 1, -(2**63))
_FLOATS = (0.0, -0.0, 0.1, -1.5, math.pi, 1.7976931348623157e308, 5e-324, math.inf, -math.inf, math.nan)
_TEXTS = ("Grüße, Welt", "こんにちは", "🎮👩‍🚀", "\x00\n\t\"'\\", "\u202eright to left", "Z\u0351\u036ba\u0300lgo")
_STAMPS = (Timestamp(0), Timestamp(2**32 - 1), Timestamp(2**34 - 1, 999_999_999), Timestamp(2**34), Timestamp(-1, 5))


def edges() -> list[Any]:
    nested: Any = None
    for _ in range(200):
        nested = [nested]
    return [
        *(None, False, True, nested),
        *_EDGES,
        *_NEGATIVE_EDGES,
        *_FLOATS,
        *_TEXTS,
        *("x" * n for n in (0, 1, 31, 32, 255, 256, 8187, 8188, 65535, 65536)),
        *(bytes(n) for n in (0, 1, 255, 256, 65535, 65536)),
        *(list(range(n)) for n in (0, 15, 16, 300, 65536)),
        *({str(i): i for i in range(n)} for n in (0, 15, 16, 300, 65536)),
        *(ExtType(42, bytes(n)) for n in (0, 1, 2, 3, 4, 8, 16, 17, 255, 256, 65536)),
        *_STAMPS,
        {b"bytes as a key": 1, "text as a key": 2},
    ]


def values() -> list[Any]:
    rng = random.Random(35)
    known = edges()
    return known + [_random(rng, 4) for _ in range(300 - len(known))]


def _random(rng: random.Random, depth: int) -> Any:
    match rng.randrange(8 if depth else 6):
        case 0:
            return rng.choice((None, True, False))
        case 1:
            return rng.getrandbits(rng.randrange(1, 65))
        case 2:
            return -rng.getrandbits(rng.randrange(1, 64))
        case 3:
            return rng.gauss(0, 1e6)
        case 4:
            return "".join(rng.choices("abc äöü 漢字 🎲\n", k=rng.randrange(60)))
        case 5:
            return rng.randbytes(rng.randrange(60))
        case 6:
            return [_random(rng, depth - 1) for _ in range(rng.randrange(20))]
        case _:
            return {f"key {i}": _random(rng, depth - 1) for i in range(rng.randrange(20))}
