"""Sidecar: the way into the API for new programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from .. import _attach, _body, _host, _inbox
from .._endpoint import Endpoint, command
from .._status import CallError
from ..errors import SidecarError
from ..v1 import command_pb2, endpoint_pb2
from ..v1 import sidecar_service_pb2 as api
from . import errors, events, options, requests
from .endpoint import ClientEndpoint, ServerEndpoint
from .log import Log

_CALL = 10.0  # seconds for what the sidecar does at once, beyond what it was given itself

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True)
class Pong:
    """A server's answer to a ping.

    Attributes:
        data: a map with the request as "oldmsg", the server's own keys, and its version as "peng3dnet".
        delay: from the request to the answer, in seconds.
        received_unix_nano: when it came, in nanoseconds since 1970-01-01 UTC.
    """

    data: Any
    delay: float
    received_unix_nano: int


class Sidecar:
    """A running sidecar. Any thread may use it. In a forked child it is of no use: everything raises SidecarError.

    Get one from spawn or attach. It is a context manager, which closes it in the end.
    """

    def __init__(self, host: _host.Host) -> None:
        self._host = host

    @classmethod
    def spawn(cls, *, memory_budget_bytes: int | None = None) -> Sidecar:
        """Starts a sidecar of this program's own.

        It ends with close(), and with the program, however that ends; what was sent before an orderly end goes out first.

        Args:
            memory_budget_bytes: what it may hold for peers and in event logs, all endpoints together; at least 1024. Beyond
                it, the connection that holds most is closed. None: 1 GiB.

        Raises:
            SidecarError: it cannot be started.
            ValueError: the budget makes no sense.
        """
        if memory_budget_bytes is not None and memory_budget_bytes < 1024:
            raise ValueError(f"memory_budget_bytes is {memory_budget_bytes}; it has to be 1024 or more")
        try:
            return cls(_host.spawn(memory_budget_bytes))
        except CallError as error:
            raise errors.translated(error) from None

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
    ) -> Sidecar:
        """Connects to a sidecar that somebody else runs, with `pengbridge serve --listen ... --token-file ...`.

        Args:
            address: "host:port" or "unix:/path". None: what the environment variable PENGBRIDGE_ADDRESS says.
            token_file: whose first token is used; nobody else may be able to read it. None: what PENGBRIDGE_TOKEN_FILE says.
            ca_file: PEM certificates of who vouches for a sidecar that was started with --tls-cert. None: without TLS.
            certificate_file: our PEM certificate chain, for a sidecar that was started with --tls-client-ca.
            key_file: its private key.
            timeout: how long to wait for an answer, in seconds.

        Raises:
            PermissionDeniedError: it does not take the token.
            DeadlineExceededError: nobody answers.
            SidecarError: address or token are missing, or make no sense.
        """
        try:
            return cls(_host.Host(_attach.find(address, token_file, ca_file, certificate_file, key_file), timeout))
        except CallError as error:
            raise errors.translated(error) from None

    def __enter__(self) -> Sidecar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every endpoint that was made here; what was sent goes out first. A spawned sidecar ends, too.

        It takes 4 s at most. Closing twice does nothing.
        """
        self._host.close()

    def bind(
        self,
        address: str | tuple[str, int] = "",
        packets: Iterable[str | options.Packet] = (),
        endpoint_options: options.EndpointOptions | None = None,
        *,
        ping: options.PingOptions | None = None,
    ) -> ServerEndpoint:
        """Makes a server.

        Args:
            address: "host:port", "host", ":port" or (host, port); port 0 is any free one. Empty: 0.0.0.0:8080.
            packets: its packet types, by name or with more to say, in the order of their registration.
            endpoint_options: what it is like.
            ping: whether and how pings are answered.

        Raises:
            AlreadyExistsError: the address is in use, or two packets have one name.
            PermissionDeniedError: the system refuses the address.
            UnavailableError: the host is unknown, or not this machine.
            TypeError, ValueError: the address, a packet or an option makes no sense.
            SidecarError: it failed otherwise.
        """
        wishes = endpoint_options or options.EndpointOptions()
        request = requests.bind(address, packets, wishes, ping)
        answer = self._call("Bind", request, api.BindResponse)
        engine, log = self._open(answer.endpoint_id, wishes)
        return ServerEndpoint(engine, log, self._host.transport, events.address_of(answer.address))

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
    ) -> ClientEndpoint:
        """Makes a client and connects it.

        Args:
            address: the server, "host:port", "host" or (host, port); the port defaults to 8080.
            packets: its packet types, by name or with more to say. The server's ids count.
            endpoint_options: what it is like.
            conntype: the connection type to announce. Empty: "classic".
            wait_handshake: whether to return only when packets may be sent. Not possible with deferred_start.
            timeout: how long it may take, in seconds, at most 300.
            ignore_missing_packets: whether a server may have other packet types than this client; if not, the connection is
                closed with "packetregmismatch".
            disable_registry_sync: whether this client's own packet ids are kept, whatever the server's are.

        Raises:
            UnavailableError: nobody listens there, or the host is unknown.
            DeadlineExceededError: there is no answer in time.
            HandshakeError: the handshake failed.
            TypeError, ValueError: the address, a packet or an option makes no sense.
            SidecarError: it failed otherwise.
        """
        wishes = endpoint_options or options.EndpointOptions()
        request = requests.connect(
            address, packets, wishes, conntype, wait_handshake, timeout, ignore_missing_packets, disable_registry_sync
        )
        answer = self._call("Connect", request, api.ConnectResponse, timeout)
        engine, log = self._open(answer.endpoint_id, wishes)
        local, remote = events.address_of(answer.local_address), events.address_of(answer.remote_address)
        return ClientEndpoint(engine, log, self._host.transport, local, remote)

    def ping(
        self,
        address: str | tuple[str, int],
        data: Mapping[str, Any] | None = None,
        *,
        timeout: float = 10.0,
        tls: options.TlsOptions | None = None,
    ) -> Pong:
        """Asks a peng3dnet server how it is, without joining it.

        Args:
            address: the server, as for connect.
            data: what to send along; the server returns it. "time" is added.
            timeout: in seconds, at most 300.
            tls: TLS for the connection.

        Raises:
            UnavailableError: nobody listens there, or the host is unknown.
            DeadlineExceededError: there is no answer in time.
            FailedPreconditionError: the server does not answer pings.
            SidecarError: it failed otherwise.
        """
        request = api.PingRequest(address=requests.address_text(address))
        request.data.msgpack = _body.Encoder().encode(dict(data or {}))
        request.timeout.FromNanoseconds(round(timeout * 1e9))
        if tls is not None:
            options.fill(request.tls, tls)
        answer = self._call("Ping", request, api.PingResponse, timeout)
        return Pong(_body.decode(answer.data.msgpack), answer.delay.ToNanoseconds() / 1e9, answer.received_unix_nano)

    def info(self) -> api.GetInfoResponse:
        """Returns what this sidecar is, as the API describes it: versions, limits, process.

        Raises:
            SidecarError: it was lost, or closed.
        """
        return self._call("GetInfo", api.GetInfoRequest(), api.GetInfoResponse)

    def list_endpoints(self) -> list[endpoint_pb2.EndpointInfo]:
        """Returns the endpoints that the token's owner has in this sidecar, as the API describes them.

        Raises:
            SidecarError: it was lost, or closed.
        """
        return list(self._call("ListEndpoints", api.ListEndpointsRequest(), api.ListEndpointsResponse).endpoints)

    def _open(self, endpoint_id: str, wishes: options.EndpointOptions) -> tuple[Endpoint, Log]:
        inbox = _inbox.Inbox()
        engine = Endpoint(self._host, endpoint_id, inbox)

        def stop() -> None:
            engine.tell(command(stop=command_pb2.EndpointStop()))

        return engine, Log(inbox, engine.acknowledge, engine.read_ahead, stop, wishes.report_internal)

    def _call(self, method: str, request: Message, answer: type[Answer], timeout: float = 0.0) -> Answer:
        """Makes a call, with more time than the timeout that the sidecar itself observes."""
        if self._host.closed:
            raise SidecarError("the sidecar is closed: make a new one", "SIDECAR_CLOSED")
        try:
            return self._host.transport.call(method, request, answer, timeout + _CALL)
        except SidecarError as error:
            raise errors.translated(error) from None
