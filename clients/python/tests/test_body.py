"""Bodies: what can be sent is what can be received."""

from __future__ import annotations

import threading
from typing import Any

import msgpack
import pytest

from pengbridge import _body


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(2**63),
        2**64 - 1,
        1.5,
        "ü",
        b"\0",
        [1, [2]],
        {"a": {"b": 1}, b"c": None},
        msgpack.ExtType(5, b"x"),
        msgpack.Timestamp(1, 2),
        "x" * 3_000_000,
    ],
)
def test_round_trip(value: Any) -> None:
    assert _body.decode(_body.Encoder().encode(value)) == value


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({1: 2}, ValueError),
        ({"a": [{None: 1}]}, ValueError),
        ({"a": 1, b"b": 2, 3: 4}, ValueError),
        ({"a": 1, 3: 4}, ValueError),
        ({"a": [1, {3: 4}]}, ValueError),
        (2**64, OverflowError),
        ({1, 2}, TypeError),
        (object(), TypeError),
        ("\ud800", ValueError),
    ],
)
def test_what_no_peer_could_read_is_refused_at_once(value: Any, error: type[Exception]) -> None:
    encoder = _body.Encoder()
    with pytest.raises(error):
        encoder.encode(value)
    assert encoder.encode({"after": 1}) == msgpack.packb({"after": 1})


def test_a_map_that_changes_meanwhile_is_no_error() -> None:
    """Another thread may add to it; here the type of a value does, when that is looked up."""

    class Meddling(type):
        def __hash__(cls) -> int:
            value["another"] = 1
            return hash(str)

        def __eq__(cls, other: object) -> bool:
            return True

    class Text(str, metaclass=Meddling):
        pass

    value: dict[str, Any] = {"text": Text("t")}
    assert _body.Encoder().encode(value) == msgpack.packb({"text": "t"})
    assert "another" in value


def test_nesting_without_end_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="recursion"):
        _body.Encoder().encode(value)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x01\x02", b"\xa1\xff", b"\x81\x01\x02", b"\xd6\xff\0"])
def test_malformed_bodies(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgpack has many
        _body.decode(body)


def test_threads_share_an_encoder() -> None:
    encoder, results = _body.Encoder(), []

    def work(number: int) -> None:
        results.append({encoder.encode({"n": number}) for _ in range(500)})

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == sorted(({msgpack.packb({"n": n})} for n in range(4)), key=str)
