"""The details of a failed call: read when they are there, and nothing at all when they make no sense."""

from __future__ import annotations

import pytest

from pengbridge import _status


def field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


ENTRY = field(1, b"close_reason") + field(2, b"kicked")
INFO = field(1, b"HANDSHAKE_FAILED") + field(2, b"pengbridge") + field(3, ENTRY)
OTHER = field(3, field(1, b"type.googleapis.com/google.rpc.BadRequest") + field(2, b"\x01"))
STATUS = b"\x08\x09" + field(2, b"message") + OTHER + field(3, field(1, _status._ERROR_INFO) + field(2, INFO))


@pytest.mark.parametrize("trailers", [None, [], [("other", "text")], [(_status.KEY, "text")], [(_status.KEY, OTHER)]])
def test_without_details(trailers: list[tuple[str, str | bytes]] | None) -> None:
    assert _status.error_info(trailers) == ("", {})


def test_reason_and_metadata() -> None:
    trailers = [("other", b""), (_status.KEY, STATUS)]
    assert _status.error_info(trailers) == ("HANDSHAKE_FAILED", {"close_reason": "kicked"})


@pytest.mark.parametrize("size", range(len(STATUS)))
def test_a_status_that_was_cut(size: int) -> None:
    assert _status.error_info([(_status.KEY, STATUS[:size])]) == ("", {})


@pytest.mark.parametrize("unknown", [b"\x09" + bytes(8), b"\x0d" + bytes(4), b"\x80\x01\x05", b"\x32\x00"])
def test_fields_of_other_kinds_are_passed_over(unknown: bytes) -> None:
    assert _status.error_info([(_status.KEY, unknown + STATUS)])[0] == "HANDSHAKE_FAILED"


@pytest.mark.parametrize("junk", [b"\xff" * 11, b"\x0b", b"\x0a\xff\xff\xff\xff\x0f"])
def test_junk(junk: bytes) -> None:
    assert _status.error_info([(_status.KEY, junk + STATUS)]) == ("", {})
