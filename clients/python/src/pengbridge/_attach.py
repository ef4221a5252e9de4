"""A sidecar that somebody else runs: where it is, the token for it, and whether it is still there."""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
from pathlib import Path

from . import _dial
from .errors import SidecarError

ADDRESS_VARIABLE = "PENGBRIDGE_ADDRESS"
TOKEN_FILE_VARIABLE = "PENGBRIDGE_TOKEN_FILE"

_LARGEST = 64 << 10  # bytes of a token file, as in the sidecar
_PROBE = 1.0  # seconds
_SECRET = re.compile("[0-9a-fA-F]{64}")


class Attachment:
    """A running sidecar that does not belong to this process. Any thread may use it.

    Args:
        address: "host:port", "[::1]:port" or "unix:/path".
        token: what every call has to carry.
        trust: how TLS is spoken with the sidecar; None for a plain connection.
    """

    def __init__(self, address: str, token: str, trust: _dial.Trust | None = None) -> None:
        self.address = address
        self.token = token
        self.trust = trust

    def has_ended(self) -> bool:
        """False: only calls can tell."""
        return False

    def alive(self) -> bool:
        """Whether somebody listens at the address, found out by connecting: it takes a second at most."""
        try:
            self._probe()
        except OSError:
            return False
        return True

    def wake(self) -> None:
        """Does nothing: whoever stopped the sidecar did not do it to us."""

    def close(self) -> None:
        """Does nothing: the sidecar goes on without us."""

    def _probe(self) -> None:
        path = self.address.removeprefix("unix:")
        if path != self.address and sys.platform != "win32":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_PROBE)
                probe.connect(path)
        else:
            host, _, port = self.address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _PROBE).close()


def find(
    address: str | None,
    token_file: str | Path | None,
    ca_file: str | Path | None = None,
    certificate_file: str | Path | None = None,
    key_file: str | Path | None = None,
) -> Attachment:
    """Returns the sidecar that the arguments name, or where address and token file are None the environment.

    Raises:
        SidecarError: neither names it, or a file cannot be read. The message says what to do.
    """
    address = address or os.environ.get(ADDRESS_VARIABLE)
    if not address:
        raise SidecarError(f"where is the sidecar? Give its address, or set {ADDRESS_VARIABLE}")
    if not re.fullmatch(r"unix:.+|.*:\d+", address):
        raise SidecarError(f"the address {address!r} must be host:port or unix:/path")
    token_file = token_file or os.environ.get(TOKEN_FILE_VARIABLE)
    if not token_file:
        raise SidecarError(f"the sidecar needs a token: give the file it is in, or set {TOKEN_FILE_VARIABLE}")
    if bool(certificate_file) != bool(key_file) or (certificate_file and not ca_file):
        raise SidecarError("certificate_file and key_file go together, and with ca_file")
    try:
        trust = _trust(ca_file, certificate_file, key_file) if ca_file else None
        return Attachment(address, read_token(Path(token_file)), trust)
    except OSError as error:
        raise SidecarError(f"cannot attach to {address}: {error}") from error


def _trust(ca_file: str | Path, certificate_file: str | Path | None, key_file: str | Path | None) -> _dial.Trust:
    roots = Path(ca_file).read_bytes()
    if not certificate_file or not key_file:
        return _dial.Trust(roots)
    trust = _dial.Trust(roots, os.path.abspath(certificate_file), os.path.abspath(key_file))
    trust.identity()  # now, when a file that cannot be read can be named
    return trust


def read_token(path: Path) -> str:
    """Returns the first token of a token file.

    Raises:
        SidecarError: others can read the file, or there is no token in it.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SidecarError(f"the token file {path} is not a regular file")
        if sys.platform != "win32" and status.st_mode & 0o077:
            raise SidecarError(f"others can read the token file {path}: chmod 600 {path}")
        text = file.read(_LARGEST).decode(errors="replace")
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            if not _SECRET.fullmatch(words[0]):
                break
            return words[0]
    raise SidecarError(f"the token file {path} does not begin with a token; make one with: pengbridge token")
