"""The sidecar's answers as the exceptions that programs know from sockets and from peng3dnet."""

from __future__ import annotations

import errno
import socket

from . import errors
from ._status import CallError, Code


def of_bind(error: CallError, address: str) -> Exception:
    """What Server.bind raises for a failed Bind: OSError where a socket would, ValueError for a senseless request."""
    if error.code == Code.ALREADY_EXISTS and error.reason != "ALREADY_REGISTERED":
        return OSError(errno.EADDRINUSE, str(error))
    if error.reason == "ADDRESS_NOT_HERE":
        return OSError(errno.EADDRNOTAVAIL, str(error))
    return _common(error, address)


def of_connect(error: CallError, address: str) -> Exception:
    """What Client.connect raises for a failed Connect: OSError where a socket would, ValueError for a senseless request."""
    if error.reason == "CONNECT_REFUSED":
        return ConnectionRefusedError(errno.ECONNREFUSED, str(error))
    return _common(error, address)


def of_answer(error: errors.SidecarError) -> Exception:
    """What a command that somebody waited for raises."""
    if isinstance(error, CallError) and error.code == Code.DEADLINE_EXCEEDED:
        return errors.TimedOutError(str(error))
    if error.reason == "ALREADY_REGISTERED":
        return errors.AlreadyRegisteredError(f"{error}; what was registered once keeps its id, also if it is deleted")
    return error


def _common(error: CallError, address: str) -> Exception:
    if error.reason == "UNKNOWN_HOST":
        return socket.gaierror(socket.EAI_NONAME, str(error))
    if error.code == Code.PERMISSION_DENIED:
        return PermissionError(errno.EACCES, f"no permission for {address}: {error}")
    if error.code == Code.INVALID_ARGUMENT:
        return errors.InvalidAddressError(str(error)) if str(error).startswith("address ") else ValueError(str(error))
    if error.code == Code.DEADLINE_EXCEEDED:
        return TimeoutError(errno.ETIMEDOUT, f"no answer from {address} in time: {error}")
    return error
