"""The registry: three-way lookup, free ids, and the new ids after a handshake."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pengbridge import errors, packet
from pengbridge._bimap import Bimap
from pengbridge.registry import BaseRegistry, PacketRegistry


def entry() -> packet.Packet:
    return packet.Packet(None, None)


def filled(**ids: int | None) -> PacketRegistry:
    registry = PacketRegistry()
    for name, number in ids.items():
        registry.register(entry(), name, number)
    return registry


def test_lookup_by_id_name_and_object() -> None:
    registry, obj = PacketRegistry(), entry()
    registry.register(obj, "a:b")
    for key in (64, "a:b", obj):
        assert registry.getAll(key) == (obj, 64, "a:b")
        assert registry.getObj(key) is obj
        assert registry[key] is obj
        assert registry.getInt(key) == registry.getID(key) == 64
        assert registry.getStr(key) == registry.getName(key) == "a:b"
    assert registry.reg_int_obj.inv[obj] == 64
    assert registry.reg_int_str.inv["a:b"] == 64


def test_ids_and_names_pass_through_unchecked() -> None:
    registry = PacketRegistry()
    assert registry.getInt(999) == 999
    assert registry.getStr("whatever") == "whatever"


@pytest.mark.parametrize("method", ["getInt", "getObj", "getAll", "deleteObj", "__getitem__"])
@pytest.mark.parametrize(("key", "error"), [("zz", KeyError), (1.5, TypeError), (entry(), KeyError)])
def test_unknown_keys(method: str, key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        getattr(PacketRegistry(), method)(key)


def test_delete() -> None:
    registry = filled(a=None, b=None)
    registry.deleteObj("a")
    assert dict(registry.reg_int_str) == {65: "b"}
    registry.register(entry(), "a")
    assert registry.getInt("a") == 66


def test_register_object_uses_its_name() -> None:
    registry, obj = PacketRegistry(), entry()
    obj.name = "n:n"  # type: ignore[attr-defined]
    registry.registerObject(obj, 70)
    assert registry.getInt("n:n") == 70


@pytest.mark.parametrize(("obj", "name"), [("x", "y"), (None, "y"), (entry(), 5)])
def test_register_refuses_other_types(obj: Any, name: Any) -> None:
    with pytest.raises(TypeError):
        PacketRegistry().register(obj, name)


def test_a_registry_of_anything() -> None:
    registry = BaseRegistry(str)
    registry.register("object", "name")
    assert registry.getObj(64) == "object"


def test_30_a_failed_registration_leaves_nothing() -> None:
    registry, obj = PacketRegistry(), entry()
    registry.register(obj, "a:b")
    for args in [(entry(), "a:b"), (obj, "new"), (entry(), "new", 64)]:
        with pytest.raises(errors.AlreadyRegisteredError):
            registry.register(*args)
    registry.register(entry(), "c:d")
    assert dict(registry.reg_int_str) == {64: "a:b", 65: "c:d"}
    assert len(registry.reg_int_obj) == 2


def test_30_free_ids_skip_forced_ones() -> None:
    registry = filled(f=65, a=None, b=None)
    assert {name: number for number, name in registry.reg_int_str.items()} == {"f": 65, "a": 64, "b": 66}
    assert registry.getNewID() == 67


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_25_permuted_ids_lose_nothing(order: tuple[str, ...]) -> None:
    registry = filled(a=64, b=65, c=66)
    objects = {name: registry.getObj(name) for name in "abc"}
    registry._renumber({name: 64 + place for place, name in enumerate(order)})
    for place, name in enumerate(order):
        assert registry.getAll(name) == (objects[name], 64 + place, name)
    assert len(registry.reg_int_str) == 3


def test_the_maps_stay_if_no_id_changes() -> None:
    registry = filled(a=64, b=65)
    maps = registry.reg_int_obj, registry.reg_int_str
    registry._renumber({"a": 64, "b": 65, "not here": 66})
    assert maps[0] is registry.reg_int_obj
    assert maps[1] is registry.reg_int_str


def test_25_a_name_the_server_lacks_makes_room() -> None:
    registry = filled(a=64, x=65)
    own = registry.getObj("x")
    registry._renumber({"a": 64, "echo": 65})
    assert registry.getInt("a") == 64
    assert registry.getObj("x") is own
    assert registry.getInt("x") == 66


def test_another_object_may_be_put_under_an_id() -> None:
    registry, other = filled(a=None), entry()
    old = registry["a"]
    registry.reg_int_obj[64] = other
    assert registry.getAll("a") == (other, 64, "a")
    with pytest.raises(KeyError):
        registry.getInt(old)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda m: m.update({3: "c"}), {1: "a", 2: "b", 3: "c"}),
        (lambda m: m.inv.update({"a": 4}), {2: "b", 4: "a"}),
        (lambda m: m.inverse.pop("a"), {2: "b"}),
        (lambda m: m.pop(9, None), {1: "a", 2: "b"}),
        (lambda m: m.inv.inv.__delitem__(1), {2: "b"}),
        (lambda m: m.setdefault(1, "z"), {1: "a", 2: "b"}),
        (lambda m: m.__ior__({1: "c"}), {1: "c", 2: "b"}),
        (lambda m: m.clear(), {}),
    ],
)
def test_the_maps_behave_as_mappings_both_ways(change: Any, left: dict[int, str]) -> None:
    names = Bimap[int, str]()
    names.update({1: "a", 2: "b"})
    change(names)
    assert names == left
    assert names.inv == {name: number for number, name in left.items()}


def test_the_values_of_a_map_are_unique() -> None:
    names = Bimap[int, str]()
    names[1] = "a"
    with pytest.raises(ValueError, match="'a' is under 1 already"):
        names[2] = "a"
    with pytest.raises(KeyError):
        names.pop(2)
    assert (names, names.inv) == ({1: "a"}, {"a": 1})
