"""Writes a library's public surface to standard output, as JSON: {place: what is there}.

Run it with the library's name, where that is installed; peng3dnet needs PYGLET_SHADOW_WINDOW=0.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import types
from collections.abc import Mapping
from typing import Any

MODULES = (
    "",
    "conntypes",
    "constants",
    "errors",
    "ext",
    "ext.mpgame",
    "ext.ping",
    "net",
    "packet",
    "packet.internal",
    "registry",
    "util",
    "version",
)
# How objects are made whose attributes programs use.
INSTANCES = {
    "Server": lambda library: library.Server(),
    "Client": lambda library: library.Client(),
    "ClientOnServer": lambda library: library.ClientOnServer(library.Server(), None, ("", 0), 1),
    "Packet": lambda library: library.packet.Packet(None, None),
    "SmartPacket": lambda library: library.packet.SmartPacket(None, None),
    "PacketRegistry": lambda library: library.PacketRegistry(),
    "ClassicConnectionType": lambda library: library.conntypes.ClassicConnectionType(None),
    "PingConnectionType": lambda library: library.ext.ping.PingConnectionType(None),
    **{
        name: lambda library, name=name: getattr(library.packet.internal, name)(None, None)
        for name in ("HelloPacket", "SetTypePacket", "HandshakePacket", "HandshakeAcceptPacket", "CloseConnectionPacket")
    },
}


def surface(package: str) -> dict[str, Any]:
    """Describes modules ("net"), what is in them ("net.Server"), classes' members ("Server.stop") and the attributes of
    instances ("Server().run")."""
    found: dict[str, Any] = {}
    classes: dict[str, type] = {}
    for place in MODULES:
        module = importlib.import_module(f"{package}.{place}".rstrip("."))
        found[place or package] = "module"
        for name, value in vars(module).items():
            if not name.startswith("_") and belongs(value, package):
                found[f"{place}.{name}".lstrip(".")] = described(value)
                if inspect.isclass(value):
                    classes[name] = value
    for name, cls in classes.items():
        found[f"{name} bases"] = [base.__name__ for base in cls.__mro__[1:-1]]
        for member in dir(cls):
            if not member.startswith("__") or member == "__init__":
                function = inspect.getattr_static(cls, member)
                if inspect.isfunction(function):
                    found[f"{name}.{member}"] = signature(function)
    library = importlib.import_module(package)
    for name, make in INSTANCES.items():
        obj = make(library)
        for attribute in {*dir(obj), *vars(obj)}:
            if not attribute.startswith("_") and not callable(getattr(obj, attribute)):
                found[f"{name}().{attribute}"] = described(getattr(obj, attribute))
    for key, value in library.constants.DEFAULT_CONFIG.items():
        found[f"DEFAULT_CONFIG[{key}]"] = described(value)
    return found


def belongs(value: Any, package: str) -> bool:
    """Whether a library itself brought a name's value, not another one. Plain values do not say who brought them."""
    if isinstance(value, types.ModuleType):
        return value.__name__.startswith(package)
    if callable(value):
        return str(getattr(value, "__module__", "")).startswith(package)
    return type(value).__module__ != "__future__"


def described(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return "module"
    if inspect.isclass(value):
        return f"class {value.__name__}"
    if inspect.isfunction(value):
        return signature(value)
    if isinstance(value, (int, float, str, type(None))):
        return repr(value)
    if isinstance(value, tuple) and all(isinstance(part, (int, str)) for part in value):
        return repr(value)
    return "a mapping" if isinstance(value, Mapping) else "an object"


def signature(function: Any) -> str:
    parameters = inspect.signature(function).parameters.values()
    return "(" + ", ".join(p.name if p.default is p.empty else f"{p.name}={described(p.default)}" for p in parameters) + ")"


if __name__ == "__main__":
    print(json.dumps(surface(sys.argv[1]), indent=1, sort_keys=True))
