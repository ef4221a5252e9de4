"""A dict that can be read and written both ways."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)


class Bimap(dict[K, V], MutableMapping[K, V], Generic[K, V]):
    """A dict whose values are as unique as its keys. Reading is a dict's own, and as fast.

    Attributes:
        inv: key by value: another Bimap, whose inv is this one. What is written to one is in both.
    """

    def __init__(self, inverse: Bimap[V, K] | None = None) -> None:
        super().__init__()
        self.inv: Bimap[V, K] = Bimap(self) if inverse is None else inverse

    @property
    def inverse(self) -> Bimap[V, K]:
        """The same as inv; peng3dnet's have both names."""
        return self.inv

    def __setitem__(self, key: K, value: V) -> None:
        if value in self.inv and self.inv[value] != key:
            raise ValueError(f"{value!r} is under {self.inv[value]!r} already")
        if key in self:
            dict.__delitem__(self.inv, self[key])
        super().__setitem__(key, value)
        dict.__setitem__(self.inv, value, key)

    def __delitem__(self, key: K) -> None:
        value = self[key]
        super().__delitem__(key)
        dict.__delitem__(self.inv, value)

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]  # dict.__or__ makes a dict
        self.update(other)
        return self

    # A dict's own would pass by the two above.
    clear, pop, popitem = MutableMapping.clear, MutableMapping.pop, MutableMapping.popitem
    setdefault, update = MutableMapping.setdefault, MutableMapping.update
