"""The server: what programs see of it, moved along by the log."""

from __future__ import annotations

import contextlib
import selectors
import time
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgpack

from . import _config, _endpoint, _errors, _host, _limits, _options, errors, v1, version
from ._absent import ServerBytes
from ._body import decode
from ._client_on_server import ClientOnServer, Clients
from ._own_packets import CLOSE, HANDSHAKE, HELLO, SETTYPE
from ._peer import Peer
from ._processing import Handlers, guarded
from ._socket import Socket
from ._status import CallError
from ._wire import FIRST_APPLICATION_ID
from .conntypes import ClassicConnectionType
from .constants import (
    CONNTYPE_CLASSIC,
    CONNTYPE_PING,
    MODE_CLOSED,
    SIDE_SERVER,
    STATE_ACTIVE,
    STATE_CLOSED,
    STATE_HELLOWAIT,
    STATE_WAITTYPE,
)

_CALL_TIMEOUT = 15.0  # seconds

_ON_SEND = ClientOnServer.on_send  # as it is here, which looks at nothing


class Server(ServerBytes, Peer):
    """A peng3dnet server. The sidecar runs the network; process() brings what happened to the program.

    Any thread may send, close and register. Handlers run in the thread that calls process().

    Args:
        peng: the peng3d instance that gets the events, or None.
        addr: where to listen, "host:port" or (host, port). None: as the configuration says. Port 0: any free one, which
            sock.getsockname() tells.
        clientcls: what clients are made of. None: ClientOnServer.
        cfg: the configuration, or None. It is not changed.

    Attributes:
        clients: the clients by cid, from before on_connect until after on_close.
    """

    is_client = False
    is_server = True
    side = SIDE_SERVER
    _word = "server"

    def __init__(self, peng: Any = None, addr: Any = None, clientcls: Any = None, cfg: Any = None) -> None:
        super().__init__(peng, cfg, _ON_SEND)
        self.addr = _config.address(self.cfg, "server", addr)
        self.clientcls = ClientOnServer if clientcls is None else clientcls
        self.clients: Clients[int, Any] = Clients()
        self._is_bound = False
        self._security_level = 0

    # Its life.

    def bind(self) -> None:
        """Binds the address. Nothing is accepted before the server starts. The second time nothing happens.

        Raises:
            OSError: the address is in use, another machine's, or not permitted; its host is unknown (socket.gaierror).
            ValueError: the address or a setting makes no sense.
            SidecarError: the sidecar cannot be started.
        """
        with self._init_lock:
            if self._is_bound:
                return
            self._prepare()
            host = _host.shared(_limits.memory_budget(self.cfg))
            request = v1.sidecar_service_pb2.BindRequest(
                address=_options.joined(self.addr), options=_options.endpoint_options(self)
            )
            if CONNTYPE_PING in self.conntypes:
                request.ping.CopyFrom(v1.packet_pb2.PingOptions(application_answers=True))
            try:
                answer = host.transport.call("Bind", request, v1.sidecar_service_pb2.BindResponse, _CALL_TIMEOUT)
            except CallError as error:
                raise _errors.of_bind(error, request.address) from None
            self._is_bound = True
            self._security_level = _options.server_security_level(request.options)
            self.sock = Socket((answer.address.host, answer.address.port), None, self.stop)
            endpoint = _endpoint.Endpoint(host, answer.endpoint_id, self._inbox)
            self._adopt(endpoint, {declared.name: declared.id for declared in request.options.packets})
        self._emit("bind", addr=(self.addr[0], answer.address.port))

    def runAsync(self, selector: Any = selectors.DefaultSelector) -> None:
        """Initializes, binds and starts. What peng3dnet needs a thread for, the sidecar does. A second call does nothing.

        Args:
            selector: not used.

        Raises:
            As bind.
        """
        with self._init_lock:
            if self._is_started or not self.run:
                return
            self._prepare()  # bind does it, too; but subclasses that override either know them as two steps
            self.bind()
            try:
                endpoint = self._running()
                self._emit("start")
                endpoint.start()
            except errors.SidecarError:
                if self._is_stopped:  # meanwhile, by another thread
                    return
                raise
            self._is_started = True

    def runBlocking(self, selector: Any = selectors.DefaultSelector) -> None:
        """The same, but returns only when the server has ended."""
        started_here = not self._is_started
        self.runAsync(selector)
        if started_here and self._endpoint is not None:
            self._endpoint.ended.wait()

    def shutdown(self, join: bool = True, timeout: float = 0, reason: str = "servershutdown") -> None:
        """Closes every connection with a reason, then stops.

        Every client gets the reason, also without a timeout; on_close is called for those that are gone before it is over.
        It may be called from a handler.

        Args:
            join: whether to wait: for the clients to be gone, and then for everything else to end.
            timeout: for how long, in seconds. 0: only until every client was told, not for a handler that runs.
            reason: what clients get to know; as for close_connection.
        """
        deadline = time.monotonic() + timeout
        if self._endpoint is not None and self.run:
            for cid in self.clients:
                self._close_if_there(cid, reason)
            request = v1.command_pb2.EndpointShutdown(reason=_options.reason(reason), join=bool(join))
            if timeout > 0:
                request.timeout.FromNanoseconds(int(min(timeout, 60.0) * 1e9))
            self._endpoint.tell(_endpoint.command(shutdown=request))
            if join:
                self._pump(lambda: not self.clients, timeout)
        self.stop()
        self._emit("shutdown", reason=reason, join=join, timeout=timeout)
        if join and timeout:
            self.join(max(0.0, deadline - time.monotonic()))
        elif join:
            self._await_end(None)

    # Sending.

    def send_message(self, ptype: Any, data: Any, cid: int) -> None:
        """Sends a packet. It never waits for the network; hooks and the event run before it returns.

        A client that has closed meanwhile, and is still in clients, is passed over and counted in sends_discarded. Other
        failures that show later go to on_send_error.

        Args:
            ptype: the packet's name, id or object.
            data: the body.
            cid: the client.

        Raises:
            KeyError: no such packet, or no such client.
            TypeError, ValueError, OverflowError: data cannot be encoded, or map keys are neither str nor bytes.
            SidecarError: the server is not running.
        """
        pid = self.registry.getInt(ptype)
        client = self.clients[cid]
        if pid < FIRST_APPLICATION_ID:
            self._send_internal(pid, data, cid)
            return
        endpoint = self._running()
        body = self._encoder.encode(data)
        if self._may_send(ptype, pid, body, client, cid, self.conntypes.get(client.conntype)):
            endpoint.send(cid, pid, body, ptype)

    def broadcast(self, ptype: Any, data: Any, cids: Iterable[int] | None = None, exclude: Iterable[int] = ()) -> int:
        """Sends a packet to many clients; it is encoded once.

        Args:
            ptype: the packet's name, id or object.
            data: the body.
            cids: the clients; those that are gone are passed over. None: all that are active.
            exclude: clients to leave out.

        Returns:
            To how many it is on its way.

        Raises:
            As send_message, but for clients that are gone.
        """
        pid = self.registry.getInt(ptype)
        if pid < FIRST_APPLICATION_ID:
            raise ValueError("the protocol's own packets cannot be broadcast")
        endpoint = self._running()
        body = self._encoder.encode(data)
        if cids is None:
            clients = [c for c in list(dict.values(self.clients)) if STATE_ACTIVE <= c._state < STATE_CLOSED]
        else:
            clients = [c for cid in cids if (c := self.clients.get(cid)) is not None]
        if left_out := frozenset(exclude):
            clients = [c for c in clients if c.cid not in left_out]
        free = self._is_free_for_all(pid)
        targets = [
            c.cid
            for c in clients
            # The first is _is_heard, written out: the call would take as long as all the rest.
            if (free and getattr(c.on_send, "__func__", None) is _ON_SEND)
            or self._may_send(ptype, pid, body, c, c.cid, self.conntypes.get(c.conntype))
        ]
        if targets:
            message = v1.command_pb2.BroadcastMessage(
                id=pid, body=v1.packet_pb2.PacketBody(msgpack=body), connection_ids=targets
            )
            endpoint.put(_endpoint.command(broadcast=message), None, ptype)
        return len(targets)

    def close_connection(self, cid: int, reason: str | None = None) -> None:
        """Closes a client's connection: what was sent before goes out, then the reason.

        Args:
            cid: the client.
            reason: what the client, and on_close, get to know: text of at most 1024 bytes, to which others are cut.

        Raises:
            KeyError: no such client.
        """
        client = self.clients[cid]
        reason = _options.reason(reason)
        if self._endpoint is not None and self.run:  # else it is closing with the server
            self._announce_close(client, reason)
            self._put_close(self._endpoint, cid, reason)

    def _shown(self, pid: int, payload: bytes) -> bytes:
        return self._frame(pid, payload)

    def _send_internal(self, pid: int, data: Any, cid: int) -> None:
        if pid != CLOSE:
            raise ValueError("the sidecar sends the handshake's packets; only closeconn can be sent here")
        self.close_connection(cid, data.get("reason") if isinstance(data, dict) else None)

    def _announce_close(self, client: Any, reason: str | None) -> None:
        self._announce_frame(CLOSE, {"reason": reason}, client)

    def _announce_frame(self, pid: int, body: dict[str, Any], client: Any) -> None:
        if self._is_watched(client):
            self._announce(pid, self._frame(pid, msgpack.packb(body)), client)

    def _emit_send(self, ptype: Any, data: Any, target: Any) -> None:
        if "send" in self._prints:
            print(f"SEND {ptype} to {target.cid}")
        self._emit("connection.send", client=target, pid=ptype, data=data)

    # What the log brings.

    @cached_property
    def _handlers(self) -> Handlers:
        return {
            v1.event_pb2.EVENT_TYPE_SERVER_CONNECTION_ACCEPT: self._on_accept,
            v1.event_pb2.EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE: self._on_handshake_complete,
            v1.event_pb2.EVENT_TYPE_SERVER_CONNECTION_RECV: self._on_recv,
            v1.event_pb2.EVENT_TYPE_SERVER_CONNECTION_CLOSE: self._on_close,
        }

    @cached_property
    def _received(self) -> int:
        return v1.event_pb2.EVENT_TYPE_SERVER_CONNECTION_RECV

    def _on_accept(self, event: v1.event_pb2.Event) -> None:
        cid = event.connection_id
        remote = (event.address.host, event.address.port)
        local = (event.local_address.host, event.local_address.port)
        conn = Socket(local, remote, lambda: self._close_if_there(cid))
        client = guarded(self.clientcls, self, conn, remote, cid)
        if client is None:  # its constructor failed
            self._put_close(self._running(), cid, None)
            return
        client._state = STATE_HELLOWAIT
        self.clients[cid] = client
        guarded(client.on_connect)
        if "connect" in self._prints:
            print(f"HELLO {cid}")
        self._emit("connection.accept", sock=conn, addr=remote, client=client, cid=cid)
        hello = {"version": version.VERSION, "protoversion": version.PROTOVERSION}
        self._announce_frame(HELLO, hello, client)
        client._state = STATE_WAITTYPE

    def _on_recv(self, event: v1.event_pb2.Event) -> None:
        cid, pid = event.connection_id, event.packet_id
        client = self.clients.get(cid)
        if client is None or (event.refused and not self._is_handled(pid, client, self.conntypes.get(client.conntype))):
            return
        try:
            msg = decode(event.msgpack)
        except ValueError:  # the sidecar has checked it, but for what only Python minds
            guarded(self.close_connection, cid, "malformedpacket")
            return
        begins = pid == SETTYPE and not event.refused and isinstance(wanted := _conntype(msg), str)
        if begins:
            client._conntype = wanted
        if not self._deliver(pid, msg, client, cid, self.conntypes.get(client.conntype)):
            return
        if "recv" in self._prints:
            print(f"RECV {self._name_of(pid)} {time.time()}")
        if self._events:
            self._emit("connection.recv", client=client, pid=pid, msg=msg)
        if begins:
            self._begin_type(client)

    def _begin_type(self, client: Any) -> None:
        conntype = self.conntypes.get(client.conntype)
        if conntype is None:
            return  # unknown: the sidecar closes the connection, and the log says so
        guarded(conntype.init, client.cid)
        if isinstance(conntype, ClassicConnectionType) and self._is_watched(client):
            registered = {name: pid for pid, name in self.registry.reg_int_str.items()}
            shown = {"version": version.VERSION, "protoversion": version.PROTOVERSION, "registry": registered}
            self._announce_frame(HANDSHAKE, shown, client)

    def _on_handshake_complete(self, event: v1.event_pb2.Event) -> None:
        client = self.clients.get(event.connection_id)
        if client is None:
            return
        client._state = STATE_ACTIVE
        self._emit("connection.handshakecomplete", client=client)
        guarded(client.on_handshake_complete)

    def _on_close(self, event: v1.event_pb2.Event) -> None:
        self._closed(event.connection_id, event.reason if event.HasField("reason") else None)

    def _closed(self, cid: int, reason: str | None) -> None:
        client = self.clients.get(cid)
        if client is None:
            return
        if "close" in self._prints:
            print(f"CLOSE {cid} because of {reason}")
        self._emit("connection.close", client=client, reason=reason)
        if self.run:
            guarded(client.on_close, reason)
        client._state, client._mode = STATE_CLOSED, MODE_CLOSED
        self.clients.pop(cid, None)  # on_close may have done it

    def _close_all(self, reason: str) -> None:
        for cid in self.clients:
            self._closed(cid, reason)

    def _close_if_there(self, cid: int, reason: str | None = None) -> None:
        with contextlib.suppress(KeyError):  # it may just be gone
            self.close_connection(cid, reason)


def _conntype(settype: Any) -> Any:
    """The connection type that a peer wants. One that sends something else is closed by the sidecar, and the log says so."""
    return settype.get("conntype", CONNTYPE_CLASSIC) if isinstance(settype, dict) else None
