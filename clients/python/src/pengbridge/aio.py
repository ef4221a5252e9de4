"""The API for new programs, for asyncio: Sidecar and its endpoints, with the names of those for threads.

What waits is awaited; what only queues, such as send, is called as it is. The network runs in the sidecar and in a few
threads, so a busy event loop holds up nobody but itself.

    async with pengbridge.aio.Sidecar.spawn() as sidecar:
        server = await sidecar.bind("127.0.0.1:0", packets=["chat:message"])
        async for event in server:
            ...
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ._apart import apart
from ._api import endpoint as _threads
from ._api import errors, events, options
from ._api import sidecar as _sidecar
from ._api.commands import ClientCommands, Commands, ServerCommands
from .v1 import endpoint_pb2
from .v1 import sidecar_service_pb2 as api

__all__ = ["ClientEndpoint", "ServerEndpoint", "Sidecar"]

_TURN = 64  # events in a row before others have their turn

Made = TypeVar("Made")
Self = TypeVar("Self", bound="_Waiting")


class _Leavable(Protocol):
    async def __aexit__(self, *_: object) -> None: ...


Left = TypeVar("Left", bound=_Leavable)


class _Opening(Generic[Left]):
    """Something on its way: it can be awaited, and it can be entered with `async with`, which leaves it in the end."""

    def __init__(self, coming: Coroutine[Any, Any, Left]) -> None:
        self._coming = coming

    def __await__(self) -> Generator[Any, None, Left]:
        return self._coming.__await__()

    async def __aenter__(self) -> Left:
        self._here = await self._coming
        return self._here

    async def __aexit__(self, *exception: object) -> None:
        await self._here.__aexit__(*exception)


class _Waiting(Commands):
    """What servers and clients have in common that waits: their events, and requests with an answer.

    Iterating yields the events until the endpoint has ended. An event counts as handled when the next one is asked for.
    All methods belong to the event loop that made the endpoint; send and what else does not wait may be called by any
    thread.
    """

    _endpoint: _threads.Waiting

    def _follow(self, endpoint: _threads.Waiting) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._drawn = 0
        endpoint._log.listen(self._notify)

    def _notify(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(self._news.set)

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def __aiter__(self) -> AsyncIterator[events.Event]:
        """Yields events until the endpoint has ended; errors as in pengbridge.ServerEndpoint."""
        while (event := await self._next(None)) is not None:
            yield event

    async def next_event(self, timeout: float | None = None) -> events.Event:
        """Waits for one event. It can be cancelled without losing any.

        Args:
            timeout: in seconds; None for no limit.

        Raises:
            TimeoutError: nothing happened in time.
            EndpointStoppedError: there are no more events.
            SidecarError: the sidecar was lost.
        """
        event = await self._next(timeout)
        if event is None:
            raise errors.EndpointStoppedError("the endpoint has ended", "ENDPOINT_STOPPED")
        return event

    def poll(self, max_events: int = 1024, budget_ms: float = 2.0) -> list[events.Event]:
        """Returns the events that are there now; see pengbridge.ServerEndpoint.poll."""
        return self._endpoint.poll(max_events, budget_ms)

    @property
    def ended(self) -> bool:
        """Whether the endpoint has ended, and all of its events were read."""
        return self._endpoint.ended

    async def start(self) -> None:
        """See pengbridge.ServerEndpoint.start."""
        await apart(self._endpoint.start)

    async def register(self, *packets: str | options.Packet) -> None:
        """See pengbridge.ServerEndpoint.register."""
        await apart(partial(self._endpoint.register, *packets))

    async def register_conntypes(self, *conntypes: options.Conntype) -> None:
        """See pengbridge.ServerEndpoint.register_conntypes."""
        await apart(partial(self._endpoint.register_conntypes, *conntypes))

    async def flush(self, timeout: float = 5.0) -> None:
        """See pengbridge.ServerEndpoint.flush."""
        await apart(partial(self._endpoint.flush, timeout))

    async def stop(self) -> None:
        """See pengbridge.ServerEndpoint.stop."""
        await apart(self._endpoint.stop)

    async def shutdown(
        self, reason: str | None = None, *, join: bool = True, timeout: float = 1.5
    ) -> _threads.ShutdownResult:
        """See pengbridge.ServerEndpoint.shutdown."""
        return await apart(partial(self._endpoint.shutdown, reason, join=join, timeout=timeout))

    async def list_connections(self) -> list[endpoint_pb2.ConnectionInfo]:
        """See pengbridge.ServerEndpoint.list_connections."""
        return await apart(self._endpoint.list_connections)

    async def leave(self) -> None:
        """See pengbridge.ServerEndpoint.leave."""
        await apart(self._endpoint.leave)

    async def _next(self, timeout: float | None) -> events.Event | None:
        """The next event; None when there are no more. Nothing is drawn before a wait: a cancellation loses no event."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self._drawn += 1
        if self._drawn % _TURN == 0:
            await asyncio.sleep(0)
        while True:
            self._news.clear()
            event = self._endpoint._log.next_nowait()
            if event is not None or self._endpoint.ended:
                return event
            left = None if deadline is None else deadline - time.monotonic()
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except asyncio.TimeoutError:  # before Python 3.11 not the built-in one
                raise TimeoutError("nothing happened in time") from None


class ServerEndpoint(_Waiting, ServerCommands):
    """A peng3dnet server that runs in the sidecar. Made by Sidecar.bind."""

    def __init__(self, endpoint: _threads.ServerEndpoint) -> None:
        ServerCommands.__init__(self, endpoint._engine, endpoint.address)
        self._follow(endpoint)


class ClientEndpoint(_Waiting, ClientCommands):
    """A peng3dnet client that runs in the sidecar. Made by Sidecar.connect."""

    def __init__(self, endpoint: _threads.ClientEndpoint) -> None:
        ClientCommands.__init__(self, endpoint._engine, endpoint.local_address, endpoint.remote_address)
        self._follow(endpoint)


class Sidecar:
    """A running sidecar. All methods belong to one event loop.

    Get one from spawn or attach, with `await` or `async with`; the latter closes it in the end. Arguments and errors are
    those of pengbridge.Sidecar. What is cancelled while it is being made is undone.
    """

    def __init__(self, sidecar: _sidecar.Sidecar) -> None:
        self._sidecar = sidecar

    @classmethod
    def spawn(cls, *, memory_budget_bytes: int | None = None) -> _Opening[Sidecar]:
        """See pengbridge.Sidecar.spawn."""
        return _Opening(
            _made(partial(_sidecar.Sidecar.spawn, memory_budget_bytes=memory_budget_bytes), _sidecar.Sidecar.close, cls)
        )

    @classmethod
    def attach(
        cls,
        address: str | None = None,
        token_file: str | Path | None = None,
        *,
        ca_file: str | Path | None = None,
        certificate_file: str | Path | None = None,
        key_file: str | Path | None = None,
        timeout: float = 10.0,
    ) -> _Opening[Sidecar]:
        """See pengbridge.Sidecar.attach."""
        files = {"ca_file": ca_file, "certificate_file": certificate_file, "key_file": key_file}
        call = partial(_sidecar.Sidecar.attach, address, token_file, timeout=timeout, **files)
        return _Opening(_made(call, _sidecar.Sidecar.close, cls))

    async def __aenter__(self) -> Sidecar:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """See pengbridge.Sidecar.close."""
        await apart(self._sidecar.close)

    def bind(
        self,
        address: str | tuple[str, int] = "",
        packets: Iterable[str | options.Packet] = (),
        endpoint_options: options.EndpointOptions | None = None,
        *,
        ping: options.PingOptions | None = None,
    ) -> _Opening[ServerEndpoint]:
        """See pengbridge.Sidecar.bind."""
        call = partial(self._sidecar.bind, address, packets, endpoint_options, ping=ping)
        return _Opening(_made(call, _threads.ServerEndpoint.leave, ServerEndpoint))

    def connect(
        self,
        address: str | tuple[str, int],
        packets: Iterable[str | options.Packet] = (),
        endpoint_options: options.EndpointOptions | None = None,
        *,
        conntype: str = "",
        wait_handshake: bool = True,
        timeout: float = 10.0,
        ignore_missing_packets: bool = False,
        disable_registry_sync: bool = False,
    ) -> _Opening[ClientEndpoint]:
        """See pengbridge.Sidecar.connect."""
        call = partial(
            self._sidecar.connect,
            address,
            packets,
            endpoint_options,
            conntype=conntype,
            wait_handshake=wait_handshake,
            timeout=timeout,
            ignore_missing_packets=ignore_missing_packets,
            disable_registry_sync=disable_registry_sync,
        )
        return _Opening(_made(call, _threads.ClientEndpoint.leave, ClientEndpoint))

    async def ping(
        self,
        address: str | tuple[str, int],
        data: Mapping[str, Any] | None = None,
        *,
        timeout: float = 10.0,
        tls: options.TlsOptions | None = None,
    ) -> _sidecar.Pong:
        """See pengbridge.Sidecar.ping."""
        return await apart(partial(self._sidecar.ping, address, data, timeout=timeout, tls=tls))

    async def info(self) -> api.GetInfoResponse:
        """See pengbridge.Sidecar.info."""
        return await apart(self._sidecar.info)

    async def list_endpoints(self) -> list[endpoint_pb2.EndpointInfo]:
        """See pengbridge.Sidecar.list_endpoints."""
        return await apart(self._sidecar.list_endpoints)


Wrapped = TypeVar("Wrapped")


async def _made(call: Callable[[], Made], undo: Callable[[Made], None], wrap: Callable[[Made], Wrapped]) -> Wrapped:
    """Makes something that takes time, and wraps it. If that is cancelled meanwhile, it is undone as soon as it is made."""
    return wrap(await apart(call, undo))
