"""Servers and clients of the API for new programs, for threads: what waits blocks its caller."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from .._endpoint import SUBSCRIBER, Endpoint, command
from .._transport import Transport
from ..errors import SidecarError
from ..v1 import command_pb2, endpoint_pb2
from ..v1 import sidecar_service_pb2 as api
from . import errors, events, options, requests
from .commands import ClientCommands, Commands, ServerCommands
from .log import Log

_ANSWER = 10.0  # seconds for what the sidecar does at once, beyond what it was given itself
_PAGE = 10_000  # connections

Self = TypeVar("Self", bound="Waiting")


class ShutdownResult(NamedTuple):
    """How a shutdown went. Both are 0 if it was not waited for.

    Attributes:
        delivered: how many connections took everything queued for them, the reason included.
        cut: how many had to be cut.
    """

    delivered: int
    cut: int


class Waiting(Commands):
    """What servers and clients have in common that waits: their events, and requests with an answer.

    Iterating yields the events until the endpoint has ended. An event counts as handled when the next one is asked for; the
    sidecar keeps what was not handled, and stops reading from peers when that becomes too much. Any thread may call
    anything; if several iterate, each event goes to one of them.

    It is a context manager, which stops the endpoint in the end.
    """

    _log: Log
    _transport: Transport

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def __iter__(self) -> Iterator[events.Event]:
        """Yields events until the endpoint has ended.

        Raises:
            SidecarError: the sidecar was lost.
        """
        while (event := self._log.next(None)) is not None:
            yield event

    def next_event(self, timeout: float | None = None) -> events.Event:
        """Waits for one event.

        Args:
            timeout: in seconds; None for no limit.

        Raises:
            TimeoutError: nothing happened in time.
            EndpointStoppedError: there are no more events.
            SidecarError: the sidecar was lost.
        """
        event = self._log.next(timeout)
        if event is None:
            raise errors.EndpointStoppedError("the endpoint has ended", "ENDPOINT_STOPPED")
        return event

    def poll(self, max_events: int = 1024, budget_ms: float = 2.0) -> list[events.Event]:
        """Returns the events that are there now, without waiting: for loops that have a frame to draw.

        They count as handled with the next call at the latest. What happens between two calls comes in meanwhile.

        Args:
            max_events: how many at most.
            budget_ms: how long to go on gathering, in milliseconds. If there are any, at least one is returned.

        Returns:
            The events; none if nothing happened, or when the endpoint has ended.

        Raises:
            SidecarError: the sidecar was lost.
        """
        return self._log.poll(max_events, budget_ms)

    @property
    def ended(self) -> bool:
        """Whether the endpoint has ended, and all of its events were read."""
        return self._log.ended

    def start(self) -> None:
        """Starts an endpoint that was made with deferred_start. Starting a running one does nothing.

        Raises:
            SidecarError: it failed.
        """
        try:
            self._engine.start()
        except SidecarError as error:
            raise errors.translated(error) from None

    def register(self, *packets: str | options.Packet) -> None:
        """Adds packet types: all of them, or none. Connections that completed the handshake before do not learn of them.

        Raises:
            AlreadyExistsError: a name or id is in use.
            SidecarError: it failed otherwise.
        """
        self._ask(command(register_packets=requests.registration(packets)))

    def register_conntypes(self, *conntypes: options.Conntype) -> None:
        """Adds connection types: all of them, or none.

        Raises:
            AlreadyExistsError: a name is in use.
            SidecarError: it failed otherwise.
        """
        self._ask(command(register_conntypes=requests.conntype_registration(conntypes)))

    def flush(self, timeout: float = 5.0) -> None:
        """Waits until everything that was sent has been handed to the operating system.

        Args:
            timeout: in seconds, at most 60.

        Raises:
            DeadlineExceededError: it takes longer. Nothing is lost by that.
            SidecarError: it failed otherwise.
        """
        message = command_pb2.Flush()
        message.timeout.FromNanoseconds(round(timeout * 1e9))
        self._ask(command(flush=message), timeout)

    def stop(self) -> None:
        """Ends the endpoint: what was sent goes out, in bounded time, then connections close.

        It returns when that is done. Then there are still the last events to be read. Stopping a stopped one does nothing.

        Raises:
            SidecarError: the sidecar was lost.
        """
        with contextlib.suppress(errors.EndpointStoppedError):
            self._ask(command(stop=command_pb2.EndpointStop()))

    def shutdown(self, reason: str | None = None, *, join: bool = True, timeout: float = 1.5) -> ShutdownResult:
        """Ends the endpoint and tells every peer why. Shutting down a stopped one does nothing.

        Args:
            reason: for the peers. Default: "servershutdown".
            join: whether to wait until the connections have ended.
            timeout: how long peers have to take what is queued for them, in seconds, at most 60.

        Raises:
            SidecarError: it failed.
        """
        message = command_pb2.EndpointShutdown(reason=reason, join=join)
        message.timeout.FromNanoseconds(round(timeout * 1e9))
        request = api.ShutdownRequest(endpoint_id=self.id, shutdown=message)
        try:
            self._await_earlier()
            answer = self._transport.call("Shutdown", request, api.ShutdownResponse, timeout + _ANSWER)
        except errors.EndpointStoppedError:
            return ShutdownResult(0, 0)
        except SidecarError as error:
            raise errors.translated(error) from None
        return ShutdownResult(answer.delivered, answer.cut)

    def list_connections(self) -> list[endpoint_pb2.ConnectionInfo]:
        """Returns the connections, ordered by id, as the API describes them. Earlier commands have been carried out.

        Raises:
            SidecarError: it failed.
        """
        self._await_earlier()
        found: list[endpoint_pb2.ConnectionInfo] = []
        while True:
            after = found[-1].connection_id if found else 0
            request = api.ListConnectionsRequest(endpoint_id=self.id, page_size=_PAGE, after_connection_id=after)
            try:
                page = self._transport.call("ListConnections", request, api.ListConnectionsResponse, _ANSWER).connections
            except SidecarError as error:
                raise errors.translated(error) from None
            found.extend(page)
            if len(page) < _PAGE:
                return found

    def leave(self) -> None:
        """Stops the endpoint and lets go of it, its last events unread. What the end of a with statement does."""
        with contextlib.suppress(SidecarError):
            self.stop()
        self._engine.stop()
        self._engine.join(_ANSWER)

    def _await_earlier(self) -> None:
        """Waits until all commands before this one were carried out: an acknowledgement of nothing is the last of them."""
        self._ask(command(acknowledge=command_pb2.Acknowledgement(subscriber=SUBSCRIBER)))

    def _ask(self, what: command_pb2.Command, timeout: float = 0.0) -> None:
        """Queues a command and waits for its answer, for longer than the timeout that the sidecar itself observes."""
        try:
            answer = self._engine.ask(what)
        except SidecarError as error:
            raise errors.translated(error) from None
        if not answer.wait(timeout + _ANSWER):
            raise errors.DeadlineExceededError(f"no answer from the sidecar within {timeout + _ANSWER:.0f} s")
        if answer.error is not None:
            raise errors.translated(answer.error)


class ServerEndpoint(Waiting, ServerCommands):
    """A peng3dnet server that runs in the sidecar. Made by Sidecar.bind."""

    def __init__(self, engine: Endpoint, log: Log, transport: Transport, address: events.Address) -> None:
        ServerCommands.__init__(self, engine, address)
        self._log = log
        self._transport = transport


class ClientEndpoint(Waiting, ClientCommands):
    """A peng3dnet client that runs in the sidecar. Made by Sidecar.connect. It stops by itself behind its Closed event."""

    def __init__(
        self,
        engine: Endpoint,
        log: Log,
        transport: Transport,
        local_address: events.Address,
        remote_address: events.Address,
    ) -> None:
        ClientCommands.__init__(self, engine, local_address, remote_address)
        self._log = log
        self._transport = transport
