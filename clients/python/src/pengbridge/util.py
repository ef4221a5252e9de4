"""Addresses as peng3dnet programs write them."""

from __future__ import annotations

from typing import Any

from . import errors

Address = tuple[str, int]


def parse_address(addr: object, default_port: int = 8080) -> Address:
    """Splits "host:port" or "host".

    Args:
        addr: the address; its str() is what is parsed. The host is not checked, and may be empty.
        default_port: the port of an address that names none.

    Raises:
        InvalidPortError: a port is not an integer from 0 to 65535.
        UnsupportedAddressError: there is more than one colon. Write IPv6 addresses as a tuple.
    """
    if not isinstance(default_port, int):
        raise errors.InvalidPortError("Port must be an integer")
    parts = str(addr).split(":")
    if len(parts) > 2:
        raise errors.UnsupportedAddressError(
            f"{addr} has more than one colon; write an IPv6 address as a tuple: (host, port)"
        )
    if len(parts) == 1:
        return parts[0], _checked_port(default_port)
    _checked_port(default_port)
    try:
        port = int(parts[1])
    except ValueError:
        raise errors.InvalidPortError(f"Port {parts[1]} is not an integer") from None
    return parts[0], _checked_port(port)


def normalize_addr_socketstyle(addr: Any, default_port: int = 8080) -> Any:
    """Turns an address into what sockets take: (host, port).

    Args:
        addr: a string as parse_address takes it, or a tuple or list of two, which is returned as it is.
        default_port: the port of a string that names none.

    Raises:
        TypeError: addr is neither.
        InvalidPortError, UnsupportedAddressError: as parse_address.
    """
    if isinstance(addr, str):
        return parse_address(addr, default_port)
    if isinstance(addr, (tuple, list)):
        return addr if len(addr) == 2 else parse_address(addr, default_port)
    raise TypeError(f"an address is a string or a tuple (host, port), not {type(addr).__name__}")


def normalize_addr_formatted(addr: object) -> str:
    """Exists in peng3dnet, where it was never written.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError("normalize_addr_formatted does nothing in peng3dnet; use parse_address")


def _checked_port(port: int) -> int:
    if port < 0:
        raise errors.InvalidPortError("Port may not be lower than 0")
    if port > 65535:
        raise errors.InvalidPortError("Port may not be higher than 65535")
    return port
