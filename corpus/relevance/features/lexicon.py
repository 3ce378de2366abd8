"""The bag of a page for one who knows a few words: only those are looked for, by their hashes.

No string is made. What comes out is what `bag` gives, less the tokens that are not known; a test holds the
two together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.relevance.features.bag import LEVELS, MOST_LEVELS, sample, url_words
from corpus.relevance.features.concepts import OF_WORD, unspaced
from corpus.relevance.features.profile import TOKENS, line_tokens, pair_numbers
from corpus.relevance.features.signs import POWERS, Codes, Hashes, Signs, hash_of

_LEAST_BITS, _SPARE_BITS = 16, 4  # a table has 16 times as many places as there are words, or more
_TRIES = 46
_NONE = -1  # the number of what is not known: the last place of the counts, which nobody reads
_LAYOUTS = frozenset(TOKENS)
_WEIGHTS = np.array(LEVELS, np.intp)


class Lexicon:
    """`tokens` are what is known; pages become arrays of their numbers and weights."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        self._number = {token: number for number, token in enumerate(self.tokens)}
        self._pairs = np.array([self._number.get(token, _NONE) for token in TOKENS], np.intp)
        self._concepts = sorted({name for names in OF_WORD.values() for name in names} & set(self._number))
        # words of known concepts are counted whether they are known themselves or not
        place = {word: number for word, number in self._number.items() if _in_texts(word)}
        links, size = [], len(self.tokens)
        for word, names in OF_WORD.items():
            if known := [name for name in names if name in self._number]:
                if word not in place:
                    place[word], size = size, size + 1
                links += [(place[word], self._concepts.index(name)) for name in known]
        self._links = np.array(links, np.intp).reshape(-1, 2).T.copy()
        self._concept_numbers = np.array([self._number[name] for name in self._concepts], np.intp)
        self._size = size + 1
        self._table = _Table(
            np.array([hash_of(word) for word in place], np.uint64), np.array([*place.values()], np.intp)
        )

    def bag(self, text: str, url: str = "") -> tuple[Codes, Codes]:
        """Numbers of the known tokens of a page and their weights. Empty for a page without text."""
        body = sample(text)
        if not body or body.isspace():
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        signs = Signs.of(body)
        counts = self._counts(signs, body)
        counts[self._pairs[pair_numbers(signs)]] = 1
        for token in (*line_tokens(body, len(text)), *url_words(url)):
            counts[self._number.get(token, _NONE)] = 1
        return self._weighted(counts)

    def rough_bag(self, text: str) -> tuple[Codes, Codes]:
        """The words and concepts alone, of a text that has lost its layout."""
        return self._weighted(self._counts(Signs.of(text), text))

    def _counts(self, signs: Signs, body: str) -> Codes:
        counts = np.bincount(self._table.numbers(signs.hashes()), minlength=self._size)
        words, concepts = self._links
        counts[self._concept_numbers] = np.bincount(concepts, counts[words], len(self._concepts))
        for name, times in unspaced(body).items():
            counts[self._number.get(name, _NONE)] += times
        return counts

    def _weighted(self, counts: Codes) -> tuple[Codes, Codes]:
        there = np.flatnonzero(counts[: len(self.tokens)])
        return there, _WEIGHTS[np.minimum(counts[there], MOST_LEVELS)]


class _Table:
    """Numbers of hashes: a first table, and a second for those that are in each other's way there."""

    def __init__(self, hashes: Hashes, numbers: Codes) -> None:
        self._hashes, self._numbers = np.append(hashes, np.uint64(0)), numbers
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
        """The numbers of those that are known, in their order."""
        first, second = (table[self._slots(hashes, by)] for table, by in zip(self._tables, self._factors))
        place = np.where(self._hashes[first] == hashes, first, second)
        found: Codes = self._numbers[place[self._hashes[place] == hashes]]
        return found

    def _slots(self, hashes: Hashes, factor: np.uint64) -> Codes:
        """The high bits of a product, which all bits of a hash have a part in."""
        return ((hashes * factor) >> self._shift).astype(np.intp)


def _in_texts(word: str) -> bool:
    """Whether a text can hold it: what stands for layouts, concepts and addresses it cannot."""
    return word not in _LAYOUTS and (word == "_" or "_" not in word)
