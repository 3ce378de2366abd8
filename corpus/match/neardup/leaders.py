"""Within a cell: who leads, and who is near to a leader. A stream over the cell's pages, the best first."""

from __future__ import annotations

import numpy as np

from corpus.match.index.exact import SCALE, Vectors, whole_numbers

MOST_LEADERS = 4096  # of a cell: bounds the comparisons of a page, and what a task holds in memory
_BLOCK = 512  # pages that are compared with the leaders at one time


class Cell:
    """The leaders of one cell. Pages come from the best to the last; the result does not depend on how they
    are cut into calls of `near`.

    A page becomes a leader unless one that leads already is at least as near as `threshold`. Beyond
    MOST_LEADERS nobody is added: later pages are still compared with those there are.
    """

    def __init__(self, threshold: float, most: int = MOST_LEADERS) -> None:
        self._least = np.float32(np.ceil(np.float64(threshold) * SCALE * SCALE))
        self._most = most
        self._nodes: list[int] = []
        self._vectors: Vectors | None = None  # grows by doubling; the first len(_nodes) rows count

    def near(self, nodes: list[int], vectors: Vectors) -> list[tuple[int, int, float]]:
        """(leader, page, cosine) for each page that is near to a leader: of several the best one."""
        found: list[tuple[int, int, float]] = []
        for start in range(0, len(nodes), _BLOCK):
            found += self._block(
                nodes[start : start + _BLOCK], whole_numbers(vectors[start : start + _BLOCK])
            )
        return found

    def _block(self, nodes: list[int], block: Vectors) -> list[tuple[int, int, float]]:
        before = len(self._nodes)
        known = block @ self._vectors[:before].T if self._vectors is not None else None
        inside = block @ block.T
        added: list[int] = []  # rows of this block that lead
        found = []
        for row, node in enumerate(nodes):
            score = None
            if known is not None and (hits := np.flatnonzero(known[row] >= self._least)).size:
                leader, score = self._nodes[int(hits[0])], float(known[row, hits[0]])
            elif added and (hits := np.flatnonzero(inside[row, added] >= self._least)).size:
                other = added[int(hits[0])]
                leader, score = nodes[other], float(inside[row, other])
            if score is not None:
                found.append((leader, node, round(score / (SCALE * SCALE), 6)))
            elif before + len(added) < self._most:
                added.append(row)
        self._add([nodes[row] for row in added], block[added])
        return found

    def _add(self, nodes: list[int], vectors: Vectors) -> None:
        if not nodes:
            return
        count = len(self._nodes)
        if self._vectors is None or count + len(nodes) > len(self._vectors):
            grown = np.empty((max(2 * (count + len(nodes)), 64), vectors.shape[1]), np.float32)
            if self._vectors is not None:
                grown[:count] = self._vectors[:count]
            self._vectors = grown
        self._vectors[count : count + len(nodes)] = vectors
        self._nodes += nodes
