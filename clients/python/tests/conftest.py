"""Fixtures, and checks that each test, and the run, ends what it started."""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Net, Peng, eventually
from rawpeer import Listener

from pengbridge import _host

END = 60.0  # seconds from the summary to the end of the process, which usually takes half of one


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
def _no_process_is_left() -> Iterator[None]:
    yield
    _host.close_shared()
    assert not children(), "a process of the tests still runs, and may hold their output open"


def children() -> list[str]:
    """The command lines of this process's children; none where there is no /proc."""
    numbers = [number for task in Path("/proc/self/task").glob("*/children") for number in task.read_text().split()]
    return [Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ") for number in numbers]


def pytest_unconfigure() -> None:
    """A run that does not end after its summary says where it hangs, and fails. The tests themselves have a limit, too,
    in pyproject.toml."""
    faulthandler.dump_traceback_later(END, exit=True, file=sys.__stderr__)
