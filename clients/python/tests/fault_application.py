"""An application for the fault suite (cmd/pengbridge/faults): a server that sends every numbered packet back.

It tells of its endpoint, and of every event before it handles it, on stdout: as protobuf messages with their lengths.
Arguments: the sidecar's address, the token file, the limit of the backlog and of a send queue, both in bytes.
"""

from __future__ import annotations

import contextlib
import sys

from google.protobuf.message import Message

from pengbridge import Compression, EndpointOptions, Limits, Received, Sidecar, SidecarError, _wire
from pengbridge.v1 import event_pb2
from pengbridge.v1 import sidecar_service_pb2 as api


def tell(message: Message) -> None:
    """Writes a message, all of it."""
    encoded = message.SerializeToString()
    sys.stdout.buffer.write(_wire.varint(len(encoded)) + encoded)
    sys.stdout.buffer.flush()


def main() -> None:
    address, tokens, backlog, queue = sys.argv[1:]
    options = EndpointOptions(
        report_sent=True,
        report_internal=True,
        compression=Compression(disabled=True),
        limits=Limits(backlog_bytes=int(backlog), send_queue_bytes=int(queue), handshake_timeout=100),
    )
    with Sidecar.attach(address, tokens) as sidecar:
        server = sidecar.bind("127.0.0.1:0", ["count", "control"], options)
        bound = event_pb2.Address(host=server.address.host, port=server.address.port)
        tell(api.BindResponse(endpoint_id=server.id, address=bound))
        for event in server:
            if event.sequence == 0:
                continue  # of the library's own
            tell(api.SubscribeResponse(events=[event._raw]))
            if isinstance(event, Received) and event.packet == "count":
                with contextlib.suppress(SidecarError):  # the endpoint has ended meanwhile
                    server.send(event.connection_id, "count", event.body)


if __name__ == "__main__":
    main()
