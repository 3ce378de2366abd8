"""Pages against the benchmark index: which parts a page may hold, where, and how much of them.

Found in one pass over the page's tokens. What is common in the corpus is only known after all pages were
seen, so candidates carry the grams they rest on, and `proven` decides with the common ones taken out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from corpus.hygiene.evidence import Unit
from corpus.hygiene.grams import window_hashes
from corpus.hygiene.index import BenchmarkIndex, Ints, Known, covered_tokens
from corpus.hygiene.tokens import spans, tokens

# Places per page and part that are looked at: what a page repeats more often, it says at the first of them.
_MOST_RUNS, _MOST_ANCHORS = 2000, 256
_NO_PHRASE, _WHOLE = 13, 0.999  # tokens of a part, and its share, that no phrase of everybody's has
_SLACK = 16  # tokens beside the part's own that may lie between its pieces


@dataclass(frozen=True)
class Candidate:
    """A part that a page seems to hold from token `first` to before `last`.

    `share` is the part's overlap; `grams` and `offsets` are what it rests on, `size` their length.
    """

    part: int
    first: int
    last: int
    share: float
    grams: tuple[int, ...]
    offsets: tuple[int, ...]
    size: int


class _Matches(NamedTuple):
    """Windows of a page that are grams of one part: their tokens' places in the page, and in the part."""

    part: int
    places: Ints
    grams: Ints
    offsets: Ints


@dataclass(frozen=True)
class Found:
    """All grams of the index that a page has, and its candidates."""

    grams: tuple[int, ...]
    candidates: tuple[Candidate, ...]


class Scanner:
    """Finds candidates; `overlap` is the least share of a text, `call_overlap` that of calls."""

    def __init__(self, index: BenchmarkIndex, *, overlap: float, call_overlap: float) -> None:
        self.index, self.overlap, self.call_overlap = index, overlap, call_overlap
        self._hashes = np.append(
            index.token_hashes, np.uint64(0)
        )  # the last stands for words of no benchmark
        self._shift = np.uint64(64 - int(np.log2(len(index.bitmap))))

    def scan(self, text: str) -> Found:
        """What one page has of the index. Linear in the page's length."""
        words = tokens(text)
        places, grams = self._hits(words)
        if not len(grams):
            return Found((), ())
        found = sorted(self._candidates(words, places, grams), key=lambda c: (c.part, c.first))
        if any(self.index.known[candidate.part].line for candidate in found):
            found = list(self._filling_lines(text, found))
        return Found(tuple(np.unique(grams).tolist()), tuple(found))

    def _filling_lines(self, text: str, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
        """The candidates but those that had to be a line of their own and are part of one."""
        where = spans(text)
        for candidate in candidates:
            part = self.index.known[candidate.part]
            whole = candidate.last - candidate.first == part.size and candidate.share >= _WHOLE
            if not part.line or (whole and _stands_alone(text, where, candidate)):
                yield candidate

    def _hits(self, words: Sequence[str]) -> tuple[Ints, Ints]:
        """(first token of the window, gram) wherever a window of the page is in the index."""
        vocabulary = self.index.vocabulary
        ids = np.fromiter((vocabulary.get(word, -1) for word in words), np.int64, len(words))
        unknown = np.concatenate([[0], np.cumsum(ids < 0)])
        hashes = self._hashes[ids]
        places, grams = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for size, values in window_hashes(hashes, self.index.sizes):
            maybe = np.flatnonzero(
                self.index.bitmap[(values >> self._shift).astype(np.int64)]
                & (unknown[size:] == unknown[: len(unknown) - size])
            )
            at = np.searchsorted(self.index.grams, values[maybe])
            sure = self.index.grams[np.minimum(at, len(self.index.grams) - 1)] == values[maybe]
            places.append(maybe[sure])
            grams.append(at[sure])
        return np.concatenate(places), np.concatenate(grams)

    def _candidates(self, words: Sequence[str], places: Ints, grams: Ints) -> Iterator[Candidate]:
        starts = np.asarray(self.index.starts)
        counts = starts[grams + 1] - starts[grams]
        rows = np.repeat(starts[grams] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        parts, offsets = np.asarray(self.index.parts[rows]), np.asarray(self.index.offsets[rows], np.int64)
        places, grams = np.repeat(places, counts), np.repeat(grams, counts)
        order = np.lexsort((offsets, places, parts))
        bounds = np.flatnonzero(np.diff(parts[order], prepend=-1, append=-1))
        for low, high in pairwise(bounds.tolist()):
            chosen = order[low:high]
            number = int(parts[chosen[0]])
            matches = _Matches(number, places[chosen], grams[chosen], offsets[chosen])
            part = self.index.known[number]
            yield from self._calls(words, part, matches) if part.calls else self._texts(part, matches)

    def _texts(self, part: Known, found: _Matches) -> Iterator[Candidate]:
        gram = max(self.index.sizes)
        # One gram is most of a short part, and may be a phrase: of such a part one word may be missing.
        short = part.coverable - 1 if part.size < 2 * gram else 0
        size, least = min(gram, part.size), max(self.overlap * part.coverable, short)
        if covered_tokens(found.offsets, size) < least:
            return
        reach, done = part.size + (0 if part.line else part.size // 2 + _SLACK), -1
        # A run of neighbouring windows is looked at once, from where it begins.
        begins = np.flatnonzero(np.diff(found.places - found.offsets, prepend=-(10**9)) != 0)
        for at in begins[:_MOST_RUNS].tolist():
            if found.places[at] < done:
                continue
            end = int(np.searchsorted(found.places, found.places[at] + reach - size, side="right"))
            covered = covered_tokens(found.offsets[at:end], size)
            if covered >= least:
                first, done = int(found.places[at]), int(found.places[end - 1]) + size
                evidence = tuple(found.grams[at:end].tolist()), tuple(found.offsets[at:end].tolist())
                share = min(1.0, covered / part.coverable)
                yield Candidate(found.part, first, done, share, *evidence, size)

    def _calls(self, words: Sequence[str], part: Known, found: _Matches) -> Iterator[Candidate]:
        reach, done = part.reach or 2 * part.size + 2 * _SLACK, -1
        for place in found.places[:_MOST_ANCHORS].tolist():
            if place < done:
                continue
            low = max(0, done, place - reach)
            hit = _around(words[low : place + reach], place - low, part.calls)
            if hit is not None and hit[0] >= self.call_overlap * part.size:
                done = low + hit[2]
                near = (found.places >= low) & (found.places < done)
                evidence = tuple(found.grams[near].tolist()), tuple(found.offsets[near].tolist())
                yield Candidate(found.part, low + hit[1], done, min(1.0, hit[0] / part.size), *evidence, 1)


def _stands_alone(text: str, where: Sequence[tuple[int, int]], candidate: Candidate) -> bool:
    """Whether a line break or an end of the text lies on both sides of a candidate.

    A string of its own is not enough: examples in documentation call a model with short common prompts.
    """
    before = text[where[candidate.first - 1][1] if candidate.first else 0 : where[candidate.first][0]]
    end = where[candidate.last - 1][1]
    after = text[end : where[candidate.last][0] if candidate.last < len(where) else len(text)]
    return (not candidate.first or "\n" in before) and (candidate.last >= len(where) or "\n" in after)


def _around(
    words: Sequence[str], anchor: int, calls: Sequence[Sequence[Unit]]
) -> tuple[int, int, int] | None:
    """(tokens of the calls that are there, first, last) in a stretch of a page; None without any name.

    Of several places of a unit, that nearest to the token `anchor` counts.
    """
    text, middle = f" {' '.join(words)} ", len(" ".join(words[:anchor]))
    matched, first, last, named = 0, len(text), 0, False
    for units in calls:
        for unit in units:
            there = [place for accepted in unit.accepted if (place := _nearest(text, middle, accepted))]
            if not there:
                continue
            named |= unit.is_name
            matched += 0 if unit.optional else len(unit.accepted[0])
            first, last = min(first, there[0][0]), max(last, there[0][1])
    if not named:
        return None
    return matched, text.count(" ", 0, first + 1) - 1, text.count(" ", 0, last)


def _nearest(text: str, middle: int, words: Sequence[str]) -> tuple[int, int] | None:
    """Where `words` stand in `text` nearest to `middle`, in characters."""
    wanted = f" {' '.join(words)} "
    before, after = text.rfind(wanted, 0, middle + len(wanted)), text.find(wanted, middle)
    places = [place for place in (before, after) if place >= 0]
    if not words or not places:
        return None
    place = min(places, key=lambda at: abs(at - middle))
    return place, place + len(wanted) - 1


def proven(candidate: Candidate, known: Known, common: Collection[int]) -> bool:
    """Whether enough of a candidate rests on grams that are not common in the corpus.

    A long part that is there as a whole is no phrase, however many pages have it: benchmarks are mirrored.
    """
    if candidate.share >= _WHOLE and known.size >= _NO_PHRASE:
        return True
    rare = [offset for gram, offset in zip(candidate.grams, candidate.offsets) if gram not in common]
    return covered_tokens(np.array(rare, np.int64), candidate.size) >= min(known.needed, known.coverable)


def located(text: str, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
    """The candidates' places in characters."""
    if not candidates:
        return []
    where = spans(text)
    return [(where[c.first][0], where[min(c.last, len(where)) - 1][1]) for c in candidates]
