"""Addresses."""

from __future__ import annotations

import pytest

from pengbridge import errors, util


@pytest.mark.parametrize(
    ("addr", "expected"),
    [
        ("h:80", ("h", 80)),
        ("h", ("h", 8080)),
        ("", ("", 8080)),
        (":80", ("", 80)),
        ("h: 80 ", ("h", 80)),
        ("h:8_0", ("h", 80)),
        ("h:0", ("h", 0)),
        ("h:65535", ("h", 65535)),
        (None, ("None", 8080)),
        (5, ("5", 8080)),
    ],
)
def test_parse_address(addr: object, expected: tuple[str, int]) -> None:
    assert util.parse_address(addr) == expected


@pytest.mark.parametrize(
    ("addr", "port", "error"),
    [
        ("h:x", 8080, errors.InvalidPortError),
        ("h:", 8080, errors.InvalidPortError),
        ("h:65536", 8080, errors.InvalidPortError),
        ("h:-1", 8080, errors.InvalidPortError),
        ("h", 65536, errors.InvalidPortError),
        ("h:1", -1, errors.InvalidPortError),
        ("h", "80", errors.InvalidPortError),
        ("a:b:c", 8080, errors.UnsupportedAddressError),
        ("::1", 8080, errors.UnsupportedAddressError),
        ("tcp://h:1", 8080, errors.UnsupportedAddressError),
    ],
)
def test_parse_address_refuses(addr: str, port: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        util.parse_address(addr, port)


def test_normalize_keeps_tuples_and_lists() -> None:
    assert util.normalize_addr_socketstyle(("a", 1)) == ("a", 1)
    assert util.normalize_addr_socketstyle(["a", 1]) == ["a", 1]
    assert util.normalize_addr_socketstyle("a", 7) == ("a", 7)


def test_31_two_characters_are_a_host() -> None:
    assert util.normalize_addr_socketstyle("ab") == ("ab", 8080)


@pytest.mark.parametrize("addr", [b"ab", b"abc:5", None, 5])
def test_31_other_types_are_no_addresses(addr: object) -> None:
    with pytest.raises(TypeError):
        util.normalize_addr_socketstyle(addr)


def test_normalize_formatted_was_never_written() -> None:
    with pytest.raises(NotImplementedError):
        util.normalize_addr_formatted("a")
