"""A sidecar and what lives in it; and the process's one: started when first needed, ended with the interpreter."""

from __future__ import annotations

import atexit
import importlib
import os
import threading
import time
import warnings
from typing import TYPE_CHECKING, Protocol

from . import _binary, _fork, _launch, v1

if TYPE_CHECKING:
    from . import _dial

_LAST_WORDS = 1.75  # seconds for what is queued when the interpreter exits; the sidecar stops an endpoint within 1.5 s


class Running(Protocol):
    """A sidecar that runs: our own _launch.Process, or an _attach.Attachment to another one."""

    @property
    def address(self) -> str:
        """Where it listens."""

    @property
    def token(self) -> str:
        """What every call has to carry."""

    @property
    def trust(self) -> _dial.Trust | None:
        """How TLS is spoken with it; None for a plain connection."""

    def alive(self) -> bool:
        """Whether it still runs."""

    def has_ended(self) -> bool:
        """Whether it is known to have ended. It does not wait: of one that is not ours nothing is known."""

    def wake(self) -> None:
        """Lets it go on if it was stopped, if it is ours."""

    def close(self) -> None:
        """Ends it, if it is ours."""


class Tenant(Protocol):
    """What lives in a sidecar: an _endpoint.Endpoint."""

    def stop(self) -> None:
        """Begins its end: behind everything that was sent."""

    def join(self, timeout: float | None) -> bool:
        """Waits for its end; False if it did not come within timeout seconds."""

    def close(self) -> None:
        """Ends it at once."""


class Host:
    """A running sidecar, the connection to it, and the endpoints that live there. Any thread may use it.

    The interpreter closes it at its end, if nobody did before.

    Args:
        process: the sidecar.
        timeout: how long the first call may take, in seconds.

    Attributes:
        closed: whether close() was called.
        largest_message: how many bytes one gRPC message to it may have.
        memory_budget: how many bytes it may hold for peers and in event logs.

    Raises:
        CallError: it does not answer, or does not take the token. The sidecar is still the caller's to close.
    """

    def __init__(self, process: Running, timeout: float = 10.0) -> None:
        from ._transport import Transport  # with gRPC: see _import_the_rest

        self._origin = _fork.Origin()
        self.process = process
        self.transport = Transport(process.address, process.token, process.trust, process.has_ended)
        try:
            pb = v1.sidecar_service_pb2
            info = self.transport.call("GetInfo", pb.GetInfoRequest(), pb.GetInfoResponse, timeout)
        except BaseException:
            self.transport.close()
            raise
        self.largest_message: int = info.max_message_bytes
        self.memory_budget: int = info.memory_budget_bytes
        self.closed = False
        self._lock = threading.Lock()
        self._endpoints: set[Tenant] = set()
        atexit.register(self.close)

    def alive(self) -> bool:
        """Whether the sidecar still runs."""
        return self.process.alive()

    def add(self, endpoint: Tenant) -> None:
        """Counts an endpoint in, so that it is ended with the host."""
        with self._lock:
            self._endpoints.add(endpoint)

    def remove(self, endpoint: Tenant) -> None:
        """Counts it out."""
        with self._lock:
            self._endpoints.discard(endpoint)

    def close(self) -> None:
        """Ends everything: what was sent goes out first, in bounded time; then endpoints, connection and process end.

        In a forked child it does nothing: all of that is the parent's.
        """
        if self._origin.left():
            return
        atexit.unregister(self.close)
        self.closed = True
        deadline = time.monotonic() + _LAST_WORDS
        ended: set[Tenant] = set()
        while endpoints := self._others(ended):  # another thread may just have got one
            for endpoint in endpoints:
                endpoint.stop()
            for endpoint in endpoints:
                if not endpoint.join(max(0.0, deadline - time.monotonic())):
                    endpoint.close()
            ended |= endpoints
        self.transport.close()
        self.process.close()

    def _others(self, than: set[Tenant]) -> set[Tenant]:
        with self._lock:
            return self._endpoints - than


def spawn(memory_budget: int | None = None) -> Host:
    """Starts a sidecar that belongs to this process.

    Args:
        memory_budget: what it may hold, in bytes; None leaves it to it.

    Raises:
        SidecarError: it cannot be started, or does not answer.
    """
    process = _launch.spawn(_binary.find(), memory_budget, _import_the_rest)
    try:
        return Host(process)
    except BaseException:
        process.close()
        raise


def _import_the_rest() -> None:
    """Imports gRPC and Protobuf, which takes longer than a sidecar takes to start: not before there is one to wait for."""
    for name in ("._transport", ".v1.sidecar_service_pb2"):
        importlib.import_module(name, __package__)


class _Shared:
    """Holds the host of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._host: Host | None = None
        self._forked = False
        self._follows_forks = False

    def get(self, memory_budget: int | None) -> Host:
        """Returns the host; starts it if there is none, or if the last one died.

        Args:
            memory_budget: what a new one may hold, in bytes; None leaves it to it. A running one keeps its own, with a
                warning if that is another.

        Raises:
            SidecarError: it cannot be started, or this process was forked from one that had it.
        """
        with self._lock:
            if self._forked:
                raise _fork.refusal()
            if self._host is None:
                self._follow_forks()
            elif not self._host.alive():
                self._host.close()
                self._host = None
            if self._host is None:
                self._host = spawn(memory_budget)
            elif memory_budget is not None and memory_budget // 1024 != self._host.memory_budget // 1024:
                warnings.warn(
                    f"the memory budget stays {self._host.memory_budget} bytes: the sidecar, which all servers and clients "
                    f"share, was started with it before {memory_budget} was asked for",
                    stacklevel=4,
                )
            return self._host

    def close(self) -> None:
        """Ends the host, if there is one. The next get starts a new one."""
        with self._lock:
            host, self._host = self._host, None
        if host is not None and not self._forked:
            host.close()

    def _follow_forks(self) -> None:
        if not self._follows_forks and hasattr(os, "register_at_fork"):
            self._follows_forks = True
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held the old one
        self._forked = self._forked or self._host is not None


_shared = _Shared()  # the one thing that has to be shared: the sidecar belongs to the process


def shared(memory_budget: int | None = None) -> Host:
    """Returns the process's sidecar; see _Shared.get."""
    return _shared.get(memory_budget)


def close_shared() -> None:
    """Ends the process's sidecar now, with every endpoint in it."""
    _shared.close()
