"""The bag of a page for one who knows a few words: only those are looked for, by their hashes.

No string is made. What comes out is what `bag` gives, less the tokens that are not known; a test holds the
two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from corpus.relevance.features.bag import LEVELS, MOST_LEVELS, sample, url_words
from corpus.relevance.features.concepts import FIRST_UNSPACED, OF_WORD, unspaced
from corpus.relevance.features.profile import TOKENS, line_tokens, pair_numbers
from corpus.relevance.features.signs import POWERS, Codes, Hashes, Signs, hash_of

_LEAST_BITS, _SPARE_BITS = 16, 4  # a table has 16 times as many places as there are words, or more
_TRIES = 46
_NONE = -1  # the number of what is not known: the last place of the counts, which nobody reads
_LAYOUTS = frozenset(TOKENS)
_TOGETHER = 12  # pages
_WEIGHTS = np.array(LEVELS, np.intp)

Bag = tuple[Codes, Codes]  # numbers of tokens, and their weights


class Lexicon:
    """`tokens` are what is known; pages become arrays of their numbers and weights.

    Pages are taken a few at a time: an array of one page is so short that numpy would mostly be called.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        self._number = {token: number for number, token in enumerate(self.tokens)}
        self._pairs = np.array([self._number.get(token, _NONE) for token in TOKENS], np.intp)
        # words of known concepts are counted whether they are known themselves or not
        place = {word: number for word, number in self._number.items() if _in_texts(word)}
        links, size = [], len(self.tokens)
        for word, names in OF_WORD.items():
            if known := [name for name in names if name in self._number]:
                if word not in place:
                    place[word], size = size, size + 1
                links += [(self._number[name], place[word]) for name in known]
        concepts, words = np.array(sorted(links), np.intp).reshape(-1, 2).T
        self._concepts, self._first_words = np.unique(concepts, return_index=True)
        self._words = words.copy()
        self._size = size + 1
        self._table = _Table(
            np.array([hash_of(word) for word in place], np.uint64), np.array([*place.values()], np.intp), size
        )

    def bags(self, texts: Sequence[str], urls: Sequence[str]) -> Iterator[Bag]:
        """Numbers of the known tokens of each page and their weights. Empty for a page without text."""
        for start in range(0, len(texts), _TOGETHER):
            some = texts[start : start + _TOGETHER]
            bodies = [sample(text) for text in some]
            counts, pairs, sizes = self._counts(bodies)
            text, number = pair_numbers(pairs, sizes)
            counts[text, self._pairs[number]] = 1
            for row, body, whole, url in zip(counts, bodies, some, urls[start : start + _TOGETHER]):
                if not body or body.isspace():
                    row[:] = 0
                    continue
                for token in (*line_tokens(body, len(whole)), *url_words(url)):
                    row[self._number.get(token, _NONE)] = 1
            yield from self._weighted(counts)

    def rough_bags(self, texts: Sequence[str]) -> Iterator[Bag]:
        """The words and concepts alone, of texts that have lost their layout, cut like others."""
        for start in range(0, len(texts), _TOGETHER):
            bodies = [sample(text) for text in texts[start : start + _TOGETHER]]
            yield from self._weighted(self._counts(bodies)[0])

    def _counts(self, bodies: Sequence[str]) -> tuple[Codes, Codes, Codes]:
        """How often words and concepts occur [texts, numbers], all pairs of signs, and how many of each."""
        signs = Signs.of("\n".join(bodies))
        sizes = np.array([len(body) + 1 for body in bodies], np.intp)
        if len(signs.pairs) != sizes.sum():  # some signs are of two units: emoji, rare ideographs
            sizes = np.array([len(Signs.of(body).pairs) for body in bodies], np.intp)
        ends = np.cumsum(sizes) - 1
        hashes, places = signs.hashes(ends[:-1])
        number = self._table.numbers(hashes)
        text = np.repeat(np.arange(len(bodies)), np.diff(np.searchsorted(places, ends), prepend=0))
        cells = np.bincount(text * self._size + number, minlength=len(bodies) * self._size)
        counts = cells.reshape(len(bodies), self._size)
        counts[:, _NONE] = 0
        if len(self._words):
            counts[:, self._concepts] = np.add.reduceat(counts[:, self._words], self._first_words, axis=1)
        if signs.codes.max() >= FIRST_UNSPACED:
            for row, body in zip(counts, bodies):
                for name, times in unspaced(body).items():
                    row[self._number.get(name, _NONE)] += times
        return counts, signs.pairs, sizes

    def _weighted(self, counts: Codes) -> Iterator[Bag]:
        known = counts[:, : len(self.tokens)]
        there = np.flatnonzero(known != 0)
        width = max(len(self.tokens), 1)
        text, number = there // width, there % width
        weights = _WEIGHTS[np.minimum(known[text, number], MOST_LEVELS)]
        ends = np.searchsorted(text, np.arange(1, len(counts)))
        return zip(np.split(number, ends), np.split(weights, ends))


class _Table:
    """Numbers of hashes: a first table, and a second for those that are in each other's way there."""

    def __init__(self, hashes: Hashes, numbers: Codes, none: int) -> None:
        self._hashes, self._numbers = np.append(hashes, np.uint64(0)), np.append(numbers, none)
        bits = max(_LEAST_BITS, len(hashes).bit_length() + _SPARE_BITS)
        self._shift, self._places = np.uint64(64 - bits), 1 << bits
        for number in range(_TRIES):
            self._factors = (np.uint64(POWERS[1]), np.uint64(POWERS[2 + number]))
            if self._fill(hashes):
                return
        raise ValueError(f"{len(hashes):,} words find no place; raise evidence= or least_sites=.")

    def _fill(self, hashes: Hashes) -> bool:
        self._tables = [np.full(self._places, len(hashes), np.int32) for _ in self._factors]
        left = np.arange(len(hashes))
        for table, factor in zip(self._tables, self._factors):
            slots = self._slots(hashes[left], factor)
            table[slots] = left
            left = left[table[slots] != left]
        return not len(left)

    def numbers(self, hashes: Hashes) -> Codes:
        """The number of each, in their order; `_NONE` for those that are not known."""
        first, second = (table[self._slots(hashes, by)] for table, by in zip(self._tables, self._factors))
        place = np.where(self._hashes[first] == hashes, first, second)
        found: Codes = self._numbers[np.where(self._hashes[place] == hashes, place, len(self._hashes) - 1)]
        return found

    def _slots(self, hashes: Hashes, factor: np.uint64) -> Codes:
        """The high bits of a product, which all bits of a hash have a part in."""
        return ((hashes * factor) >> self._shift).astype(np.intp)


def _in_texts(word: str) -> bool:
    """Whether a text can hold it: what stands for layouts, concepts and addresses it cannot."""
    return word not in _LAYOUTS and (word == "_" or "_" not in word)
