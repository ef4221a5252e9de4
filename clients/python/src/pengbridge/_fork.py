"""What a forked child is told when it uses what its parent has open: threads and connections do not survive a fork."""

from __future__ import annotations

import os

from .errors import SidecarError


class _Lineage:
    """Counts the forks that led to this process. Asking the kernel who we are takes 0.15 us, a twentieth of a send."""

    def __init__(self) -> None:
        self.forks = 0
        self._counts = False

    def watch(self) -> None:
        """Begins to count; what was forked before does not matter to what is made from now on."""
        if not self._counts and hasattr(os, "register_at_fork"):
            self._counts = True
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.forks += 1


_lineage = _Lineage()  # a process has one


class Origin:
    """Remembers the process that something was made in. Any thread may use it."""

    def __init__(self) -> None:
        _lineage.watch()
        self._forks = _lineage.forks

    def left(self) -> bool:
        """Whether this is another process: a fork of that one."""
        return self._forks != _lineage.forks

    def check(self) -> None:
        """Lets only that process pass.

        Raises:
            SidecarError: this is a fork of it.
        """
        if self._forks != _lineage.forks:  # left(), for every packet
            raise refusal()


def refusal() -> SidecarError:
    """Makes the error that says what to do instead."""
    return SidecarError(
        "this process was forked from one that already used pengbridge: connections do not survive a fork. "
        'Use multiprocessing\'s "spawn" or "forkserver" start method, or fork before the first server or client'
    )
