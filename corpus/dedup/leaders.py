"""Who stays: greedy leaders along a total order.

A page goes only if a page that stays is near enough to it. Going through the pages from the best to the last,
a page stays unless one that stays already is its neighbour. So in a chain A~B~C with A unlike C, B goes and C
stays, where merging whole components would have lost C.

The kept pages are the only set of which each member has no better member beside it and each page outside has
one. Whoever finds a set like that has found this one, in whatever order pairs were compared: that is what
makes the result independent of partitions, of hubs and of rounds, and a later crawl equal to the union of
both.
"""

from __future__ import annotations


class Leaders:
    """The greedy choice over a stream of edges. State: the removed pages of one component.

    Pages are numbered from the best. Edges of a component come together, each from the better page to the
    worse, sorted by the better one. All edges that could remove a page then come before the first edge in
    which that page could remove another.
    """

    def __init__(self) -> None:
        self._component: int | None = None
        self._removed: set[int] = set()

    def removes(self, component: int, better: int, worse: int) -> bool:
        """Whether this edge removes `worse`, with `better` as its survivor: the best neighbour that stays."""
        if component != self._component:
            self._component, self._removed = component, set()
        if better in self._removed or worse in self._removed:
            return False
        self._removed.add(worse)
        return True
