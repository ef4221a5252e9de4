"""One endpoint of the sidecar as this process sees it: its log coming in, its commands going out."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from . import _inbox, _large, _wire, v1
from ._fork import Origin
from ._outbox import UNTOLD, Answer, Outbox
from ._reader import Reader
from .errors import SidecarError

if TYPE_CHECKING:
    from ._host import Host

SUBSCRIBER = "python"

_log = logging.getLogger("pengbridge")


class Endpoint:
    """A server or client endpoint that was just made, with its two streams. Any thread may call anything.

    It ends by itself when the endpoint's log ends; the last item in its inbox is Ended. In a forked child nothing of it
    works: sending and receiving raise SidecarError, and there is nothing to end or to wait for.

    Args:
        host: the sidecar it lives in.
        endpoint_id: its id there.
        inbox: where its log goes.
    """

    def __init__(self, host: Host, endpoint_id: str, inbox: _inbox.Inbox) -> None:
        self.id = endpoint_id
        self.ended = threading.Event()
        self._host = host
        self._inbox = inbox
        self._acknowledged = 0
        # Guards it and the order of acknowledgements. Whoever finds a sequence acknowledged may close the outbox. Reentrant,
        # since a signal's handler may stop the endpoint.
        self._acknowledging = threading.RLock()
        self._stopping = False
        self._origin = Origin()
        inbox.belong(self._origin)
        session = secrets.token_hex(16)  # as the name of a sender, too: another's commands would count as ours
        self._outbox = Outbox(
            host.transport, endpoint_id, session, host.largest_message, host.alive, self._send_failed, self._commands_lost
        )
        request = v1.sidecar_service_pb2.SubscribeRequest(
            endpoint_id=endpoint_id,
            subscriber=SUBSCRIBER,
            mode=v1.endpoint_pb2.SUBSCRIBER_MODE_ACKNOWLEDGING,
            session=session,
        )
        self._reader = Reader(host.transport, request, inbox, self.acknowledge, host.alive, self._log_ended)
        host.add(self)
        self._outbox.start()
        self._reader.start()

    def start(self) -> None:
        """Starts the deferred endpoint.

        Raises:
            CallError: it failed.
        """
        request = v1.sidecar_service_pb2.StartRequest(endpoint_id=self.id)
        self._host.transport.call("Start", request, v1.sidecar_service_pb2.StartResponse, timeout=10.0)

    def send(self, cid: int | None, packet: int | str, body: bytes, ptype: Any) -> None:
        """Queues a packet. A failure that shows later comes into the inbox as SendFailed, with cid and ptype.

        Args:
            cid: the connection; None or 0 on a client.
            packet: the packet's id or name.
            body: one MessagePack value.
            ptype: the packet as the sender named it.

        Raises:
            SidecarError: it cannot be queued.
        """
        self._origin.check()
        self._outbox.put(_wire.send_prefix(cid or 0, packet, len(body)), body, cid, ptype)

    def put(self, command: v1.command_pb2.Command, cid: int | None = None, ptype: Any = UNTOLD) -> None:
        """Queues any command, in order with all others; failures and errors as in send. No ptype: nobody is told."""
        self._origin.check()
        self._outbox.put(_wire.command(command), b"", cid, ptype)

    def tell(self, command: v1.command_pb2.Command) -> None:
        """Queues a command that does not matter any more once the endpoint has ended: then nothing happens."""
        with contextlib.suppress(SidecarError):
            self.put(command)

    def ask(self, command: v1.command_pb2.Command) -> Answer:
        """Queues a command and returns its answer to wait for; errors as in send."""
        self._origin.check()
        return self._outbox.ask(command)

    def read_ahead(self) -> None:
        """For those who only look from time to time: what happens meanwhile comes in meanwhile, and counts as handled."""
        self._reader.read_ahead()

    def acknowledge(self, sequence: int) -> None:
        """Tells the sidecar that everything up to sequence was handled. When it returns, that is on its way."""
        with self._acknowledging:
            if sequence > self._acknowledged:
                self._outbox.acknowledge(_wire.acknowledgement(SUBSCRIBER, sequence))
                self._acknowledged = sequence  # not before: who is interrupted may say it again

    def gather(self) -> None:
        """What the calling thread sends from now on may go together: until it acknowledges or calls release, or shortly."""
        self._outbox.gather()

    def release(self) -> None:
        """Lets go what was gathered."""
        self._outbox.release()

    def stop(self) -> None:
        """Queues the endpoint's end, once: behind everything that was sent. Nobody reads its log from now on."""
        if self._stopping or self._origin.left():
            return
        self._host.process.wake()  # whoever stops an endpoint waits for its end, and must not wait for ever
        self.tell(command(stop=v1.command_pb2.EndpointStop()))
        self._reader.discard()
        self._stopping = True  # last: who is interrupted before that, such as by Ctrl-C, may stop it again

    def close(self) -> None:
        """Lets go of the endpoint at once, whatever the sidecar does with it."""
        if not self._origin.left():
            self._reader.close()
            self._outbox.cancel()

    def join(self, timeout: float | None) -> bool:
        """Waits until both streams have ended; False if they did not within timeout seconds."""
        return self._origin.left() or (self.ended.wait(timeout) and self._outbox.join(timeout))

    def _send_failed(self, cid: int | None, ptype: Any, error: SidecarError) -> None:
        if not self._inbox.put(_inbox.SendFailed(cid, ptype, error)):
            _log.warning("packet %s was not sent, and nobody processes to be told: %s", ptype, error)

    def _commands_lost(self, error: SidecarError) -> None:
        self._inbox.put(_inbox.Ended(error))
        self._reader.close()

    def _log_ended(self) -> None:
        self._outbox.close()
        self._host.remove(self)
        self.ended.set()


def events(batch: bytes) -> Sequence[v1.event_pb2.Event]:
    """Decodes a batch of the log. Headers and heartbeats have no events."""
    if len(batch) > _large.SMALLEST and (event := _large.large_event(batch)) is not None:
        return (cast("v1.event_pb2.Event", event),)
    return v1.sidecar_service_pb2.SubscribeResponse.FromString(batch).events


def command(**action: Any) -> v1.command_pb2.Command:
    """Makes a command, such as command(stop=EndpointStop())."""
    return v1.command_pb2.Command(**action)
