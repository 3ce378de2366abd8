"""Who stays: greedy leaders along a total order.

A page goes only if a page that stays is near enough to it. Going through the pages from the best to the last,
a page stays unless one that stays already is its neighbour. So in a chain A~B~C with A unlike C, B goes and C
stays, where merging whole components would have lost C.
"""

from __future__ import annotations


class Leaders:
    """The greedy choice over a stream of edges. State: the removed pages of one component.

    Edges of a component come together, each from the better page to the worse, sorted by the better one. All
    edges that could remove a page then come before the first edge in which that page could remove another.
    """

    def __init__(self) -> None:
        self._component: str | None = None
        self._removed: set[str] = set()

    def removes(self, component: str, better: str, worse: str) -> bool:
        """Whether this edge removes `worse`, with `better` as its survivor: the best neighbour that stays."""
        if component != self._component:
            self._component, self._removed = component, set()
        if better in self._removed or worse in self._removed:
            return False
        self._removed.add(worse)
        return True
