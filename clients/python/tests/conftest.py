"""Fixtures, and a check that each test ends what it started."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from harness import Net, Peng, eventually
from rawpeer import Listener

from pengbridge import _host


@pytest.fixture
def net() -> Iterator[Net]:
    made = Net()
    yield made
    made.close()


@pytest.fixture
def peng() -> Peng:
    return Peng()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    eventually(
        lambda: not [t for t in threading.enumerate() if t.name.startswith(("pengbridge", "peng3dnet"))],
        "the end of all threads",
    )


@pytest.fixture(scope="session", autouse=True)
def _no_sidecar_is_left() -> Iterator[None]:
    yield
    _host.close_shared()
