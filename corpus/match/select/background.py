"""What seeds are like to pages that nobody looks for. Plain numpy.

Some seeds lie near to everything: questions about the world, say, find any encyclopedia. So a page's
similarity to a seed counts by how far it lies above what general pages reach with that very seed, as in
cross-domain similarity local scaling (Conneau and others, 2018). No labels are needed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpus.match.index.exact import SCALE, Vectors, whole_numbers

NEAREST = 10  # general pages whose mean similarity is a seed's background
LEAST_GENERAL = 100  # with fewer pages to hold against the seeds, every background is 0
_BLOCK = 8192  # seeds at one time


def backgrounds(seeds: npt.NDArray[np.float16], general: Vectors) -> npt.NDArray[np.float32]:
    """For each seed the mean of its NEAREST highest cosines with general pages; zeros for few pages."""
    found = np.zeros(len(seeds), np.float32)
    if len(general) < LEAST_GENERAL:
        return found
    pages = whole_numbers(general)
    for start in range(0, len(seeds), _BLOCK):
        scores = whole_numbers(seeds[start : start + _BLOCK]) @ pages.T
        highest = -np.partition(-scores, NEAREST - 1, axis=1)[:, :NEAREST]
        mean = highest.sum(axis=1, dtype=np.float64) / (NEAREST * SCALE * SCALE)  # exact: whole numbers
        found[start : start + _BLOCK] = mean.round(6)
    return found
