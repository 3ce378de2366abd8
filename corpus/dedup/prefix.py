"""The exact search inside hot buckets, by prefix filtering.

Many pages of one template share a bucket and yet are no duplicates. Comparing all pairs of them is quadratic,
and a cap that compares only some loses those that are duplicates. But two sets with an overlap of at least o
share, under one order of all shingles, one of the first |x| - o + 1 of x and one of the first |y| - o + 1 of
y, and Jaccard similarity t asks for o = t / (1 + t) (|x| + |y|). Taken from the rarest on, these are shingles
that the template does not have, so pages meet only where they share something of their own, and no pair at
the threshold is lost (Chaudhuri, Ganti, Kaushik, ICDE 2006; Bayardo, Ma, Srikant, WWW 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.dedup.shingles import Hashes

_ROUNDING = 1e-9  # a product that should be whole must not be lifted to the next number


@dataclass(frozen=True)
class Common:
    """Shingles that many pages share, sorted, and how many of a sample do. All others count as rare.

    Any order of shingles gives the same pairs in the end; this one keeps the number of candidates small.
    """

    shingles: Hashes
    counts: npt.NDArray[np.int64]

    def counts_of(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        if not len(self.shingles):
            return np.zeros(len(hashes), np.int64)
        at = np.minimum(np.searchsorted(self.shingles, hashes), len(self.shingles) - 1)
        return np.where(self.shingles[at] == hashes, self.counts[at], 0)


def prefix(hashes: Hashes, threshold: float, common: Common) -> Hashes:
    """The rarest shingles of a set, rarest first: so many that any partner must share one of them."""
    length = min(len(hashes) - math.ceil(threshold * len(hashes) - _ROUNDING) + 1, len(hashes))
    order = np.lexsort((hashes, common.counts_of(hashes)))
    return hashes[order[:length]]


def leads(
    position: npt.NDArray[np.int32], sizes: npt.NDArray[np.int32], threshold: float
) -> npt.NDArray[np.bool_]:
    """Whether a set must look for larger partners under its shingle at `position`.

    Only the smaller of two sets needs to: with a partner no smaller than itself its overlap is at least
    2 t / (1 + t) of its size, so this is about the first half of its prefix. Under the rest it is only found.
    """
    overlap = np.ceil(2 * threshold / (1 + threshold) * sizes - _ROUNDING)
    fits: npt.NDArray[np.bool_] = position <= sizes - overlap + 1
    return fits
