"""Which packet has which name and which id."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from . import errors, packet
from ._bimap import Bimap

__all__ = ["BaseRegistry", "PacketRegistry"]

_FIRST_FREE_ID = 64


class BaseRegistry:
    """Maps ids, names and objects to one another.

    A key may be any of the three. Reading needs no lock; registering takes one, so any thread may do it.

    Attributes:
        reg_int_obj: object by id; its attribute inv is the other way round. Both may be written: reg_int_obj[id] = obj
            puts another object under an id.
        reg_int_str: name by id; its attribute inv is the other way round.
        nextid: where the search for a free id goes on.
        objtype: what registered objects must be instances of.
    """

    objtype: type = object

    def __init__(self, objtype: type | None = None) -> None:
        if objtype is not None:
            self.objtype = objtype
        self.reg_int_obj: Bimap[int, Any] = Bimap()
        self.reg_int_str: Bimap[int, str] = Bimap()
        self.nextid = _FIRST_FREE_ID
        self.idlock = threading.Lock()
        self._on_register: Callable[[str, int], None] | None = None

    def getNewID(self) -> int:
        """Takes the next free id from 64 up."""
        with self.idlock:
            return self._free_id()

    def register(self, obj: Any, name: str, n: int | None = None) -> None:
        """Adds an object under a name.

        Args:
            obj: the object; an instance of objtype.
            name: its name, unique here.
            n: its id, unique here. None: the next free one.

        Raises:
            TypeError: obj is of another type, or name is no string.
            AlreadyRegisteredError: the object, the name or the id is taken. Nothing was changed.
        """
        if not isinstance(obj, self.objtype):
            raise TypeError(f"This registry only accepts objects of type {self.objtype}")
        if not isinstance(name, str):
            raise TypeError(f"a packet's name is a string, not {type(name).__name__}")
        with self.idlock:
            if name in self.reg_int_str.inv:
                raise errors.AlreadyRegisteredError(f"{name} is registered already")
            if obj in self.reg_int_obj.inv:
                raise errors.AlreadyRegisteredError(f"{obj} is registered already")
            if n is not None and n in self.reg_int_str:
                raise errors.AlreadyRegisteredError(f"id {n} is registered already, as {self.reg_int_str[n]}")
            number = self._free_id() if n is None else n
            self.reg_int_obj[number] = obj
            self.reg_int_str[number] = name
            try:
                if self._on_register is not None:
                    self._on_register(name, number)
            except BaseException:
                del self.reg_int_obj[number], self.reg_int_str[number]
                raise

    def registerObject(self, obj: Any, n: int | None = None) -> None:
        """Adds an object under its own attribute name; otherwise like register."""
        self.register(obj, obj.name, n)

    def deleteObj(self, obj: Any) -> None:
        """Removes what an id, a name or an object stands for.

        Raises:
            KeyError: nothing is registered under it.
            TypeError: it is none of the three.
        """
        with self.idlock:
            number = self.getInt(obj)
            del self.reg_int_obj[number]
            del self.reg_int_str[number]

    def getInt(self, obj: Any) -> int:
        """The id of a name or an object. An id is returned as it is, registered or not.

        Raises:
            KeyError: nothing is registered under it.
            TypeError: it is of another type.
        """
        if isinstance(obj, str):
            return self.reg_int_str.inv[obj]
        if isinstance(obj, int):
            return obj
        if isinstance(obj, self.objtype):
            return self.reg_int_obj.inv[obj]
        raise TypeError(f"Cannot convert object of type {type(obj)} to ID")

    def getStr(self, obj: Any) -> str:
        """The name of an id or an object. A name is returned as it is, registered or not; errors as in getInt."""
        if isinstance(obj, str):
            return obj
        return self.reg_int_str[self.getInt(obj)]

    def getObj(self, obj: Any) -> Any:
        """The object under an id or a name, or the object itself, if registered; errors as in getInt."""
        return self.reg_int_obj[self.getInt(obj)]

    def getID(self, obj: Any) -> int:
        """The same as getInt."""
        return self.getInt(obj)

    def getName(self, obj: Any) -> str:
        """The same as getStr."""
        return self.getStr(obj)

    def getAll(self, obj: Any) -> tuple[Any, int, str]:
        """All three: (object, id, name); errors as in getInt."""
        number = self.getInt(obj)
        return self.reg_int_obj[number], number, self.reg_int_str[number]

    def __getitem__(self, item: Any) -> Any:
        return self.getObj(item)

    def _renumber(self, ids: dict[str, int]) -> None:
        """Gives names other ids: the whole table is made anew, so that swapped ids lose nothing (defect 25).

        Names that are not registered here are passed over. A name missing from ids keeps its id if that is free, and
        gets the next free one behind it otherwise.
        """
        with self.idlock:
            objects: Bimap[int, Any] = Bimap()
            names: Bimap[int, str] = Bimap()
            left_over = []
            for number, name in self.reg_int_str.items():
                if name in ids:
                    objects[ids[name]] = self.reg_int_obj[number]
                    names[ids[name]] = name
                else:
                    left_over.append((number, name))
            taken = set(ids.values())
            for number, name in left_over:
                free = number
                while free in names or free in taken:
                    free += 1
                objects[free] = self.reg_int_obj[number]
                names[free] = name
            if names != self.reg_int_str:  # else programs may go on with the maps they have
                self.reg_int_obj, self.reg_int_str = objects, names

    def _free_id(self) -> int:
        while self.nextid in self.reg_int_str:
            self.nextid += 1
        self.nextid += 1
        return self.nextid - 1


class PacketRegistry(BaseRegistry):
    """The packets of a server or a client."""

    objtype = packet.Packet
