"""The exceptions of peng3dnet, and those that only a sidecar can cause."""

from __future__ import annotations

__all__ = [
    "AlreadyRegisteredError",
    "ConnectionFailedError",
    "FailedPingError",
    "InvalidAddressError",
    "InvalidHostError",
    "InvalidPortError",
    "InvalidSmartPacketActionError",
    "RegistryError",
    "SidecarError",
    "TimedOutError",
    "UnsupportedAddressError",
]


class InvalidAddressError(ValueError):
    """An address makes no sense."""


class InvalidPortError(InvalidAddressError):
    """A port is not an integer from 0 to 65535."""


class InvalidHostError(InvalidAddressError):
    """A host makes no sense."""


class UnsupportedAddressError(NotImplementedError):
    """An address has a form that strings cannot carry here; a (host, port) tuple can."""


class InvalidSmartPacketActionError(ValueError):
    """A SmartPacket's invalid_action is neither "ignore" nor "close"."""


class TimedOutError(RuntimeError):
    """Something did not happen in time."""


class FailedPingError(TimedOutError):
    """A ping was not answered."""


class ConnectionFailedError(TimedOutError):
    """A client's connection will never become active: it was refused, or closed again.

    A TimedOutError, because that is what peng3dnet's wait_for_connection raises, after a wait that this error spares.

    Attributes:
        reason: the close reason, or None if the peer gave none or was never reached.
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class RegistryError(ValueError):
    """Something is wrong with a registration."""


class AlreadyRegisteredError(RegistryError):
    """The name, the id or the object is registered already."""


class SidecarError(RuntimeError):
    """The sidecar process cannot be started, was lost, or refused a command; or the endpoint has ended.

    Attributes:
        reason: a stable word for programs, such as "UNKNOWN_PACKET"; empty where there is none.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason
