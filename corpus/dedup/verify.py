"""The exact comparison of two shingle sets. LSH only nominates; this decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.dedup.shingles import Hashes


@dataclass(frozen=True)
class Evidence:
    """How alike two pages are: |A & B| / |A | B|, and the share of the second set that the first one has."""

    jaccard: float
    containment: float

    def suffices(self, threshold: float, containment: float | None) -> bool:
        """Whether the second page is a duplicate of the first: by similarity, or because it holds nothing
        new.
        """
        if self.jaccard >= threshold:
            return True
        return containment is not None and self.containment >= containment


def common(first: Hashes, second: Hashes) -> int:
    """How many hashes two sorted sets share."""
    small, large = (first, second) if len(first) <= len(second) else (second, first)
    if not len(small):
        return 0
    if len(large) > 16 * len(small):
        at = np.searchsorted(large, small)
        return int(np.count_nonzero(large[np.minimum(at, len(large) - 1)] == small))
    both = np.concatenate((first, second))
    both.sort(kind="stable")  # two sorted runs: a merge
    return int(np.count_nonzero(both[1:] == both[:-1]))


def compare(kept: Hashes, other: Hashes) -> Evidence:
    """The evidence on `other` as a duplicate of `kept`. Empty sets resemble nothing, not even each other."""
    if not len(kept) or not len(other):
        return Evidence(0.0, 0.0)
    shared = common(kept, other)
    return Evidence(shared / (len(kept) + len(other) - shared), shared / len(other))
