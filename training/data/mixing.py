"""Which source each row of a global batch comes from, and which slot serves it: integers only, no chance.

Row n goes to the source that is most behind its share, so after any number of rows every source is within
about one row of it. Both functions depend on counts alone; every rank computes the same plan by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from corpus.engine.errors import UserError, nearest
from training.data.arrays import Int64
from training.data.shards import ShardSet


def integer_shares(weights: Sequence[float]) -> list[int]:
    """Whole numbers in the ratio of the weights, so that quotas are exact.

    0.1 means one tenth, not its nearest double.
    """
    fractions = [Fraction(repr(float(weight))).limit_denominator(10**9) for weight in weights]
    common = lcm(*(fraction.denominator for fraction in fractions))
    return [int(fraction * common) for fraction in fractions]


def row_caps(shards: ShardSet, repeat: Mapping[str, float], length: int) -> list[int | None]:
    """How many rows each source may give in all: `repeat` passes over its tokens. None: as many as asked for.

    Raises UserError for a source that is not there or whose tokens are not counted.
    """
    for name in repeat:
        if name not in shards.names:
            raise UserError(f"repeat names the unknown source '{name}': {nearest(name, shards.names)}")
    caps: list[int | None] = []
    for source in shards.sources:
        passes = repeat.get(source.name)
        if passes is not None and source.tokens is None:
            raise UserError(
                f"repeat.{source.name} cannot be kept: its shards do not say how many tokens they have; "
                "write them with num_tokens, or leave the key out."
            )
        caps.append(None if passes is None else int(passes * (source.tokens or 0)) // length)
    return caps


def check_caps(shards: ShardSet, caps: Sequence[int | None], rows: int) -> None:
    """Raises UserError where the sources may not give `rows` rows in all."""
    if None not in caps and (most := sum(cap or 0 for cap in caps)) < rows:
        raise UserError(
            f"with these keys repeat.NAME the sources give {most:,} rows and the run needs {rows:,}; "
            f"raise repeat for one of {', '.join(shards.names)}, or lower tokens."
        )


def quota(
    shares: Sequence[int], counts: Int64, rows: int, caps: Sequence[int | None] | None = None
) -> list[int]:
    """Rows of each source in the next `rows` rows, after `counts` rows so far; shares are above 0.

    A source is behind by share * (n + 1) - count * total; with whole numbers no rounding adds up. Ties go
    to the first source. A source that has reached its cap gives no more, and the others, which are in
    proportion already, go on in proportion: n and total are those of the open sources alone.
    """
    have, taken = [int(count) for count in counts], [0] * len(shares)
    ends = [-1 if cap is None else cap for cap in caps] if caps else [-1] * len(shares)
    left = rows
    while left:
        open_ = [s for s in range(len(shares)) if ends[s] < 0 or have[s] < ends[s]]
        if not open_:
            raise UserError(
                "every source has been read as often as repeat.NAME allows; raise one, or lower tokens."
            )
        total, given = sum(shares[s] for s in open_), sum(have[s] for s in open_)
        behind = {s: shares[s] * (given + 1) - have[s] * total for s in open_}
        while left:
            source = max(behind, key=behind.__getitem__)  # the first of equals
            for s in open_:
                behind[s] += shares[s]
            behind[source] -= total
            have[source] += 1
            taken[source] += 1
            left -= 1
            if have[source] == ends[source]:
                break
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
