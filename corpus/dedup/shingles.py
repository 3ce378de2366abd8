"""A text as the set of its word n-grams, each as a 64-bit hash."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xxhash

from corpus.dedup.normalise import words

Hashes = npt.NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplication by it loses nothing
_CACHED_WORDS, _CACHED_LENGTH = 1 << 20, 64


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


def hash_words(pieces: Iterable[list[str]], most: int) -> Hashes | None:
    """Hashes of all words in order, or None if there are more than `most`."""
    parts: list[Hashes] = []
    count = 0
    for piece in pieces:
        count += len(piece)
        if count > most:
            return None
        parts.append(np.fromiter(map(_word_hashes.__getitem__, piece), np.uint64, len(piece)))
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def combine(word_hashes: Hashes, size: int) -> Hashes:
    """The sorted set of hashes of all runs of `size` words: uint64, empty for a shorter text."""
    count = len(word_hashes) - size + 1
    if count <= 0:
        return np.empty(0, np.uint64)
    with np.errstate(over="ignore"):
        runs = word_hashes[:count].copy()
        for offset in range(1, size):
            runs *= _STEP
            runs += word_hashes[offset : offset + count]
    return np.unique(mix(runs))


def shingle_set(normalised: str, size: int, *, least: int = 0, most: int = 1 << 62) -> Hashes:
    """The sorted shingle set of a normalised text.

    Empty for a text with fewer than `least` or more than `most` words: such a text is near to nothing.
    """
    hashed = hash_words(words(normalised), most)
    if hashed is None or len(hashed) < least:
        return np.empty(0, np.uint64)
    return combine(hashed, size)
