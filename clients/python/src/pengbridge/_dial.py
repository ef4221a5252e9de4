"""Connections to a sidecar: sockets from addresses, and TLS as a filter for bytes."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

_CHUNK = 64 << 10  # bytes


@dataclass(frozen=True)
class Trust:
    """How TLS is to be spoken with a sidecar: who vouches for it, and what we show when it asks.

    Attributes:
        root_certificates: PEM certificates of who vouches for the server.
        certificate_file: PEM file of our certificate chain; None for none.
        key_file: PEM file of its private key.
    """

    root_certificates: bytes
    certificate_file: str | None = None
    key_file: str | None = None

    def identity(self) -> tuple[bytes | None, bytes | None]:
        """Our private key and certificate chain, as PEM.

        Raises:
            OSError: a file cannot be read.
        """
        if self.certificate_file is None or self.key_file is None:
            return None, None
        with open(self.key_file, "rb") as key, open(self.certificate_file, "rb") as chain:
            return key.read(), chain.read()


class Tls:
    """The client's side of TLS between a socket and what is said over it. One thread at a time may use it.

    It works on bytes and not on the socket, so that one thread can wait for the socket while others write.

    Args:
        trust: who vouches for the server, and what we show it.
        host: the name or address that the server's certificate must be for.
    """

    def __init__(self, trust: Trust, host: str) -> None:
        context = ssl.create_default_context(cadata=trust.root_certificates.decode())
        if trust.certificate_file is not None:
            context.load_cert_chain(trust.certificate_file, trust.key_file)
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
        """What is to be written for data; for none, what TLS itself has to say.

        Raises:
            ssl.SSLError: the connection had ended before.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self._object.write(rest) :]
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """What is in the data that came in.

        Raises:
            ssl.SSLError: it was tampered with.
        """
        self._incoming.write(data)
        parts: list[bytes] = []
        while True:
            try:
                part = self._object.read(_CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):  # nothing more now, or ever
                return b"".join(parts)
            parts.append(part)


def connect(address: str, trust: Trust | None, timeout: float) -> tuple[socket.socket, Tls | None]:
    """Connects.

    Args:
        address: "unix:<path>", "host:port" or "[::1]:port".
        trust: how TLS is to be spoken; None for a plain connection.
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
            if trust is not None:
                tls = Tls(trust, host)
                tls.shake_hands(sock)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock, tls
