"""The packets of the handshake and the close, as entries of the registry.

The sidecar sends and answers them. They are registered so that names, ids and hooks are where programs look for them;
what a program sees of them (states, events) the peers derive from the log.
"""

from __future__ import annotations

from .. import version as version
from ..constants import *  # noqa: F403 - every module of peng3dnet carries the constants
from ..constants import (
    CONNTYPE_NOTSET,
    SIDE_CLIENT,
    SIDE_SERVER,
    STATE_HANDSHAKE_WAIT1,
    STATE_HELLOWAIT,
    STATE_WAITTYPE,
)
from . import Packet, SmartPacket

__all__ = ["CloseConnectionPacket", "HandshakeAcceptPacket", "HandshakePacket", "HelloPacket", "SetTypePacket"]


class HelloPacket(SmartPacket):
    """1, peng3dnet:internal.hello: the server's first word, with its version."""

    state = STATE_HELLOWAIT
    side = SIDE_CLIENT
    conntype = CONNTYPE_NOTSET


class SetTypePacket(SmartPacket):
    """2, peng3dnet:internal.settype: the client announces its connection type."""

    state = STATE_WAITTYPE
    side = SIDE_SERVER


class HandshakePacket(SmartPacket):
    """3, peng3dnet:internal.handshake: the server's registry."""

    state = STATE_HANDSHAKE_WAIT1
    side = SIDE_CLIENT
    invalid_action = "close"


class HandshakeAcceptPacket(SmartPacket):
    """4, peng3dnet:internal.handshake.accept: the client agrees."""

    state = STATE_HANDSHAKE_WAIT1
    side = SIDE_SERVER
    invalid_action = "close"


class CloseConnectionPacket(Packet):
    """16, peng3dnet:internal.closeconn: either side says why it goes."""
