"""MinHash signatures and their bands (Broder 1997; Leskovec et al., Mining of Massive Datasets, ch. 3).

Each permutation is a multiply-add modulo 2^64 of shingle hashes that are already well mixed. The package
datasketch is the reference: the tests hold the estimates to it and to theory, and it never runs here. Work is
done in blocks, so memory does not grow with the text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xxhash

from corpus.dedup.shingles import Hashes, mix

_BLOCK = 1024  # shingles per block: the products of one block stay in the processor's cache
_MOST_PERMUTATIONS = 512
_CHANCE_AT_HALF = 0.1


@dataclass(frozen=True)
class Banding:
    """Signatures of `bands` x `rows` values; two pages are candidates if they agree in a whole band."""

    bands: int
    rows: int

    @classmethod
    def derive(cls, threshold: float, recall: float) -> Banding:
        """The fewest permutations that reach `recall` at `threshold` without too many candidates.

        At half the threshold at most one pair in ten may become a candidate: each one costs a comparison.
        Where that needs over 512 permutations, the steepest curve within them.
        """
        best = None
        for rows in range(1, 33):
            chance = threshold**rows
            bands = 1 if chance >= recall else math.ceil(math.log1p(-recall) / math.log1p(-chance))
            if best is not None and bands * rows > _MOST_PERMUTATIONS:
                break
            best = cls(bands, rows)
            if best.chance(threshold / 2) <= _CHANCE_AT_HALF:
                break
        assert best is not None
        return best

    @property
    def permutations(self) -> int:
        return self.bands * self.rows

    def chance(self, similarity: float) -> float:
        """Probability that a pair of this Jaccard similarity agrees in at least one band."""
        return float(1 - (1 - similarity**self.rows) ** self.bands)

    def curve(self) -> dict[str, float]:
        """The collision curve in steps of 0.1, of 0.05 from 0.5 on."""
        points = [0.1, 0.2, 0.3, 0.4, *(i / 20 for i in range(10, 21))]
        return {f"{s:.2f}": round(self.chance(s), 4) for s in points}


class MinHasher:
    """Signatures and band hashes; equal for equal banding and seed, on any machine."""

    def __init__(self, banding: Banding, seed: int) -> None:
        self.banding = banding
        self._factors = self._draw("factor", seed) | np.uint64(1)  # odd: a bijection modulo 2^64
        self._offsets = self._draw("offset", seed)
        self._salts = self._draw("band", seed)[: banding.bands]
        self._sampler = self._draw("sample", seed)[:2]

    def _draw(self, name: str, seed: int) -> Hashes:
        drawn = [
            xxhash.xxh64_intdigest(f"{name} {i}".encode(), seed) for i in range(self.banding.permutations)
        ]
        return np.array(drawn, np.uint64)

    def signature(self, shingles: Hashes) -> Hashes:
        """The minimum of each permutation over a shingle set that is not empty: uint64 [permutations]."""
        best = np.full(self.banding.permutations, np.iinfo(np.uint64).max, np.uint64)
        with np.errstate(over="ignore"):
            for start in range(0, len(shingles), _BLOCK):
                block = self._factors[:, None] * shingles[None, start : start + _BLOCK]
                block += self._offsets[:, None]
                np.minimum(best, block.min(axis=1), out=best)
        return best

    def bands(self, shingles: Hashes) -> npt.NDArray[np.int64]:
        """One 64-bit hash per band, int64 [bands]; empty for an empty set.

        Equal numbers in different bands stay different buckets.
        """
        if not len(shingles):
            return np.empty(0, np.int64)
        table = self.signature(shingles).reshape(self.banding.bands, self.banding.rows)
        acc = self._salts.copy()
        with np.errstate(over="ignore"):
            for row in range(self.banding.rows):
                acc = mix(acc ^ table[:, row]) * np.uint64(0x9E3779B97F4A7C15)
        return acc.view(np.int64)

    def sample_key(self, shingles: Hashes) -> int:
        """The minimum under one more permutation, which no band uses, below 2^63; 0 for an empty set.

        Pages that are alike share it as often as they are alike, so that a sample drawn by it holds pairs to
        measure recall on, and none of them is there because the bands found it.
        """
        if not len(shingles):
            return 0
        with np.errstate(over="ignore"):
            values = shingles * (self._sampler[:1] | np.uint64(1)) + self._sampler[1:]
        return int(mix(values.min(keepdims=True))[0] >> np.uint64(1))
