"""Which seeds stand for the others: near-duplicates go, and of what is left medoids are taken.

Works on one group at a time (the seeds of one source and kind, or a part of them), in the order of the rows,
so that the same rows in the same order always give the same choice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
USED, NEAR, REPRESENTED = "used", "near", "represented"
_ROUNDS = 12
_BLOCK = 1024


def choose(
    vectors: Vectors, weights: Rows, most: int, near: float
) -> tuple[Rows, npt.NDArray[np.str_], Rows]:
    """(representative of each row, its role, rows that each one stands for [0 for those not used]).

    `weights`: how many seeds a row stands for already. At most `most` rows are used.
    """
    leader = leaders(vectors, near)
    roles = np.full(len(vectors), NEAR, dtype="<U12")
    kept = np.flatnonzero(leader == np.arange(len(vectors)))
    carried = np.zeros(len(vectors), np.int64)
    np.add.at(carried, leader, weights)
    medoid = kept[medoids(vectors[kept], carried[kept], most)]
    roles[kept] = REPRESENTED
    roles[np.unique(medoid)] = USED
    of_leader = np.arange(len(vectors))
    of_leader[kept] = medoid
    representative = of_leader[leader]
    stands_for = np.zeros(len(vectors), np.int64)
    np.add.at(stands_for, representative, weights)
    return representative, roles, stands_for


def leaders(vectors: Vectors, near: float) -> Rows:
    """For each row the first leader before it that is at least `near` (cosine); itself if there is none."""
    found = np.arange(len(vectors))
    chosen = np.zeros(0, np.int64)
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        if len(chosen):
            for part in range(0, len(chosen), 8 * _BLOCK):
                rows = chosen[part : part + 8 * _BLOCK]
                alike = block @ vectors[rows].T >= near
                hit = alike.any(axis=1) & (found[start : start + len(block)] == start + np.arange(len(block)))
                found[start : start + len(block)][hit] = rows[alike.argmax(axis=1)[hit]]
        alike = block @ block.T >= near
        for at in range(len(block)):
            if found[start + at] != start + at:
                continue
            behind = np.flatnonzero(alike[at, at + 1 :]) + start + at + 1
            found[behind[found[behind] == behind]] = start + at
        mine = start + np.arange(len(block))
        chosen = np.concatenate([chosen, mine[found[mine] == mine]])
    return found


def medoids(vectors: Vectors, weights: Rows, most: int) -> Rows:
    """For each row the medoid of its cluster, at most `most` of them: spherical k-means, then the nearest
    row.

    Starts from rows evenly spread over the order, which is that of hashes. Weights count as repeated rows.
    """
    if len(vectors) <= most:
        return np.arange(len(vectors))
    centres = vectors[np.linspace(0, len(vectors) - 1, most).round().astype(np.int64)]
    nearest = np.zeros(len(vectors), np.int64)
    for _ in range(_ROUNDS):
        before, (nearest, _) = nearest, _assigned(vectors, centres)
        if np.array_equal(before, nearest):
            break
        sums = np.zeros_like(centres, dtype=np.float64)
        np.add.at(sums, nearest, vectors * weights[:, None])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres).astype(np.float32)
    nearest, closeness = _assigned(vectors, centres)
    order = np.lexsort((np.arange(len(vectors)), -closeness, nearest))  # the closest of each cluster first
    clusters, first = np.unique(nearest[order], return_index=True)
    medoid = np.zeros(most, np.int64)
    medoid[clusters] = order[first]
    return medoid[nearest]


def _assigned(vectors: Vectors, centres: Vectors) -> tuple[Rows, Vectors]:
    found = [vectors[at : at + _BLOCK] @ centres.T for at in range(0, len(vectors), _BLOCK)]
    scores = np.concatenate([part.max(axis=1) for part in found])
    return np.concatenate([part.argmax(axis=1) for part in found]), scores
