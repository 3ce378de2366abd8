"""Ships and where they lie.

>>> berth("Ada")
3
"""

from __future__ import annotations

import sys

if sys.platform != "nowhere":

    def berth(name: str, *, default: int = 3) -> int:
        """The berth of a ship.

        :param name: its name
        :type name: str
        :param default: where nothing is known
        :returns: a number
        :raises KeyError: if there is no such ship

        """
        return default


class Ship:
    """A ship."""

    def __init__(self, name: str, crew: list[str] | None = None) -> None:
        self.name = name

    async def sail(self, to: str = "sea") -> None:
        """Sail away."""

    def sink(self, slowly):
        if slowly:
            return None
        return 1

    def _hidden(self):
        """Not for others."""


def _private():
    """Not for others either."""
