"""peng3dnet spoken over a plain socket, for what no library would send."""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgpack
from harness import WAIT


class RawPeer:
    """A TCP connection that sends and receives frames."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(WAIT)
        self._buffer = b""

    @classmethod
    def connect(cls, address: tuple[str, int], conntype: str | None = "classic") -> RawPeer:
        """Connects to a server; with a conntype, goes through the handshake as far as that has one."""
        peer = cls(socket.create_connection(address, timeout=WAIT))
        if conntype is not None:
            assert peer.receive()[0] == 1
            peer.send(2, {"conntype": conntype})
        if conntype == "classic":
            assert peer.receive()[0] == 3
            peer.send(4, {"success": True})
        return peer

    def send(self, pid: int, msg: Any, flags: int = 0) -> None:
        self.send_body(pid, msgpack.packb(msg), flags)

    def send_body(self, pid: int, body: bytes, flags: int = 0) -> None:
        self.sock.sendall(struct.pack("!IIH", 6 + len(body), pid, flags) + body)

    def receive(self) -> tuple[int, Any]:
        """The next frame's id and body; (-1, None) at the end of the stream."""
        head = self._read(10)
        if len(head) < 10:
            return -1, None
        length, pid, _ = struct.unpack("!IIH", head)
        return pid, msgpack.unpackb(self._read(length - 6))

    def receive_until(self, pid: int) -> Any:
        """The body of the next frame with this id."""
        while True:
            got, msg = self.receive()
            if got == pid:
                return msg
            assert got != -1, f"the connection ended before packet {pid}"

    def close(self) -> None:
        self.sock.close()

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size and (data := self.sock.recv(65536)):
            self._buffer += data
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


class Listener:
    """A server of plain sockets, for what no library would do."""

    def __init__(self) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.settimeout(WAIT)
        self.address: tuple[str, int] = self.sock.getsockname()

    def accept(self) -> RawPeer:
        return RawPeer(self.sock.accept()[0])

    def close(self) -> None:
        self.sock.close()
