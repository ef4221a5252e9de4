"""Connections to a sidecar: sockets from addresses, and TLS as a filter for bytes."""

from __future__ import annotations

import socket
import ssl

_CHUNK = 64 << 10  # bytes


class Tls:
    """The client's side of TLS between a socket and what is said over it. One thread at a time may use it.

    It works on bytes and not on the socket, so that one thread can wait for the socket while others write.

    Args:
        root_certificates: PEM certificates of who vouches for the server.
        host: the name or address that the server's certificate must be for.
    """

    def __init__(self, root_certificates: bytes, host: str) -> None:
        context = ssl.create_default_context(cadata=root_certificates.decode())
        context.set_alpn_protocols(["h2"])
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def shake_hands(self, sock: socket.socket) -> None:
        """Does the handshake over a socket that blocks.

        Raises:
            OSError: it failed; the server is not who it should be, or does not speak HTTP/2.
        """
        done = False
        while not done:
            try:
                self._object.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            sock.sendall(self._outgoing.read())
            if not done:
                data = sock.recv(_CHUNK)
                if not data:
                    raise ConnectionResetError("the connection was closed during the TLS handshake")
                self._incoming.write(data)
        if self._object.selected_alpn_protocol() != "h2":
            raise ConnectionRefusedError("the server does not speak HTTP/2")

    def encrypt(self, data: bytes) -> bytes:
        """What is to be written for data; for none, what TLS itself has to say."""
        if data:
            self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """What is in the data that came in.

        Raises:
            OSError: it was tampered with, or the other side has ended the connection.
        """
        self._incoming.write(data)
        parts = []
        while True:
            try:
                part = self._object.read(_CHUNK)
            except ssl.SSLWantReadError:
                break
            if not part:
                break
            parts.append(part)
        return b"".join(parts)


def connect(address: str, root_certificates: bytes | None, timeout: float) -> tuple[socket.socket, Tls | None]:
    """Connects.

    Args:
        address: "unix:<path>", "host:port" or "[::1]:port".
        root_certificates: PEM certificates of who vouches for the server; None for a plain connection.
        timeout: in seconds.

    Returns:
        A socket that does not block, and what encrypts for it, if anything does.

    Raises:
        OSError: it failed.
    """
    path = address.removeprefix("unix:")
    if path != address:
        sock = socket.socket(socket.AF_UNIX)
    else:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        sock = socket.create_connection((host, int(port)), timeout)
    tls = None
    try:
        sock.settimeout(timeout)
        if path != address:
            sock.connect(path)
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if root_certificates is not None:
                tls = Tls(root_certificates, host)
                tls.shake_hands(sock)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock, tls
