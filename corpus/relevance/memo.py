"""A dictionary that computes what it does not hold yet, and forgets all of it before it grows too large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V], Generic[K, V]):
    """`memo[key]` for a pure function of the key. Asked for what is there, it runs no Python code at all."""

    def __init__(self, compute: Callable[[K], V], most: int = 200_000) -> None:
        super().__init__()
        self._compute, self._most = compute, most

    def __missing__(self, key: K) -> V:
        if len(self) >= self._most:
            self.clear()
        value = self[key] = self._compute(key)
        return value
