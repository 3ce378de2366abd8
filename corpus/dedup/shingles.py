"""A text as the set of its word n-grams, each as a 40-bit hash.

Forty bits make the similarity of two pages exact but for one pair in a million of pages with 1,000 shingles,
and to a millionth for texts of a million words, at five bytes a shingle in shuffles and in the index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from corpus.dedup.normalise import pieces, text_key, words

Hashes = npt.NDArray[np.uint64]
BYTES = 5  # of a packed hash
_DROPPED_BITS = np.uint64(64 - 8 * BYTES)
_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplication by it loses nothing
_CACHED_WORDS, _CACHED_LENGTH = 1 << 18, 64


class _WordHashes(dict[str, int]):
    """Hashes of the words met so far, bounded in number and length, since pages may hold anything."""

    def __missing__(self, word: str) -> int:
        value = xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass"))
        if len(word) <= _CACHED_LENGTH:
            if len(self) >= _CACHED_WORDS:
                self.clear()
            self[word] = value
        return value


_word_hashes = _WordHashes()


def mix(values: Hashes) -> Hashes:
    """The 64-bit finaliser of MurmurHash3, in place: a bijection after which all bits depend on all bits."""
    with np.errstate(over="ignore"):
        values ^= values >> np.uint64(33)
        values *= np.uint64(0xFF51AFD7ED558CCD)
        values ^= values >> np.uint64(33)
        values *= np.uint64(0xC4CEB9FE1A85EC53)
        values ^= values >> np.uint64(33)
    return values


def hash_words(lists: Iterable[list[str]], most: int) -> Hashes | None:
    """Hashes of all words in order, or None if there are more than `most`."""
    parts: list[Hashes] = []
    count = 0
    for found in lists:
        count += len(found)
        if count > most:
            return None
        parts.append(np.fromiter(map(_word_hashes.__getitem__, found), np.uint64, len(found)))
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def combine(word_hashes: Hashes, size: int) -> Hashes:
    """The sorted set of hashes of all runs of `size` words: uint64 below 2^40, empty for a shorter text."""
    count = len(word_hashes) - size + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    with np.errstate(over="ignore"):
        runs = word_hashes[:count].copy()
        for offset in range(1, size):
            runs *= _STEP
            runs += word_hashes[offset : offset + count]
    runs = mix(runs)
    runs >>= _DROPPED_BITS
    runs.sort()
    return runs[np.concatenate(([True], runs[1:] != runs[:-1]))]


def shingle_set(normalised: str, size: int, *, least: int = 0, most: int = 1 << 62) -> Hashes:
    """The sorted shingle set of a normalised text.

    Empty for a text with fewer than `least` or more than `most` words: such a text is near to nothing.
    """
    return _within(hash_words(words(normalised), most), size, least)


def _within(hashed: Hashes | None, size: int, least: int) -> Hashes:
    if hashed is None or len(hashed) < least:
        return np.empty(0, np.uint64)
    return combine(hashed, size)


@dataclass(frozen=True)
class Digest:
    """A text as deduplication sees it: the key of its normalised form, and its shingles."""

    key: str
    shingles: Hashes


def digest(text: str, size: int, *, least: int, most: int) -> Digest:
    """Key and shingle set of a text of any length; besides the text, memory holds eight bytes a word a few
    times.

    A text that fits one piece is normalised once; of a longer one the pieces are made twice, never kept.
    """
    made = list(pieces(text)) if len(text) <= 1 << 18 else None
    key = text_key(made if made is not None else pieces(text))
    found = chain.from_iterable(words(piece) for piece in (made if made is not None else pieces(text)))
    return Digest(key, _within(hash_words(found, most), size, least))


def pack(hashes: Hashes) -> bytes:
    """Sorted 40-bit hashes as bytes, five for each, which Spark moves without unpacking them."""
    return hashes.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :BYTES].tobytes()


def unpack(data: Any) -> Hashes:
    """The inverse of `pack`; `data` is anything with a buffer."""
    raw = np.frombuffer(data, np.uint8).reshape(-1, BYTES)
    wide = np.zeros((len(raw), 8), np.uint8)
    wide[:, :BYTES] = raw
    values: Hashes = wide.view("<u8").reshape(-1).astype(np.uint64, copy=False)
    return values
