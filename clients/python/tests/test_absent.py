"""The names of the reference's byte handling say that it happens elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

import pengbridge as peng3dnet


@pytest.mark.parametrize(
    ("kind", "method", "args"),
    [
        (peng3dnet.Server, "genCID", ()),
        (peng3dnet.Server, "receive_data", (b"", 1)),
        (peng3dnet.Server, "receive_packet", (b"", 1)),
        (peng3dnet.Server, "process_single_packet", (None,)),
        (peng3dnet.Client, "receive_data", (b"",)),
        (peng3dnet.Client, "receive_packet", (b"",)),
        (peng3dnet.Client, "process_single_packet", ()),
    ],
)
def test_the_sidecar_does_it(kind: Any, method: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(NotImplementedError, match=method):
        getattr(kind(), method)(*args)
