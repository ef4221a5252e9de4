"""The names of the API for new programs: all in pengbridge, none in the way of a program that has imported *."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pengbridge
from pengbridge import _api

SOURCE = Path(pengbridge.__file__).parents[1]


def test_they_are_in_the_package() -> None:
    assert {name: getattr(pengbridge, name, None) for name in _api.__all__} == {
        name: getattr(_api, name) for name in _api.__all__
    }


def test_dir_tells_of_them() -> None:
    assert {"Server", "aio", *_api.__all__} <= set(dir(pengbridge))


def test_what_is_not_there_is_not_there() -> None:
    for name in ("sidecar", "_sidecar"):
        with pytest.raises(AttributeError, match=f"module 'pengbridge' has no attribute '{name}'"):
            getattr(pengbridge, name)


def test_a_game_does_not_wait_for_what_it_does_not_need_yet() -> None:
    code = """
import sys
import pengbridge
from pengbridge import *
server = Server(addr=("127.0.0.1", 0))
server.register_packet("t:a", packet.Packet(server.registry, server))
loaded = {"pengbridge._api", "pengbridge.aio", "pengbridge._checkout", "google.protobuf", "grpc"} & set(sys.modules)
assert not loaded, loaded  # the last two: until the sidecar starts
assert pengbridge.aio.Sidecar is not pengbridge.Sidecar
"""
    subprocess.run([sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{code}"], check=True)


def test_import_star_brings_what_peng3dnet_has_and_no_more() -> None:
    brought: dict[str, object] = {}
    exec("from pengbridge import *", brought)
    assert brought.keys() & {*_api.__all__, "aio"} == set()
    assert "Server" in brought
