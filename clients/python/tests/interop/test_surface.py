"""The real library's public surface against ours.

Compared are names, signatures, defaults, attributes, who derives from whom, and what is called when programs override it.
Every difference is in surface_differences.json, with its reason, and nothing else is. What the package has besides, the
newer API, is not looked at here.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .peer import OURS, REFERENCE, interpreter

pytestmark = pytest.mark.reference

DATA = Path(__file__).parents[1] / "data"
TIME_LIMIT = 60.0  # seconds; it takes about one

_MEMBER = re.compile(r"(?P<owner>\w+)(?:\(\))?[.\[](?P<name>[\w.]+)\]?")


def told_by(script: str, library: str) -> Any:
    python, environment = interpreter(library)
    command = [python, "-W", "ignore", str(DATA / script), library]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=TIME_LIMIT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def surface(library: str) -> dict[str, Any]:
    found: dict[str, Any] = told_by("introspect_library.py", library)
    del found[library]  # the package itself
    return found


@pytest.fixture(scope="module")
def surfaces() -> tuple[dict[str, Any], dict[str, Any]]:
    return surface(REFERENCE), surface(OURS)


@pytest.fixture(scope="module")
def differences() -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = json.loads((DATA / "surface_differences.json").read_text(encoding="utf-8"))
    assert all(reason for places in known.values() for reason in places.values())
    return known


Surfaces = tuple[dict[str, Any], dict[str, Any]]
Differences = dict[str, dict[str, str]]


def test_what_is_missing(surfaces: Surfaces, differences: Differences) -> None:
    reference, ours = surfaces
    assert len(reference) > 500, "something was looked at"
    assert sorted(reference.keys() - ours.keys()) == sorted(differences["missing"])


def test_what_is_changed(surfaces: Surfaces, differences: Differences) -> None:
    reference, ours = surfaces
    changed = {place for place in reference.keys() & ours.keys() if not agrees(reference[place], ours[place])}
    assert {place: (reference[place], ours[place]) for place in changed - differences["changed"].keys()} == {}
    assert sorted(changed) == sorted(differences["changed"])


def test_what_is_added(surfaces: Surfaces, differences: Differences) -> None:
    reference, ours = surfaces
    assert sorted(filter(lambda place: extends(place, reference), ours.keys() - reference.keys())) == sorted(
        differences["added"]
    )


def test_what_is_called(differences: Differences) -> None:
    """The methods that the library calls by itself: programs override them."""
    reference, ours = (set(told_by("trace_calls.py", library)) for library in (REFERENCE, OURS))
    assert len(reference) > 40, "something was called"
    assert ours - reference == set()
    assert sorted(reference - ours) == sorted(differences["not called"])


def agrees(expected: Any, found: Any) -> bool:
    """Whether two descriptions are the same; a class may have more bases."""
    if isinstance(expected, list):
        return [base for base in found if base in expected] == expected
    return bool(expected == found)


def extends(place: str, reference: dict[str, Any]) -> bool:
    """Whether something of ours is a public part of what the reference has, too."""
    match = _MEMBER.fullmatch(place)
    if match is None or any(part.startswith("_") for part in match["name"].split(".")):
        return False
    owner = match["owner"]
    return owner == "DEFAULT_CONFIG" or owner in reference or f"{owner} bases" in reference
