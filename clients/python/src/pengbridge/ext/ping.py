"""Pings: asking a server how it is, without joining it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from .. import conntypes, errors, net, version
from ..constants import *  # noqa: F403 - every module of peng3dnet carries the constants
from ..constants import CONNTYPE_PING, MODE_PING, STATE_ACTIVE

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST = 64
_ANSWER = 65
_NOW = "__AUTO__"


class PingConnectionType(conntypes.ConnectionType):
    """Connections of type "ping": one request from the client, one answer from the server, any number of times."""

    def init(self, cid: int | None) -> None:
        if cid is not None:
            self.peer.clients[cid].state = STATE_ACTIVE
            return
        data = self.peer._pingdata
        if data["time"] == _NOW:
            data["time"] = time.time()
        self.peer.send_message(_REQUEST, data)
        self.peer.remote_state = STATE_ACTIVE

    def receive(self, msg: Any, pid: int, flags: int, cid: int | None) -> bool:
        if cid is None:
            self._receive_at_client(msg, pid)
        elif pid == _REQUEST:
            self.peer.clients[cid].mode = MODE_PING
            self.peer.send_message(_ANSWER, self.getPingData(msg, cid), cid)
        else:
            self.peer.close_connection(cid, "pinginvalidside" if pid == _ANSWER else "invalidpingpacket")
        return True

    def send(self, msg: Any, pid: Any, cid: int | None) -> bool:
        return True

    def getPingData(self, msg: Any, cid: int | None = None) -> dict[str, Any]:
        """The answer to a ping, later keys over earlier ones: the request as oldmsg, what the peer's getPingData returns,
        its pingdata, and the version."""
        return {
            "oldmsg": msg,
            **self.peer.getPingData(msg, cid),
            **self.peer.pingdata,
            "peng3dnet": {
                "version": version.VERSION,
                "release": version.RELEASE,
                "protoversion": version.PROTOVERSION,
            },
        }

    def _receive_at_client(self, msg: Any, pid: int) -> None:
        if pid != _ANSWER:
            self.peer.close_connection(None, "pinginvalidside")
            return
        on_pong = getattr(self.peer, "on_pong", None)
        if on_pong is not None:
            on_pong(msg)
        self.peer._pong(msg)
        self.peer.close_connection(None, "pingcomplete")


class PingableServerMixin:
    """For a Server that answers pings. Put it before Server among the bases.

    Attributes:
        pingdata: what every answer contains.
    """

    pingdata: dict[str, Any] = {}  # noqa: RUF012 - peng3dnet's own; programs replace it, they do not change it

    if TYPE_CHECKING:

        def addConnType(self, t: str, obj: conntypes.ConnectionType) -> None: ...

    def getPingData(self, msg: Any, cid: int) -> dict[str, Any]:
        """What one answer contains besides. Override it.

        Args:
            msg: the request.
            cid: the connection.
        """
        return {}

    def _reg_conntypes_ping(self) -> None:
        self.addConnType(CONNTYPE_PING, PingConnectionType(self))


class PingableClientMixin:
    """For a Client that pings. Put it before Client among the bases, and give the client the conntype "ping"."""

    _pingdata: dict[str, Any] | None = None
    _pongdata: dict[str, Any] | None = None

    if TYPE_CHECKING:
        _state_lock: threading.RLock
        _changed: threading.Condition
        _has_closed: bool
        _close_reason: str | None

        def addConnType(self, t: str, obj: conntypes.ConnectionType) -> None: ...

        def _await(self, condition: Callable[[], bool], timeout: float | None) -> bool: ...

    def setPingData(self, d: dict[str, Any]) -> None:
        """Says what to send.

        Args:
            d: the request. Its "time" is needed; "__AUTO__" becomes the time of sending, in seconds since 1970.
        """
        self._pingdata = d

    def wait_for_pong(self, timeout: float | None = None) -> dict[str, Any]:
        """Waits for the answer and returns it. Somebody else has to process meanwhile.

        Args:
            timeout: in seconds; None for no limit.

        Raises:
            FailedPingError: it did not come in time, or will not come at all.
        """
        over = self._await(lambda: self._pongdata is not None or self._has_closed, timeout)
        if self._pongdata is None:
            reason = "" if self._close_reason is None else f": {self._close_reason}"
            raise errors.FailedPingError(f"The connection failed{reason}" if over else "Timed out")
        return self._pongdata

    def _ping(self) -> None:
        """Nothing to do here: the connection type sends the request."""

    def _pong(self, data: dict[str, Any]) -> None:
        with self._state_lock:
            self._pongdata = data
            self._changed.notify_all()

    def _reg_conntypes_ping(self) -> None:
        self.addConnType(CONNTYPE_PING, PingConnectionType(self))


class _PingClient(PingableClientMixin, net.Client):
    """The client of pingServer."""


def pingServer(
    peng: Any = None,
    addr: Any = None,
    cfg: Any = None,
    data: dict[str, Any] | None = None,
    clientcls: Any = _PingClient,
    timeout: float = 10.0,
) -> dict[str, Any]:
    """Pings a server and returns its answer.

    Args:
        peng, addr, cfg: as for Client.
        data: what to send along; the server returns it as "oldmsg", with "time" added. It is not changed.
        clientcls: a Client with PingableClientMixin.
        timeout: in seconds, for everything together.

    Returns:
        The answer, with "recvtime" (when it came, in seconds since 1970) and "delay" (how long it took, in seconds).

    Raises:
        FailedPingError: there was no answer in time, nobody listens there, or the server does not answer pings.
    """
    deadline = time.monotonic() + timeout
    client = clientcls(peng, addr, cfg, CONNTYPE_PING)
    client.setPingData({"time": _NOW, **(data or {})})
    client.runAsync()
    client.process_async()
    try:
        try:
            client.wait_for_connection(timeout)
        except errors.TimedOutError as error:
            if client._pongdata is None:  # else the ping was over before we looked
                raise errors.FailedPingError(str(error)) from error
        pong: dict[str, Any] = dict(client.wait_for_pong(max(0.0, deadline - time.monotonic())))
        received = time.time()
    finally:
        with contextlib.suppress(errors.SidecarError, errors.TimedOutError):
            client.flush(1.0)
        client.join(1.0)
    return {**pong, "recvtime": received, "delay": received - pong["oldmsg"]["time"]}
