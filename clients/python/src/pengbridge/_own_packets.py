"""The protocol's own packets: their ids and names, and what stands for them in a registry."""

from __future__ import annotations

from .packet import Packet, internal

HELLO, SETTYPE, HANDSHAKE, ACCEPT, CLOSE = 1, 2, 3, 4, 16

NAMES: dict[int, str] = {
    HELLO: "peng3dnet:internal.hello",
    SETTYPE: "peng3dnet:internal.settype",
    HANDSHAKE: "peng3dnet:internal.handshake",
    ACCEPT: "peng3dnet:internal.handshake.accept",
    CLOSE: "peng3dnet:internal.closeconn",
}

KINDS: dict[int, type[Packet]] = {
    HELLO: internal.HelloPacket,
    SETTYPE: internal.SetTypePacket,
    HANDSHAKE: internal.HandshakePacket,
    ACCEPT: internal.HandshakeAcceptPacket,
    CLOSE: internal.CloseConnectionPacket,
}
