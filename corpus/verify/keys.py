"""Hashes of ids, 64 bits each, by whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

Keys = npt.NDArray[np.uint64]

_HEX = 32  # characters of the ids that stages make
_MULTIPLIERS = tuple(
    np.uint64(value)
    for value in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)
)
_SHIFT = np.uint64(29)


def keys_of(ids: Any) -> Keys:
    """A hash for each string of an Arrow array, shape (rows,); null counts as the empty string.

    Ids of 32 characters, which all stages make, are hashed by whole columns.
    """
    ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    ids = ids.dictionary_decode() if pa.types.is_dictionary(ids.type) else ids
    if not len(ids):
        return np.empty(0, np.uint64)
    if not pa.types.is_string(ids.type):
        ids = ids.cast(pa.string())
    _, offsets, data = ids.buffers()
    ends = np.frombuffer(offsets, np.int32, len(ids) + 1, ids.offset * 4)
    if ids.null_count or not np.all(np.diff(ends) == _HEX):
        return _one_by_one(ids.to_pylist())
    first = int(ends[0])
    return _mixed(np.frombuffer(data, np.uint64, len(ids) * 4, first).reshape(-1, 4))


def _one_by_one(ids: Sequence[str | None]) -> Keys:
    raw = [(value or "").encode("utf-8", "surrogatepass") for value in ids]
    found = np.fromiter((xxhash.xxh3_64_intdigest(value) for value in raw), np.uint64, len(raw))
    whole = [number for number, value in enumerate(raw) if len(value) == _HEX]
    if whole:
        words = np.frombuffer(b"".join(raw[number] for number in whole), np.uint64).reshape(-1, 4)
        found[whole] = _mixed(words)
    return found


def _mixed(words: Keys) -> Keys:
    """One hash per row of four words: each word goes through a multiplication and a shift."""
    value = np.zeros(len(words), np.uint64)
    with np.errstate(over="ignore"):
        for column, factor in enumerate(_MULTIPLIERS):
            value ^= words[:, column]
            value *= factor
            value ^= value >> _SHIFT
        value *= _MULTIPLIERS[1]
        value ^= value >> _SHIFT
    return value


def joined(first: Keys, second: Keys) -> Keys:
    """One hash for pairs: of an id and of what else tells rows of that id apart."""
    with np.errstate(over="ignore"):
        value = (first * _MULTIPLIERS[2]) ^ second
        value *= _MULTIPLIERS[3]
        value ^= value >> _SHIFT
    return value


def sums(keys: Keys) -> tuple[int, int]:
    """Two sums over hashes, modulo 2^64: the same whatever the order."""
    with np.errstate(over="ignore"):
        mixed = keys * _MULTIPLIERS[3]
        mixed ^= mixed >> _SHIFT
        return int(np.sum(keys, dtype=np.uint64)), int(np.sum(mixed, dtype=np.uint64))
