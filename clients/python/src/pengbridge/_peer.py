"""What Server and Client have in common: configuration, registrations, events, and how they come to their end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from . import _config, _endpoint, _errors, _inbox, _options, _own_packets, conntypes, errors, registry, v1
from ._body import Encoder
from ._processing import Processing, guarded, join_thread, log_failure
from ._sending import Sending
from ._wire import FIRST_APPLICATION_ID
from .constants import CONNTYPE_CLASSIC, CONNTYPE_PING, STATE_ACTIVE, STATE_CLOSED
from .packet import Packet

_log = logging.getLogger("pengbridge")

_PRINTED = ("recv", "send", "connect", "close")
_TELL_TIMEOUT = 5.0  # seconds; it takes less than a millisecond
_STOP_TIMEOUT = 0.1  # seconds; it takes a tenth of a millisecond
_END_TIMEOUT = 10.0  # seconds; the sidecar itself gives slow peers less
_UNKNOWN_CONNECTION = "UNKNOWN_CONNECTION"


class Peer(Processing, Sending):
    """The base of Server and Client.

    Attributes:
        peng: the peng3d instance that gets the events, or None.
        cfg: the configuration.
        run: True until stop() or the end of the endpoint.
        registry: the packets.
        conntypes: the connection types, by name.
        sends_discarded: how many packets went to connections that turned out to be closed.
        receives_discarded: how many packets came in that have no handler: of a type that is not registered, or before the
            connection's own type was known. Each connection's first is logged.
    """

    is_client: bool
    is_server: bool
    side: int
    _word: str  # as in event names

    def __init__(self, peng: Any, cfg: Any, on_send: Callable[..., None]) -> None:
        super().__init__()
        self._our_on_send, self._our_send_event = on_send, _SEND_EVENT
        self.peng = peng
        layer = getattr(peng, "cfg", None)
        self.cfg = _config.Config(cfg, *(() if layer is None else (layer,)))
        if self.cfg["net.events.enable"] == "auto":
            self.cfg["net.events.enable"] = peng is not None
        self._peng_listens = bool(self.cfg["net.events.enable"]) and peng is not None
        self.run = True
        self.sock: Any = None
        self.selector: Any = None
        self.conntypes: dict[str, Any] = {}
        self.registry = registry.PacketRegistry()
        self.sends_discarded = 0
        self.receives_discarded = 0
        self._init_lock = threading.RLock()
        self._is_initialized = False
        self._is_started = False
        self._is_stopped = False
        self._run_thread: threading.Thread | None = None
        self._stop_thread: threading.Thread | None = None
        self._declared: dict[str, int] = {}  # the packets that the sidecar knows, by name
        self._encoder = Encoder()
        self._compression = _config.compression(self.cfg)
        self._strict = False
        self._prints: frozenset[str] = frozenset()
        self._observed = self._peng_listens

    # Registrations.

    def register_packet(self, name: str, obj: Packet, n: int | None = None) -> None:
        """Adds a packet type. On a client, the handshake brings its id in line with the server's.

        Args:
            name: its name, which both sides know it by.
            obj: what handles it.
            n: its id, from 64 up. None: the next free one.

        Raises:
            TypeError: obj is no Packet, or name no string.
            AlreadyRegisteredError: name, obj or id is taken.
            ValueError: the id is below 64 or above 2**32-1; the name is not of 1 to 512 bytes, or one of the protocol's own.
        """
        _options.check_packet(name, n)
        self.registry.register(obj, name, n)

    def addConnType(self, t: str, obj: conntypes.ConnectionType) -> None:
        """Adds a connection type.

        Raises:
            AlreadyRegisteredError: the name is taken.
            RegistryError: it is "ping", and the server runs already without that.
        """
        if t in self.conntypes:
            raise errors.AlreadyRegisteredError(f"Connection type {t} has already been registered")
        if t == CONNTYPE_PING and self._endpoint is not None:
            raise errors.RegistryError("pings have to be possible from the start: add the connection type before that")
        self.conntypes[t] = obj
        if self._endpoint is not None:
            kinds = v1.command_pb2.ConntypeRegistration(conntypes=[_options.conntype(t, obj)])
            self._tell(_endpoint.command(register_conntypes=kinds))

    def initialize(self) -> None:
        """Registers the protocol's own packets and connection types, then calls the hooks _reg_packets_* and
        _reg_conntypes_*. Starting does it, too; the second time nothing happens."""
        with self._init_lock:
            if self._is_initialized:
                return
            self._is_initialized = True
            for number, kind in _own_packets.KINDS.items():
                self.registry.register(kind(self.registry, self), _own_packets.NAMES[number], number)
            for hook in _options.hooks(self, "_reg_packets_"):
                hook()
            if CONNTYPE_CLASSIC not in self.conntypes:
                self.addConnType(CONNTYPE_CLASSIC, conntypes.ClassicConnectionType(self))
            for hook in _options.hooks(self, "_reg_conntypes_"):
                hook()
        self._emit("initialize")

    def _prepare(self) -> None:
        if not self._is_initialized:  # a subclass may add what cannot be done twice
            self.initialize()

    # Events.

    @property
    def _events(self) -> bool:
        """Whether anybody gets events: a peng, or a sendEvent of the program's own, which may come and go."""
        try:
            return self._peng_listens or self.sendEvent.__func__ is not _SEND_EVENT  # type: ignore[attr-defined]
        except AttributeError:  # a function that was put into an object is no method
            return True

    def _emit(self, name: str, **data: Any) -> None:
        if self._events:
            guarded(self.sendEvent, f"peng3dnet:{self._word}.{name}", data)

    def sendEvent(self, event: str, data: dict[str, Any] | None = None) -> None:
        """Sends an event to the peng, if there is one and events are on. The library's own go this way, too: a subclass
        that overrides it gets them all, with or without a peng, and so does what is assigned to it, from then on.

        Args:
            event: its name.
            data: its data, to which peng and server, or client, are added.
        """
        if self._peng_listens:
            data = {} if data is None else data
            data["peng"] = self.peng
            data[self._word] = self
            self.peng.sendEvent(event, data)

    def on_send_error(self, cid: int | None, ptype: Any, error: Exception) -> None:
        """Called while processing when a packet that was queued could not be sent. Override it; this one logs.

        Args:
            cid: the connection; None on a client.
            ptype: the packet type as it was given.
            error: why.
        """
        _log.warning("packet %s for %s was not sent: %s", ptype, "the server" if cid is None else cid, error)

    def on_sidecar_lost(self, error: Exception) -> None:
        """Called while processing when the sidecar process ended unasked, after every connection was reported closed
        with the reason "sidecarlost". Override it; this one logs."""
        _log.error("the sidecar was lost: %s", error)

    # Sending.

    def flush(self, timeout: float = 5.0) -> None:
        """Waits until everything that was sent before was handed to the operating system.

        Args:
            timeout: in seconds, at most 60.

        Raises:
            TimedOutError: it took longer. What is queued stays queued.
            SidecarError: the server or client is not running.
        """
        request = v1.command_pb2.Flush()
        request.timeout.FromNanoseconds(int(timeout * 1e9))
        answer = self._running().ask(_endpoint.command(flush=request))
        if not answer.wait(timeout):
            raise errors.TimedOutError(f"not everything was sent within {timeout} s")
        if answer.error is not None:
            raise _errors.of_answer(answer.error)

    def _running(self) -> _endpoint.Endpoint:
        if self._endpoint is None or not self.run:
            raise errors.SidecarError(f"the {self._word} is not running: {self._why_not_running()}", "ENDPOINT_STOPPED")
        return self._endpoint

    def _why_not_running(self) -> str:
        if not self.run:
            return "it has ended"
        return "it is still starting" if self._run_thread is not None else "start it, with runAsync or runBlocking"

    def _share(self, cid: int, name: str, value: Any) -> None:
        """Tells the sidecar what the application has set of a connection, if the sidecar can know such a value: a state or a
        mode for those who look from outside, the type because it decides which ids pass. Rules are Python's own."""
        if self._endpoint is not None and self.run and self._can_share(name, value):
            update = v1.command_pb2.ConnectionUpdate(connection_id=cid, **{name: value})
            self._endpoint.tell(_endpoint.command(update=update))

    def _can_share(self, name: str, value: Any) -> bool:
        if name == "conntype":
            return isinstance(value, str) and value in self.conntypes and value != CONNTYPE_PING
        lowest = STATE_ACTIVE if name == "state" else 0
        return isinstance(value, int) and lowest <= value < 1 << 32 and (name, value) != ("state", STATE_CLOSED)

    def _put_close(self, endpoint: _endpoint.Endpoint, cid: int, reason: str | None) -> None:
        close = v1.command_pb2.ConnectionClose(connection_id=cid, reason=reason)
        endpoint.tell(_endpoint.command(close=close))

    # Receiving.

    def _is_handled(self, pid: int, target: Any, conntype: Any) -> bool:
        """Whether there are handlers for a packet that the sidecar did not accept. Those that came before the end of the
        handshake have some: their own rules decide. The others are counted, and told once for each connection."""
        if pid in self.registry.reg_int_obj or not _options.needs_registration(conntype):
            if pid < FIRST_APPLICATION_ID or conntype is not None:
                return True
            why = "came before the type of the connection was known"
        else:
            why = "is of no registered type"
        self.receives_discarded += 1
        if not target._has_discarded:
            target._has_discarded = True
            peer = "the server" if target is self else target.cid
            _log.warning("packet %s from %s %s; it, and others like it, are passed over", self._name_of(pid), peer, why)
        return False

    def _deliver(self, pid: int, msg: Any, target: Any, cid: int | None, conntype: Any) -> bool:
        """Runs the hooks of a packet that came in, up to the event. Returns False if the connection type ended it.

        What they raise is caught here, one by one: this runs for every packet, and guarded() would double its cost.
        """
        if pid >= FIRST_APPLICATION_ID:
            if conntype is not None:
                try:
                    if conntype.receive(msg, pid, 0, cid):
                        return False
                except Exception:  # nobody knows whose packet it is: ids mean other things on connections of other types
                    log_failure(conntype.receive)
                    return False
            obj = self.registry.reg_int_obj.get(pid)
            if obj is not None:
                try:
                    if cid is None:  # as peng3dnet calls it
                        obj._receive(msg)
                    else:
                        obj._receive(msg, cid)
                except Exception:
                    log_failure(obj.receive)
        try:
            target.on_receive(pid, msg)
        except Exception:
            log_failure(target.on_receive)
        return True

    def _name_of(self, pid: int) -> str:
        return self.registry.reg_int_str.get(pid, str(pid))

    def _on_send_failed(self, item: _inbox.SendFailed) -> None:
        if item.error.reason == _UNKNOWN_CONNECTION:
            self.sends_discarded += 1
        else:
            guarded(self.on_send_error, item.cid, item.ptype, item.error)

    def _on_ended(self, item: _inbox.Ended) -> None:
        if item.error is not None and self.run:
            self._close_all("sidecarlost")
            guarded(self.on_sidecar_lost, item.error)
        self.run = False

    def _close_all(self, reason: str) -> None:
        raise NotImplementedError

    # The endpoint's life.

    def _adopt(self, endpoint: _endpoint.Endpoint, declared: dict[str, int]) -> None:
        """Takes the endpoint over: what is registered from now on is told to it. declared: packets it knows already."""
        self._endpoint = endpoint
        self._declared = declared
        if self._is_stopped:  # by another thread, which found no endpoint to stop
            endpoint.stop()
            return
        self._compression = _config.compression(self.cfg)
        self._strict = bool(self.cfg["net.rules.strict_send"])
        self._prints = frozenset(kind for kind in _PRINTED if self.cfg[f"net.debug.print.{kind}"])
        self._observed = self._peng_listens or "send" in self._prints
        self.cfg.fix(self._compression_changed)
        with self.registry.idlock:
            self.registry._on_register = self._tell_packet
            late = [(name, pid) for pid, name in self.registry.reg_int_str.items() if name not in declared]
        for name, pid in late:
            self._tell_packet(name, pid)

    def _tell_packet(self, name: str, pid: int) -> None:
        if self._endpoint is None or not _options.is_own(name) or self._declared.get(name) == pid:
            return  # what is deleted in Python stays in the sidecar, and may come back
        packets = v1.command_pb2.PacketRegistration(packets=[_options.packet(name, pid)])
        self._tell(_endpoint.command(register_packets=packets))
        self._declared[name] = pid

    def _tell(self, command: v1.command_pb2.Command) -> None:
        """Makes a registration known, and waits for it: whoever connects from now on is to see it."""
        answer = self._running().ask(command)
        if not answer.wait(_TELL_TIMEOUT):
            raise errors.TimedOutError("the sidecar does not answer")
        if answer.error is not None:
            raise _errors.of_answer(answer.error)

    def _compression_changed(self) -> None:
        self._compression = _config.compression(self.cfg)
        if self._endpoint is not None and self.run:
            self._endpoint.tell(_endpoint.command(set_compression=_options.compression(self._compression)))

    def interrupt(self) -> None:
        """Wakes process() and sends the interrupt event. There is nothing else to interrupt: sending never needs it."""
        self._inbox.wake()
        if self._endpoint is not None and self.run:
            self._endpoint.tell(_endpoint.command(interrupt=v1.command_pb2.EndpointInterrupt()))
        self._emit("interrupt")

    def stop(self) -> None:
        """Ends the server or client: what was sent goes out, then its connections close. It does not wait; join does.

        on_close is not called from now on. A signal's handler may call it, but should neither send nor join.
        """
        self.run = False
        self._is_stopped = True
        self._emit("stop", reason="method")
        # What a signal's handler has interrupted may hold locks until that returns: then this is done as soon as it has.
        thread = self._stop_thread
        if thread is None or not thread.is_alive():
            thread = self._stop_thread = threading.Thread(target=self._begin_end, name="pengbridge stop", daemon=True)
            try:
                thread.start()
                thread.join(_STOP_TIMEOUT)
            except RuntimeError:  # the interpreter ends, and starts no more threads
                self._stop_thread = None
                self._begin_end()
        if thread.is_alive():
            self._emit("interrupt")
        else:
            self.interrupt()

    def _begin_end(self) -> None:
        if self._endpoint is not None:
            self._endpoint.stop()
        self._inbox.wake()

    def join(self, timeout: float | None = None) -> None:
        """Stops, if that was not done, and waits until everything has ended. From within a handler it does not wait for
        the thread it runs in.

        Args:
            timeout: in seconds; None waits as long as a handler takes.
        """
        if not self._is_stopped:
            self.stop()
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._endpoint is None:  # it may be about to come
            join_thread(self._run_thread, deadline)
        self._await_end(deadline)
        for thread in (self._run_thread, self._process_thread, self._stop_thread):
            join_thread(thread, deadline)

    def _await_end(self, deadline: float | None) -> None:
        """Waits for the endpoint's end, for a bounded time in any case."""
        if self._endpoint is not None:
            left = _END_TIMEOUT if deadline is None else max(0.0, min(deadline - time.monotonic(), _END_TIMEOUT))
            if not self._endpoint.join(left) and left == _END_TIMEOUT:
                self._endpoint.close()


_SEND_EVENT = Peer.sendEvent  # as it is here, which is for a peng
