"""Which source each row of a global batch comes from, and which slot serves it: integers only, no chance.

Row n goes to the source that is most behind its share, so after any number of rows every source is within
about one row of it. Both functions depend on counts alone; every rank computes the same plan by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from training.arrays import Int64


def integer_shares(weights: Sequence[float]) -> list[int]:
    """Whole numbers in the ratio of the weights, so that quotas are exact.

    0.1 means one tenth, not its nearest double.
    """
    fractions = [Fraction(repr(float(weight))).limit_denominator(10**9) for weight in weights]
    common = lcm(*(fraction.denominator for fraction in fractions))
    return [int(fraction * common) for fraction in fractions]


def quota(shares: Sequence[int], counts: Int64, rows: int) -> list[int]:
    """Rows of each source in the next `rows` rows, after `counts` rows so far; shares are above 0.

    A source is behind by share * (n + 1) - count * total; with whole numbers no rounding adds up. Ties go
    to the first source.
    """
    total = sum(shares)
    have = [int(count) for count in counts]
    start, taken = sum(have), [0] * len(have)
    for row in range(start + 1, start + rows + 1):
        behind = [share * row - count * total for share, count in zip(shares, have, strict=True)]
        source = max(range(len(have)), key=lambda s: (behind[s], -s))
        have[source] += 1
        taken[source] += 1
    return taken


def assign_slots(taken: Sequence[int], shares: Sequence[int], served: Int64, step: int) -> Int64:
    """The source of each slot of this step, shape [slots].

    `served` [sources, slots] counts the rows of each lane so far. Rare sources choose first and take the
    slots whose lane of that source is least advanced; equal lanes take turns by step. So the lanes of a
    source stay within a few rows of each other.
    """
    slots = served.shape[1]
    chosen = np.full(slots, -1, dtype=np.int64)
    turn = (np.arange(slots) - step) % slots
    for source in sorted(range(len(taken)), key=lambda s: (shares[s], s)):
        order = np.lexsort((turn, served[source]))
        free = order[chosen[order] < 0]
        chosen[free[: taken[source]]] = source
    return chosen
