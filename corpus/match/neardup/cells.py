"""Cells: where a page is looked for its like. Plain numpy, exact, the same on every machine.

Pivots are pages drawn by a hash. A page lies in the cells of its `probes` nearest pivots, so two pages that
are nearly alike meet if they have one of them in common. Unlike hyperplanes, cells follow the density of the
pages: a crowded region has many pivots.
"""

from __future__ import annotations

import math

import numpy as np

from corpus.match.index.exact import Rows, Vectors, nearest

MOST_PIVOTS = 32_768


def unpack(packed: list[bytes]) -> Vectors:
    """Rows of float16 bytes as float32 [rows, dimensions]."""
    rows = [np.frombuffer(value, np.float16) for value in packed]
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, 0), np.float32)


def pivots_for(pages: int) -> int:
    """As many as make finding the cells and comparing inside them about equally costly."""
    return max(1, min(MOST_PIVOTS, math.ceil(2 * math.sqrt(pages))))


def nearest_cells(vectors: Vectors, pivots: Vectors, probes: int) -> Rows:
    """The rows of the `probes` nearest pivots of each vector [vectors, probes]; of equals the lower row."""
    rows, _ = nearest(pivots.astype(np.float16), vectors, min(probes, len(pivots)))
    return rows
