"""Writes the reference library's public surface (names, signatures, constants) to standard output as JSON.

Run it where peng3dnet is installed, with PYGLET_SHADOW_WINDOW=0, and keep the result as reference_surface.json.
"""

from __future__ import annotations

import importlib
import inspect
import json
import types
from typing import Any

MODULES = [
    "",
    ".conntypes",
    ".constants",
    ".errors",
    ".ext",
    ".ext.mpgame",
    ".ext.ping",
    ".net",
    ".packet",
    ".packet.internal",
    ".registry",
    ".util",
    ".version",
]


def parameters(function: Any) -> list[list[Any]] | None:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [[p.name, None if p.default is p.empty else default(p.default)] for p in found]


def default(value: Any) -> str:
    return repr(value) if isinstance(value, (int, float, str, bool, type(None))) else "an object"


def of_class(cls: Any) -> dict[str, Any]:
    members = {}
    for name in dir(cls):
        if name.startswith("__") and name != "__init__":
            continue
        value = getattr(cls, name)
        if inspect.isfunction(value):
            members[name] = parameters(value)
        elif not callable(value):
            members[name] = "attribute"
    return {"kind": "class", "bases": [base.__name__ for base in cls.__mro__[1:-1]], "members": members}


def of_module(module: types.ModuleType, package: str) -> dict[str, Any]:
    surface = {}
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_"):
            continue
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith(package):
                surface[name] = {"kind": "module"}
        elif inspect.isclass(value):
            if value.__module__.startswith(package):
                surface[name] = of_class(value)
        elif callable(value):
            surface[name] = {"kind": "function", "parameters": parameters(value)}
        else:
            plain = isinstance(value, (int, str))
            surface[name] = {"kind": "value", "value": value if plain else type(value).__name__}
    return surface


def instances(library: Any) -> dict[str, list[str]]:
    server, client = library.Server(), library.Client()
    made = {"Server": server, "Client": client, "ClientOnServer": library.ClientOnServer(server, None, ("", 0), 1)}
    return {name: sorted(key for key in vars(obj) if not key.startswith("_")) for name, obj in made.items()}


def surface(package: str) -> dict[str, Any]:
    modules = {name: of_module(importlib.import_module(package + name), package) for name in MODULES}
    return {"modules": modules, "instances": instances(importlib.import_module(package))}


if __name__ == "__main__":
    print(json.dumps(surface("peng3dnet"), indent=1, sort_keys=True))
