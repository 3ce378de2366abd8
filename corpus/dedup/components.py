"""Connected components by union-find, in memory: for small graphs, and the reference for tests."""

from __future__ import annotations

from collections.abc import Iterable


def connected_components(edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Each node of `edges` with the smallest node of its component."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in edges:
        first, second = root(one), root(other)
        low, high = min(first, second), max(first, second)
        parent[high] = low  # the smaller root wins, so each root is the smallest of its component
    return {node: root(node) for node in parent}
