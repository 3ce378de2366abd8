"""64-bit hashes of token windows, by arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import xxhash

Hashes = npt.NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def token_hashes(words: Sequence[str]) -> Hashes:
    """One hash per token."""
    digests = (xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in words)
    return np.fromiter(digests, np.uint64, len(words))


def window_hashes(hashes: Hashes, sizes: Sequence[int]) -> Iterator[tuple[int, Hashes]]:
    """(size, hashes of all windows of so many tokens) for each of `sizes` that fits, ascending."""
    value = np.zeros(len(hashes), np.uint64)
    for size in range(1, min(max(sizes, default=0), len(hashes)) + 1):
        with np.errstate(over="ignore"):
            value = value[: len(hashes) - size + 1] * _STEP + hashes[size - 1 :]
            if size in sizes:
                yield size, _finished(value + np.uint64(size))


def window_hash(words: Sequence[str]) -> int:
    """The hash of one window."""
    return next(int(values[0]) for _, values in window_hashes(token_hashes(words), (len(words),)))


def _finished(value: Hashes) -> Hashes:
    """The finaliser of splitmix64: without it the low bits depend on the low bits of the tokens alone."""
    value = (value ^ (value >> _SHIFTS[0])) * _MIX[0]
    value = (value ^ (value >> _SHIFTS[1])) * _MIX[1]
    return value ^ (value >> _SHIFTS[2])
