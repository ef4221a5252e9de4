"""An application for the fault suite (cmd/pengbridge/faults): a server that sends every numbered packet back.

It tells of every event before it handles it, on stdout: as protobuf messages with their lengths. Its endpoint is there
already, and goes on when this process is killed or another one takes over. The API cannot do that: programs have their
endpoints to themselves.
Arguments: the sidecar's address, the token file, the endpoint's id.
"""

from __future__ import annotations

import contextlib
import os
import sys

from google.protobuf.message import Message

from pengbridge import Address, EndpointOptions, Received, ServerEndpoint, Sidecar, SidecarError, _wire
from pengbridge.v1 import sidecar_service_pb2 as api

TAKEN_OVER = 3  # how this process ends when another one has its place


def tell(message: Message) -> None:
    """Writes a message, all of it."""
    encoded = message.SerializeToString()
    sys.stdout.buffer.write(_wire.varint(len(encoded)) + encoded)
    sys.stdout.buffer.flush()


def handle_all(server: ServerEndpoint) -> None:
    """Handles events until the endpoint has ended."""
    for event in server:
        if event.sequence == 0:
            continue  # of the library's own
        tell(api.SubscribeResponse(events=[event._raw]))
        if isinstance(event, Received) and event.packet == "count":
            with contextlib.suppress(SidecarError):  # the endpoint has ended meanwhile
                server.send(event.connection_id, "count", event.body)


def main() -> None:
    address, tokens, endpoint_id = sys.argv[1:]
    with Sidecar.attach(address, tokens) as sidecar:
        engine, log = sidecar._open(endpoint_id, EndpointOptions(report_internal=True))
        try:
            handle_all(ServerEndpoint(engine, log, sidecar._host.transport, Address("", 0)))
        except SidecarError as error:
            if error.reason == "SUBSCRIBER_TAKEN_OVER":
                os._exit(TAKEN_OVER)  # without what an orderly end does: it would stop the other one's endpoint
            raise


if __name__ == "__main__":
    main()
