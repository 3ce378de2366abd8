"""Connected components by union-find, in memory: for small graphs, and the reference for tests."""

from __future__ import annotations

from collections.abc import Iterable


def connected_components(edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each node of `edges` with the smallest node of its component."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in edges:
        low, high = sorted((root(one), root(other)))
        parent[high] = low  # the smaller root wins, so each root is the smallest of its component
    return {node: root(node) for node in parent}
