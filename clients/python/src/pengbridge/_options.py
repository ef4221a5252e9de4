"""A peer's configuration and registrations as the sidecar's requests."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

from . import _config, _limits, _wire, conntypes, constants, v1, version
from ._endpoint import SUBSCRIBER

_BUILT_IN = (constants.CONNTYPE_CLASSIC, constants.CONNTYPE_PING)
_LONGEST_NAME = 512  # bytes
_LONGEST_REASON = 1024  # bytes
_RESERVED_PREFIX = "peng3dnet:"


def endpoint_options(peer: Any) -> v1.endpoint_pb2.EndpointOptions:
    """The options of a deferred endpoint for a Server or Client.

    Raises:
        ValueError: a setting makes no sense.
    """
    types = v1.event_pb2
    of_sends = types.EVENT_TYPE_SERVER_CONNECTION_SEND if peer.is_server else types.EVENT_TYPE_CLIENT_SEND
    return v1.endpoint_pb2.EndpointOptions(
        packets=[packet(name, number) for number, name in peer.registry.reg_int_str.items() if is_own(name)],
        conntypes=[conntype(name, obj) for name, obj in peer.conntypes.items() if name not in _BUILT_IN],
        compression=compression(_config.compression(peer.cfg)),
        limits=_limits.limits(peer.cfg),
        events=v1.endpoint_pb2.EventOptions(
            expected_subscriber=SUBSCRIBER,
            omit_types=[of_sends],  # Python's own hooks and events for what it sends run when it sends
            omit_packet_names=True,
        ),
        tls=tls(peer.cfg, peer.side),
        deferred_start=True,
        version=version.VERSION,
    )


def is_own(name: str) -> bool:
    """Whether a packet is the application's, not one of the protocol's own."""
    return not name.startswith(_RESERVED_PREFIX)


def check_packet(name: Any, number: int | None) -> None:
    """Checks what an application wants to register, as far as it can be checked before the start.

    Raises:
        TypeError: the name is no string.
        ValueError: the name or the number cannot be an application's.
    """
    if not isinstance(name, str):
        raise TypeError(f"a packet's name is a string, not {type(name).__name__}")
    if not is_own(name):
        raise ValueError(f"names starting with {_RESERVED_PREFIX!r} are the protocol's own: {name}")
    if not 1 <= len(name.encode()) <= _LONGEST_NAME:
        raise ValueError(f"a packet's name has from 1 to {_LONGEST_NAME} bytes: {name!r}")
    if number is not None:
        _wire.check_packet(number)


def packet(name: str, number: int) -> v1.packet_pb2.Packet:
    """A packet type. Rules stay in Python, where a program can change them at any time."""
    return v1.packet_pb2.Packet(name=name, id=number)


def conntype(name: str, obj: Any) -> v1.packet_pb2.Conntype:
    """A connection type: those derived from the classic one have its handshake, others none."""
    classic = isinstance(obj, conntypes.ClassicConnectionType)
    handshake = v1.packet_pb2.CONNTYPE_HANDSHAKE_CLASSIC if classic else v1.packet_pb2.CONNTYPE_HANDSHAKE_NONE
    return v1.packet_pb2.Conntype(name=name, handshake=handshake)


def needs_registration(conntype: Any) -> bool:
    """Whether packets of a connection have to be registered: not those of types without the classic handshake."""
    return conntype is None or isinstance(conntype, conntypes.ClassicConnectionType)


def compression(settings: _config.Compression) -> v1.endpoint_pb2.Compression:
    """When bodies are compressed."""
    return v1.endpoint_pb2.Compression(
        disabled=settings.threshold is None, threshold_bytes=settings.threshold, level=settings.level
    )


def reason(value: Any) -> str | None:
    """Why a connection closes, as peers get to know it: text, cut where it is too long. A close must not fail over its
    reason, whatever a program gives as one."""
    if value is None:
        return None
    return str(value).encode(errors="replace")[:_LONGEST_REASON].decode(errors="ignore")


def tls(cfg: _config.Config, side: int) -> v1.endpoint_pb2.TlsOptions | None:
    """TLS as net.ssl.* asks for it; None without. README.md says what each key means.

    A server without certificate and key stays plain, with a warning, if net.ssl.force is off.

    Raises:
        ValueError: the keys contradict one another, or something is missing. The message names the keys.
    """
    if not cfg["net.ssl.enabled"]:
        return None
    return _client_tls(cfg) if side == constants.SIDE_CLIENT else _server_tls(cfg)


def _client_tls(cfg: _config.Config) -> v1.endpoint_pb2.TlsOptions:
    name = bool(cfg["net.ssl.client.check_hostname"])  # a name that nobody vouches for says nothing, so it implies the other
    return v1.endpoint_pb2.TlsOptions(
        certificate_file=_path(cfg, "net.ssl.client.certfile"),
        key_file=_path(cfg, "net.ssl.client.keyfile"),
        ca_file=_path(cfg, "net.ssl.cafile"),
        skip_server_name_check=not name and bool(cfg["net.ssl.client.force_verify"]),
        insecure_skip_verify=not name and not cfg["net.ssl.client.force_verify"],
    )


def _server_tls(cfg: _config.Config) -> v1.endpoint_pb2.TlsOptions | None:
    certificate, key = _path(cfg, "net.ssl.server.certfile"), _path(cfg, "net.ssl.server.keyfile")
    if certificate and key:
        cafile, verify = _path(cfg, "net.ssl.cafile"), bool(cfg["net.ssl.server.force_verify"])
        if verify and not cafile and cfg.says("net.ssl.server.force_verify"):
            raise ValueError("net.ssl.server.force_verify needs net.ssl.cafile: which names who signs clients' certificates")
        return v1.endpoint_pb2.TlsOptions(
            certificate_file=certificate, key_file=key, ca_file=cafile, require_client_certificate=bool(cafile) and verify
        )
    if cfg["net.ssl.force"] or certificate or key:
        raise ValueError("net.ssl.enabled needs net.ssl.server.certfile and .keyfile (or net.ssl.force off, and neither)")
    warnings.warn("TLS is off: net.ssl.server.certfile and .keyfile are not set", stacklevel=2)
    return None


def _path(cfg: _config.Config, key: str) -> str:
    """A file's absolute path: the sidecar may run in another folder. "" if the key is not set."""
    value = cfg[key]
    return os.path.abspath(os.fspath(value)) if value else ""


def server_security_level(options: v1.endpoint_pb2.EndpointOptions) -> int:
    """Which SSLSEC level every connection of such a server has at least."""
    if not options.HasField("tls"):
        return constants.SSLSEC_NONE
    return constants.SSLSEC_BOTHAUTH if options.tls.require_client_certificate else constants.SSLSEC_ENCRYPTED


def joined(address: tuple[str, int]) -> str:
    """An address as the sidecar takes it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def hooks(peer: Any, prefix: str) -> Iterable[Any]:
    """The peer's registration hooks: its callable attributes whose names start with prefix, in alphabetical order."""
    attributes = (getattr(peer, name) for name in dir(peer) if name.startswith(prefix))
    return [attribute for attribute in attributes if callable(attribute)]
