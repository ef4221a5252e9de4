"""The names of the API for new programs: all in pengbridge, none in the way of a program that has imported *."""

from __future__ import annotations

import pengbridge
from pengbridge import _api


def test_they_are_in_the_package() -> None:
    assert {name: getattr(pengbridge, name, None) for name in _api.__all__} == {
        name: getattr(_api, name) for name in _api.__all__
    }


def test_import_star_brings_what_peng3dnet_has_and_no_more() -> None:
    brought: dict[str, object] = {}
    exec("from pengbridge import *", brought)
    assert brought.keys() & {*_api.__all__, "aio"} == set()
    assert "Server" in brought
