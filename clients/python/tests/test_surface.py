"""Every public name of the reference is here, with its parameters and defaults."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"
sys.path.insert(0, str(DATA))

from introspect_reference import MODULES, surface  # noqa: E402

REFERENCE = json.loads((DATA / "reference_surface.json").read_text())
OURS = surface("pengbridge")

# What programs have no use for, with the reason.
LEFT_OUT = {
    ("net", "HAVE_SSL"): "whether the ssl module could be imported; nothing here needs it",
    ("net", "basestring"): "left over from Python 2",
    ("registry", "HAVE_BIDICT"): "whether bidict could be imported; nothing here needs it",
    ("ext.ping", "WRITEBACK"): "a switch of another library's storage format",
}
# Callbacks of the reference's own select loop.
LEFT_OUT_METHODS = {
    "Server": {"_accept", "_client_ready"},
    "Client": {"_sock_ready"},
    "_PingClient": {"_sock_ready"},
}
# The reference says which release it is; so do we.
VALUES_OF_OUR_OWN = {"VERSION", "RELEASE"}


def label(value: object) -> str:
    return value if isinstance(value, str) else ""


def entries() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (module.lstrip("."), name, entry)
        for module in MODULES
        for name, entry in REFERENCE["modules"][module].items()
        if (module.lstrip("."), name) not in LEFT_OUT
    ]


@pytest.mark.parametrize(("module", "name", "expected"), entries(), ids=label)
def test_names(module: str, name: str, expected: dict[str, Any]) -> None:
    ours = OURS["modules"][f".{module}" if module else ""].get(name)
    assert ours is not None, f"{module}.{name} is missing"
    assert ours["kind"] == expected["kind"]
    if expected["kind"] == "function":
        assert ours["parameters"] == expected["parameters"]
    elif expected["kind"] == "value" and name not in VALUES_OF_OUR_OWN:
        assert ours["value"] == expected["value"]
    elif expected["kind"] == "class":
        assert [base for base in expected["bases"] if base not in ours["bases"]] == []
        for member, parameters in expected["members"].items():
            if member not in LEFT_OUT_METHODS.get(name, ()):
                assert member in ours["members"], f"{name}.{member} is missing"
                assert ours["members"][member] == parameters, f"{name}.{member} has other parameters"


@pytest.mark.parametrize("name", ["Server", "Client", "ClientOnServer"])
def test_attributes_of_instances(name: str) -> None:
    import pengbridge

    server = pengbridge.Server()
    made = {"Server": server, "Client": pengbridge.Client()}
    obj = made.get(name) or pengbridge.ClientOnServer(server, None, ("", 0), 1)
    assert [attribute for attribute in REFERENCE["instances"][name] if not hasattr(obj, attribute)] == []


def test_what_is_left_out_is_really_missing() -> None:
    for module, name in LEFT_OUT:
        assert name not in OURS["modules"][f".{module}"]
