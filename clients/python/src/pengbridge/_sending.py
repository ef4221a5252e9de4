"""What a packet passes on its way out: hooks of the program's, which see it, and rules, which may hold it back.

Most programs have none of either, and what nobody sees is not made. It is found out for each packet, since a program may put
a hook anywhere at any time: into its own classes, into ours, or into a single object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _config, _options, _own_packets, _wire, packet, registry
from ._processing import guarded
from .conntypes import ConnectionType

# The hooks as they are here, which look at nothing.
_TYPE_SEND, _PACKET_SEND = ConnectionType.send, packet.Packet.send
_RULES = (packet.SmartPacket._send, packet.Packet._send)


class Sending:
    """What Server and Client have in common of sending. Any thread may do it."""

    registry: registry.PacketRegistry
    conntypes: dict[str, Any]
    _compression: _config.Compression
    _strict: bool  # whether rules hold packets back
    _observed: bool  # whether packets that go out are reported to a peng, or printed
    _our_send_event: Callable[..., None]  # what a peer has if the program gave it none
    _our_on_send: Callable[..., None]  # what a connection has if the program gave it none

    def _may_send(self, ptype: Any, pid: int, payload: Any, target: Any, cid: int | None, conntype: Any) -> bool:
        """Runs the hooks of an application's packet that is about to go out: the connection type's, on_send, the event,
        the packet's own.

        Args:
            ptype: as the caller gave it.
            pid: its id.
            payload: what _shown makes of what hooks get to see.
            target: the client on the server, or the client itself.
            cid: as hooks get it.
            conntype: the connection type whose hooks run, or None.

        Returns:
            Whether the packet may go out.

        Raises:
            KeyError: the packet is not registered, and the connection's type demands that.
        """
        obj = self.registry.reg_int_obj.get(pid)
        looked_at = self._observed or self._is_seen(obj, conntype) or self._is_heard(target)
        if not looked_at and self._is_free(obj):
            return True
        if obj is None and _options.needs_registration(conntype):
            raise KeyError(ptype)
        data = None
        if looked_at:
            data = self._shown(pid, payload)
            if conntype is not None and conntype.send(data, ptype, cid):
                return True
            target.on_send(ptype, data)
            self._emit_send(ptype, data, target)
        if obj is None:
            return True
        verdict = obj._send(data) if cid is None else obj._send(data, cid)  # as peng3dnet calls it
        return verdict is not False or not (self._strict or getattr(obj, "invalid_action", None) == "close")

    def _is_free(self, obj: Any) -> bool:
        """Whether nothing comes of what a packet's rule, one of ours, says."""
        return obj is not None and not self._strict and getattr(obj, "invalid_action", "ignore") == "ignore"

    def sendEvent(self, event: str, data: dict[str, Any] | None = None) -> None:
        """Sends an event to the peng."""
        raise NotImplementedError

    def _shown(self, pid: int, payload: Any) -> Any:
        """What hooks get to see of a packet that goes out."""
        raise NotImplementedError

    def _is_free_for_all(self, pid: int) -> bool:
        """Whether nothing but an on_send is in a packet's way, whatever the connection."""
        obj = self.registry.reg_int_obj.get(pid)
        seen = self._observed or any(self._is_seen(obj, conntype) for conntype in (None, *self.conntypes.values()))
        return not seen and self._is_free(obj)

    def _is_seen(self, obj: Any, conntype: Any) -> bool:
        """Whether the program has a sendEvent of its own, a packet type a send or a rule, or a connection type a send.

        Args:
            obj: what is registered for the packet; None for nothing.
            conntype: the connection's type; None for none.
        """
        try:
            return not (
                self.sendEvent.__func__ is self._our_send_event  # type: ignore[attr-defined]
                and (obj is None or (obj.send.__func__ is _PACKET_SEND and obj._send.__func__ in _RULES))
                and (conntype is None or conntype.send.__func__ is _TYPE_SEND)
            )
        except AttributeError:  # a function that was put into an object is no method
            return True

    def _is_heard(self, target: Any) -> bool:
        """Whether a connection has an on_send of its own."""
        return getattr(target.on_send, "__func__", None) is not self._our_on_send

    def _is_watched(self, target: Any) -> bool:
        """Whether anybody looks at the protocol's own packets that go to a connection."""
        return self._observed or self._is_seen(None, None) or self._is_heard(target)

    def _announce(self, pid: int, data: Any, target: Any) -> None:
        """Runs the hooks of one of the protocol's own packets, which the sidecar sends."""
        name = _own_packets.NAMES[pid]
        guarded(target.on_send, name, data)
        guarded(self._emit_send, name, data, target)

    def _emit_send(self, ptype: Any, data: Any, target: Any) -> None:
        raise NotImplementedError

    def _frame(self, pid: int, body: bytes) -> bytes:
        return _wire.frame(pid, body, self._compression.threshold, self._compression.level)
