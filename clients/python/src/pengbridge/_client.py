"""The client: what programs see of it, moved along by the log."""

from __future__ import annotations

import logging
import selectors
import threading
from functools import cached_property
from typing import Any

from . import _config, _endpoint, _errors, _host, _limits, _options, errors, v1
from ._absent import ClientBytes
from ._body import decode
from ._client_state import ClientState
from ._own_packets import ACCEPT, CLOSE, HANDSHAKE, HELLO, SETTYPE
from ._processing import Handlers, guarded
from ._socket import Socket
from ._status import CallError
from ._wire import FIRST_APPLICATION_ID
from .conntypes import ClassicConnectionType
from .constants import (
    CONNTYPE_CLASSIC,
    CONNTYPE_NOTSET,
    MODE_CLOSED,
    SIDE_CLIENT,
    STATE_ACTIVE,
    STATE_CLOSED,
    STATE_HELLOWAIT,
    STATE_WAITTYPE,
)

_CALL_TIMEOUT = 15.0  # seconds; connecting itself has 10

_log = logging.getLogger("pengbridge")


class Client(ClientBytes, ClientState):
    """A peng3dnet client. The sidecar runs the network; process() brings what happened to the program.

    Any thread may send, close and register. Handlers run in the thread that calls process(). The hooks may also be
    assigned: client.on_close = f.

    Args:
        peng: the peng3d instance that gets the events, or None.
        addr: the server, "host:port" or (host, port). None: as the configuration says.
        cfg: the configuration, or None. It is not changed.
        conntype: the connection type to announce.

    Attributes:
        conntype: the type that was announced, once it was; what packet rules compare.
        ssl_seclevel: how well the connection is protected, an SSLSEC constant.
    """

    is_client = True
    is_server = False
    side = SIDE_CLIENT
    _word = "client"

    def __init__(self, peng: Any = None, addr: Any = None, cfg: Any = None, conntype: str = CONNTYPE_CLASSIC) -> None:
        super().__init__(peng, cfg, _ON_SEND)
        self.addr = _config.address(self.cfg, "client", addr)
        self.target_conntype = conntype
        self.conntype = CONNTYPE_NOTSET
        self.ssl_state = "handshake"
        self.ssl_seclevel = 0
        self._is_connected = False
        self._server_ids: dict[str, int] = {}  # of all packets that it has, since the handshake
        self._in_sync = False  # whether packet ids are the server's
        self._has_discarded = False

    def register_packet(self, name: str, obj: Any, n: int | None = None) -> None:
        """Adds a packet type. Its id is brought in line with the server's: by the handshake, or here after that.

        Args and raises as on a server.
        """
        super().register_packet(name, obj, self._server_ids.get(name) if n is None else n)

    # Its life.

    def connect(self) -> None:
        """Connects to the server. Nothing is read before the client starts. The second time nothing happens.

        Raises:
            OSError: nobody listens there, its host is unknown (socket.gaierror), or there is no answer within 10 s.
            ValueError: the address or a setting makes no sense.
            SidecarError: the sidecar cannot be started.
        """
        with self._init_lock:
            if self._is_connected:
                return
            self._prepare()
            host = _host.shared(_limits.memory_budget(self.cfg))
            ignore = self.cfg["net.registry.missingpacketaction"] != "closeconnection"
            request = v1.sidecar_service_pb2.ConnectRequest(
                address=_options.joined(self.addr),
                options=_options.endpoint_options(self),
                conntype=self.target_conntype,
                missing_packet_action=(
                    v1.endpoint_pb2.MISSING_PACKET_ACTION_IGNORE if ignore else v1.endpoint_pb2.MISSING_PACKET_ACTION_CLOSE
                ),
                disable_registry_sync=not self.cfg["net.registry.autosync"],
            )
            try:
                answer = host.transport.call("Connect", request, v1.sidecar_service_pb2.ConnectResponse, _CALL_TIMEOUT)
            except CallError as error:
                raise _errors.of_connect(error, request.address) from None
            self._is_connected = True
            self.ssl_seclevel = answer.tls_level
            local = (answer.local_address.host, answer.local_address.port)
            remote = (answer.remote_address.host, answer.remote_address.port)
            self.sock = Socket(local, remote, self.close_connection)
            self._set_state(STATE_HELLOWAIT)
            endpoint = _endpoint.Endpoint(host, answer.endpoint_id, self._inbox)
            self._adopt(endpoint, {declared.name: declared.id for declared in request.options.packets})
        if "connect" in self._prints:
            print("HELLO")
        self._emit("connect", addr=self.addr, sock=self.sock)

    def runBlocking(self, selector: Any = selectors.DefaultSelector) -> None:
        """Initializes, connects and starts, and returns when the client has ended. A second call does nothing.

        Args:
            selector: not used.

        Raises:
            As connect.
        """
        with self._init_lock:
            if self._is_started or not self.run:
                return
            self._is_started = True
        try:
            self._prepare()  # connect does it, too; but subclasses that override either know them as two steps
            self.connect()
            endpoint = self._running()
            self._emit("start")
            endpoint.start()
        except Exception as error:
            self._fail(error)
            if self._is_stopped:  # meanwhile: whether it would have worked does not matter any more
                return
            raise
        endpoint.ended.wait()

    def runAsync(self, selector: Any = selectors.DefaultSelector) -> None:
        """The same in a thread of its own. A failure to connect is logged, and ends wait_for_connection at once."""
        if self._run_thread is None:
            self._run_thread = threading.Thread(target=self._run, name="peng3dnet Client Thread", daemon=True)
            self._run_thread.start()

    def _run(self) -> None:
        try:
            self.runBlocking()
        except Exception as error:
            _log.error("the client ends: %s", error)

    # Sending.

    def send_message(self, ptype: Any, data: Any, cid: int | None = None) -> None:
        """Sends a packet. It never waits for the network; hooks and the event run before it returns.

        Failures that show later go to on_send_error; so does a packet for a connection that is closed.

        Args:
            ptype: the packet's name, id or object.
            data: the body.
            cid: not used.

        Raises:
            KeyError: no such packet.
            TypeError, ValueError, OverflowError: data cannot be encoded, or map keys are neither str nor bytes.
            SidecarError: the client is not running.
        """
        pid = self.registry.getInt(ptype)
        if pid < FIRST_APPLICATION_ID:
            self._send_internal(pid, data)
            return
        endpoint = self._running()
        if self._has_closed:
            error = errors.SidecarError(f"the connection is closed: {self._close_reason}", "UNKNOWN_CONNECTION")
            guarded(self.on_send_error, None, ptype, error)
            return
        if not self._may_send(ptype, pid, data, self, None, self.conntypes.get(self.target_conntype)):
            return
        # Until the handshake is done here, the sidecar may know other ids than we do; names are always right.
        known = pid if self._in_sync else self.registry.reg_int_str.get(pid, pid)
        endpoint.send(None, known, self._encoder.encode(data), ptype)

    def close_connection(self, cid: int | None = None, reason: str | None = None) -> None:
        """Closes the connection: what was sent before goes out, then the reason. Without a connection nothing happens.

        Args:
            cid: not used.
            reason: what the server, and on_close, get to know: text of at most 1024 bytes, to which others are cut.
        """
        if self._endpoint is not None and self.run and not self._has_closed:
            reason = _options.reason(reason)
            self._announce(CLOSE, {"reason": reason}, self)
            self._put_close(self._endpoint, 0, reason)

    def close(self, reason: str | None = None) -> None:
        """The same as close_connection."""
        self.close_connection(None, reason)

    def _send_internal(self, pid: int, data: Any) -> None:
        if pid != CLOSE:
            raise ValueError("the sidecar sends the handshake's packets; only closeconn can be sent here")
        self.close_connection(None, data.get("reason") if isinstance(data, dict) else None)

    def _shown(self, pid: int, payload: Any) -> Any:
        return payload

    def _emit_send(self, ptype: Any, data: Any, target: Any) -> None:
        if "send" in self._prints:
            print(f"SEND {ptype}")
        self._emit("send", pid=ptype, data=data)

    # Hooks.

    def on_connect(self) -> None:
        """Never called, as in peng3dnet."""

    def on_handshake_complete(self) -> None:
        """Called when packets can be sent and received, before wait_for_connection returns.

        Connection types with a handshake of their own call it at the end of that, as it is here: it makes the connection
        active and reports it, if that was not done.
        """
        if self._state < STATE_ACTIVE:
            self.remote_state = STATE_ACTIVE
            self._emit("handshakecomplete")

    def on_close(self, reason: str | None = None) -> None:
        """Called once, when the connection was closed. remote_state is still what it was before.

        Args:
            reason: why, as whoever closed it said.
        """

    def on_receive(self, ptype: int, msg: Any) -> None:
        """Called for each packet that came in, after the packet's own handler.

        Args:
            ptype: the packet's id.
            msg: the decoded body.
        """

    def on_send(self, ptype: Any, msg: Any) -> None:
        """Called for each packet that is about to go out.

        Args:
            ptype: the packet type as the sender gave it.
            msg: the body as it was given.
        """

    # What the log brings.

    @cached_property
    def _handlers(self) -> Handlers:
        return {
            v1.event_pb2.EVENT_TYPE_CLIENT_HANDSHAKECOMPLETE: self._on_handshake_complete,
            v1.event_pb2.EVENT_TYPE_CLIENT_RECV: self._on_recv,
            v1.event_pb2.EVENT_TYPE_CLIENT_CLOSE: self._on_close,
        }

    @cached_property
    def _received(self) -> int:
        return v1.event_pb2.EVENT_TYPE_CLIENT_RECV

    def _on_recv(self, event: v1.event_pb2.Event) -> None:
        pid = event.packet_id
        conntype = self.conntypes.get(self.target_conntype)
        if event.refused and not self._is_handled(pid, self, conntype):
            return
        try:
            msg = decode(event.msgpack)
        except ValueError:  # the sidecar has checked it, but for what only Python minds
            self.close_connection(None, "malformedpacket")
            return
        if not self._deliver(pid, msg, self, None, conntype):
            return
        if "recv" in self._prints:
            print(f"RECV {self._name_of(pid)}")
        if self._events:
            self._emit("recv", pid=pid, msg=msg)
        if event.refused:
            return
        if pid == HELLO:
            self._announce_type()
        elif pid == HANDSHAKE:
            registered = msg.get("registry") if isinstance(msg, dict) else None
            if self.cfg["net.registry.autosync"] and isinstance(registered, dict):  # if not, the sidecar closes
                self._server_ids = registered
            self._announce(ACCEPT, {"success": True}, self)

    def _announce_type(self) -> None:
        self._announce(SETTYPE, {"conntype": self.target_conntype}, self)
        self.conntype = self.target_conntype
        self._set_state(STATE_WAITTYPE)
        conntype = self.conntypes.get(self.conntype)
        if conntype is not None:
            self._in_sync = not isinstance(conntype, ClassicConnectionType)
            guarded(conntype.init, None)

    def _on_handshake_complete(self, event: v1.event_pb2.Event) -> None:
        self.registry._renumber({row.name: row.id for row in event.registry})
        self._in_sync = True
        self._state = STATE_ACTIVE
        self._emit("handshakecomplete")
        guarded(self.on_handshake_complete)
        with self._state_lock:
            self._changed.notify_all()

    def _on_close(self, event: v1.event_pb2.Event) -> None:
        self._close_detail = event.detail
        self._closed(event.reason if event.HasField("reason") else None)

    def _closed(self, reason: str | None) -> None:
        if self._has_closed:
            return
        self._close_reason = reason
        if "close" in self._prints:
            print(f"CLOSE because {reason}")
        self._emit("close", reason=reason)
        self._mode = MODE_CLOSED
        is_heard = self.run  # whoever waits for the close may stop the client before we get to the hook
        self._set_closed()
        if is_heard:
            guarded(self.on_close, reason)
        self._state = STATE_CLOSED

    def _close_all(self, reason: str) -> None:
        self._closed(reason)


_ON_SEND = Client.on_send  # as it is here, which looks at nothing
