"""What a forked child is told when it uses what its parent has open: threads and connections do not survive a fork."""

from __future__ import annotations

import os

from .errors import SidecarError


class Origin:
    """Remembers the process that something was made in. Any thread may use it."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    def left(self) -> bool:
        """Whether this is another process: a fork of that one."""
        return os.getpid() != self._pid

    def check(self) -> None:
        """Lets only that process pass.

        Raises:
            SidecarError: this is a fork of it.
        """
        if os.getpid() != self._pid:  # left(), for every packet
            raise refusal()


def refusal() -> SidecarError:
    """Makes the error that says what to do instead."""
    return SidecarError(
        "this process was forked from one that already used pengbridge: connections do not survive a fork. "
        'Use multiprocessing\'s "spawn" or "forkserver" start method, or fork before the first server or client'
    )
