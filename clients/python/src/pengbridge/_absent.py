"""What peng3dnet's peers have for their own select loop. The sidecar does it here; the names are kept, and say so."""

from __future__ import annotations

from typing import Any


class ServerBytes:
    """The byte handling of a server. Every method raises NotImplementedError."""

    def genCID(self) -> int:
        """Not available: the sidecar numbers the clients."""
        raise _absent("genCID")

    def receive_data(self, data: bytes, cid: int) -> None:
        """Not available: the sidecar reads."""
        raise _absent("receive_data")

    def receive_packet(self, data: bytes, cid: int) -> None:
        """Not available: the sidecar takes frames apart."""
        raise _absent("receive_packet")

    def process_single_packet(self, client: Any) -> None:
        """Not available: the sidecar takes frames apart."""
        raise _absent("process_single_packet")


class ClientBytes:
    """The byte handling of a client. Every method but pump_write_buffer raises NotImplementedError."""

    def receive_data(self, data: bytes, cid: int | None = None) -> None:
        """Not available: the sidecar reads."""
        raise _absent("receive_data")

    def receive_packet(self, data: bytes, cid: int | None = None) -> None:
        """Not available: the sidecar takes frames apart."""
        raise _absent("receive_packet")

    def process_single_packet(self, client: Any = None) -> None:
        """Not available: the sidecar takes frames apart."""
        raise _absent("process_single_packet")

    def pump_write_buffer(self) -> None:
        """Does nothing: what was sent is on its way by itself."""


def _absent(method: str) -> NotImplementedError:
    return NotImplementedError(f"{method} handles bytes, which the sidecar does; process() brings what came in")
