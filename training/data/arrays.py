"""Names for the array types that the data path passes around, and a stable order for them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
IGNORE = -100  # the label of a token without loss, as Hugging Face has it


def permutation(n: int, *key: Any) -> Int64:
    """A permutation of range(n) that depends on the key alone: a sort by the SplitMix64 hash of each number.

    NumPy's own shuffles may change between versions; a resumed run must not.
    """
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    state = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(
        int.from_bytes(digest, "little")
    )
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(state ^ (state >> np.uint64(31)), kind="stable").astype(np.int64)


def bounds(lengths: npt.ArrayLike) -> Int64:
    """Where each of some consecutive pieces begins, and where the last one ends: [pieces + 1]."""
    ends = np.cumsum(lengths, dtype=np.int64)
    return np.concatenate([np.zeros(1, np.int64), ends])
