"""Bytes put together by hand are the bytes protobuf makes."""

from __future__ import annotations

import json
import random
import struct
import zlib
from pathlib import Path

import msgpack
import pytest

from pengbridge import _wire
from pengbridge.v1 import command_pb2, packet_pb2, sidecar_service_pb2


@pytest.mark.parametrize("cid", [0, 1, 127, 128, 1 << 40])
@pytest.mark.parametrize("packet", [64, 127, 128, 2**32 - 1, "a:b", "ü" * 200])
@pytest.mark.parametrize("size", [1, 20, 100, 127, 128, 130, 16383, 16384, 70000])
def test_send_is_protobufs(cid: int, packet: int | str, size: int) -> None:
    body = random.Random(size).randbytes(size)
    message = command_pb2.Message(connection_id=cid, body=packet_pb2.PacketBody(msgpack=body))
    if isinstance(packet, str):
        message.name = packet
    else:
        message.id = packet
    expected = sidecar_service_pb2.CommandsRequest(commands=[command_pb2.Command(send=message)])
    assert _wire.send_prefix(cid, packet, size) + body == expected.SerializeToString()


def test_a_batch_is_protobufs() -> None:
    stop = command_pb2.Command(stop=command_pb2.EndpointStop())
    expected = sidecar_service_pb2.CommandsRequest(first_number=300, commands=[stop, stop])
    assert _wire.numbered(300, later=False) + _wire.command(stop) * 2 == expected.SerializeToString()
    later = sidecar_service_pb2.CommandsRequest(first_number=300, answer_later=True)
    assert _wire.numbered(300, later=True) == later.SerializeToString()


def test_the_opening_is_protobufs() -> None:
    expected = sidecar_service_pb2.CommandsRequest(endpoint_id="e" * 200, sender="me")
    assert _wire.opening("e" * 200, "me") == expected.SerializeToString()


@pytest.mark.parametrize(("size", "compressed"), [(100, False), (8192, False), (8193, True)])
def test_frames(size: int, compressed: bool) -> None:
    body = b"\0" * size
    frame = _wire.frame(64, body, 8192, 6)
    length, pid, flags = struct.unpack("!IIH", frame[:10])
    assert (length, pid, flags) == (len(frame) - 4, 64, int(compressed))
    assert (zlib.decompress(frame[10:]) if compressed else frame[10:]) == body


def test_frames_are_not_compressed_if_that_is_off() -> None:
    assert _wire.frame(64, b"\0" * 9000, None, 6)[10:] == b"\0" * 9000


def vectors() -> list[tuple[str, int, object]]:
    """Frames captured from the reference, as far as JSON can carry their content."""
    path = Path(__file__).parents[3] / "core" / "testdata" / "vectors.json"
    recorded = json.loads(path.read_text())["vectors"]
    return [
        (frame["hex"], frame["pid"], frame["msg_json"])
        for vector in recorded
        for frame in vector["frames"]
        if frame.get("flags") == 0 and isinstance(frame.get("msg_json"), dict) and len(frame["hex"]) < 600
    ]


@pytest.mark.parametrize(("expected", "pid", "msg"), vectors())
def test_frames_are_the_references(expected: str, pid: int, msg: object) -> None:
    body = bytes.fromhex(expected)[10:]
    if msgpack.packb(msg) != body:
        pytest.skip("JSON does not carry this body")
    assert _wire.frame(pid, msgpack.packb(msg), 8192, 6).hex() == expected
