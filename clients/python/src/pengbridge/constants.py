"""The numbers and strings of the peng3dnet protocol, and the default configuration."""

from __future__ import annotations

__all__ = [
    "CONNTYPE_CLASSIC",
    "CONNTYPE_NOTSET",
    "CONNTYPE_PING",
    "DEFAULT_CONFIG",
    "FLAG_COMPRESSED",
    "FLAG_ENCRYPTED_AES",
    "MAX_PACKETLENGTH",
    "MODE_CHAT",
    "MODE_CLOSED",
    "MODE_NOTSET",
    "MODE_PING",
    "MODE_PLAY",
    "SIDE_CLIENT",
    "SIDE_SERVER",
    "SSLSEC_BOTHAUTH",
    "SSLSEC_ENCRYPTED",
    "SSLSEC_NONE",
    "SSLSEC_SERVERAUTH",
    "SSLSEC_WRAPPED",
    "STATE_ACTIVE",
    "STATE_CLOSED",
    "STATE_HANDSHAKE_WAIT1",
    "STATE_HANDSHAKE_WAIT2",
    "STATE_HELLOWAIT",
    "STATE_INIT",
    "STATE_LOGGEDIN",
    "STATE_WAITTYPE",
    "STRUCT_FORMAT_HEADER",
    "STRUCT_FORMAT_LENGTH32",
]

# A frame: its length without these four bytes, then packet id and flags, then the body.
MAX_PACKETLENGTH = 2**32 - 1
STRUCT_FORMAT_LENGTH32 = "!I"
STRUCT_FORMAT_HEADER = "!IH"
FLAG_COMPRESSED = 1
FLAG_ENCRYPTED_AES = 2

# States of a connection. Applications may use any number above STATE_ACTIVE but STATE_CLOSED.
STATE_INIT = 0
STATE_HANDSHAKE_WAIT1 = 1
STATE_HANDSHAKE_WAIT2 = 2
STATE_WAITTYPE = 3
STATE_HELLOWAIT = 4
STATE_ACTIVE = 64
STATE_LOGGEDIN = 65
STATE_CLOSED = 128

MODE_NOTSET = 0
MODE_CLOSED = 1
MODE_PING = 2
MODE_PLAY = 3
MODE_CHAT = 4

CONNTYPE_NOTSET = "_notset"
CONNTYPE_CLASSIC = "classic"
CONNTYPE_PING = "ping"

SIDE_CLIENT = 0
SIDE_SERVER = 1

# How well a connection is protected, in rising order.
SSLSEC_NONE = 0
SSLSEC_WRAPPED = 1
SSLSEC_ENCRYPTED = 2
SSLSEC_SERVERAUTH = 3
SSLSEC_BOTHAUTH = 4

DEFAULT_CONFIG: dict[str, object] = {
    "net.server.addr": None,
    "net.server.addr.host": "0.0.0.0",
    "net.server.addr.port": 8080,
    "net.client.addr": None,
    "net.client.addr.host": "localhost",
    "net.client.addr.port": 8080,
    "net.compress.enabled": True,
    "net.compress.threshold": 8192,
    "net.compress.level": 6,
    "net.encrypt.enabled": False,
    "net.ssl.enabled": False,
    "net.ssl.force": True,
    "net.ssl.cafile": None,
    "net.ssl.server.force_verify": True,
    "net.ssl.server.certfile": None,
    "net.ssl.server.keyfile": None,
    # False in peng3dnet, where TLS does not work: an encrypted connection to nobody in particular protects nothing.
    "net.ssl.client.check_hostname": True,
    "net.ssl.client.force_verify": True,
    # Not in peng3dnet: what a client shows to a server that asks for it.
    "net.ssl.client.certfile": None,
    "net.ssl.client.keyfile": None,
    "net.events.enable": "auto",
    "net.debug.print.recv": False,
    "net.debug.print.send": False,
    "net.debug.print.connect": False,
    "net.debug.print.close": False,
    "net.registry.autosync": True,
    "net.registry.missingpacketaction": "closeconnection",
    # Not in peng3dnet: whether a SmartPacket that may not be sent is held back. There, it goes out all the same.
    "net.rules.strict_send": False,
    # Not in peng3dnet: what peers may cost. None: the default. Times are in seconds.
    "net.limits.max_packet_bytes": None,  # 16 MiB
    "net.limits.max_handshake_packet_bytes": None,  # 64 KiB
    "net.limits.max_registry_bytes": None,  # 1 MiB
    "net.limits.handshake_timeout": None,  # 10
    "net.limits.max_connections": None,  # 65,536
    "net.limits.max_connections_per_address": None,  # no limit of its own
    "net.limits.send_queue_bytes": None,  # 32 MiB
    "net.limits.write_stall_timeout": None,  # 60
    "net.limits.frame_stall_timeout": None,  # 60
    "net.limits.idle_timeout": None,  # for ever
    "net.limits.backlog_bytes": None,  # 64 MiB
    "net.limits.backlog_events": None,  # 1,048,576
    "net.limits.packets_per_second": None,  # no limit
    "net.limits.bytes_per_second": None,  # no limit
    # Not for each server or client, but for all of the process: whichever is first starts the sidecar with it.
    "net.limits.memory_budget_bytes": None,  # 1 GiB
}
