"""A dict that can be read both ways."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bimap(dict[K, V], Generic[K, V]):
    """A dict whose values are as unique as its keys.

    It is changed by item assignment and deletion only.

    Attributes:
        inv: key by value. To be read, not written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inv: dict[V, K] = {}

    def __setitem__(self, key: K, value: V) -> None:
        if value in self.inv and self.inv[value] != key:
            raise ValueError(f"{value!r} is under {self.inv[value]!r} already")
        if key in self:
            del self.inv[self[key]]
        super().__setitem__(key, value)
        self.inv[value] = key

    def __delitem__(self, key: K) -> None:
        value = self[key]
        super().__delitem__(key)
        del self.inv[value]

    def _refuse(self, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError("assign or delete items one by one")

    clear = pop = popitem = setdefault = update = __ior__ = _refuse
