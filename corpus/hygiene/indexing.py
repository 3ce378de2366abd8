"""From the parts of benchmark items to their index: what of each is searched for, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from corpus.hygiene.evidence import (
    Unit,
    Words,
    anchors_of,
    enough,
    is_anchor,
    rare_words,
    tokens_needed,
    units_of,
    weight,
    with_identity,
    words_of,
)
from corpus.hygiene.grams import token_hashes, window_hash, window_hashes
from corpus.hygiene.index import BenchmarkIndex, Ints, Known, covered_tokens
from corpus.hygiene.items import GOLD, QUESTION, Part
from corpus.hygiene.tokens import tokens

# A gram that so many parts share is the benchmark's own phrase and proves none of them.
MOST_PARTS_OF_A_GRAM = 16
MOST_PARTS_OF_AN_ANCHOR = 512  # around an anchor everything else of the calls must be there
# An answer in words says little without its question, "University of California at Berkeley" for one.
GOLD_WORDS = 13
CALL_WORDS = 7
# What proves nothing alone does so within this distance of the item's id, of so many words together.
RECORD_TOKENS = 1000
LEAST_WITH_IDENTITY, RARE_WITH_IDENTITY = 4, 2
# A question of fewer words than a proof takes must be a whole line, of so many words at least.
LEAST_LINE, RARE_OF_LINE = 3, 1


@dataclass
class _Draft:
    known: list[Known] = field(default_factory=list)
    rows: list[tuple[int, int, int]] = field(default_factory=list)  # hash, part, offset
    vocabulary: set[str] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    without_evidence: int = 0
    repeated: int = 0


def build(parts: Sequence[Part], *, size: int, least_words: int) -> tuple[BenchmarkIndex, dict[str, int]]:
    """The index of `parts` and what it counts: parts indexed, repeated, without evidence, grams."""
    draft, seen, lines = _Draft(), set[object](), set[object]()
    prepared = [(part, tokens(part.text), units_of(part.calls)) for part in parts]
    shares = _anchor_counts((calls for _, _, calls in prepared), size)
    for part, words, calls in prepared:
        anchors = anchors_of(calls, size, shares)
        alone = enough(words_of(calls) or words, _least(part, least_words)) and bool(anchors or not calls)
        key = (part.benchmark, part.kind, tuple(words), tuple(map(tuple, calls)), "" if alone else part.item)
        draft.repeated += key in seen
        if key in seen:
            continue
        seen.add(key)
        if alone and calls:
            _add_calls(draft, part, calls, anchors)
        elif alone:
            _add_text(draft, part, words, size)
        else:
            said = _add_with_identity(draft, part, words, calls, size)
            if fills_a_line(part, words):
                said = True
                if (part.benchmark, *words) not in lines:
                    _add_text(draft, part, words, size, line=True)
                lines.add((part.benchmark, *words))
            draft.without_evidence += not said
    index, shared = _assemble(draft, size)
    counts = {
        "parts": len(parts),
        "indexed": len(index.known),
        "repeated": draft.repeated,
        "without_evidence": draft.without_evidence,
        "grams": len(index.grams),
        "grams_of_many_parts": shared,
    }
    return index, counts


def _anchor_counts(parts: Iterable[Sequence[Sequence[Unit]]], size: int) -> Counter[Words]:
    """In how many parts each possible anchor occurs."""
    counts: Counter[Words] = Counter()
    for calls in parts:
        units = (unit for call in calls for unit in call if is_anchor(unit))
        counts.update({words[:size] for unit in units for words in unit.accepted})
    return counts


def _least(part: Part, least_words: int) -> int:
    return max(CALL_WORDS, least_words) if part.calls else GOLD_WORDS if part.kind == GOLD else least_words


def fills_a_line(part: Part, words: list[str]) -> bool:
    """Whether a question too short to prove anything amid other words does so as a line of its own."""
    return part.kind == QUESTION and weight(words) >= LEAST_LINE and rare_words(words) >= RARE_OF_LINE


def _add_text(draft: _Draft, part: Part, words: list[str], size: int, *, line: bool = False) -> None:
    number, length = len(draft.known), min(size, len(words))
    for _, values in window_hashes(token_hashes(words), (length,)):
        draft.rows += [(value, number, offset) for offset, value in enumerate(values.tolist())]
    draft.sizes.add(length)
    draft.vocabulary.update(words)
    needed = tokens_needed(words, size)
    draft.known.append(Known(part.benchmark, part.item, part.kind, len(words), len(words), needed, line=line))


def _add_calls(
    draft: _Draft, part: Part, calls: Sequence[Sequence[Unit]], anchors: Sequence[Words], reach: int = 0
) -> None:
    for at, anchor in enumerate(anchors):
        draft.rows.append((window_hash(anchor), len(draft.known), at))
        draft.sizes.add(len(anchor))
        draft.vocabulary.update(anchor)
    units, count = tuple(map(tuple, calls)), len(words_of(calls))
    draft.known.append(Known(part.benchmark, part.item, part.kind, count, count, 1, units, reach))


def _add_with_identity(
    draft: _Draft, part: Part, words: list[str], calls: list[list[Unit]], size: int
) -> bool:
    whole = with_identity(part.item, words, calls)
    together = words_of(whole)
    if weight(together) < LEAST_WITH_IDENTITY or rare_words(together) < RARE_WITH_IDENTITY:
        return False
    _add_calls(draft, part, whole, [whole[0][0].accepted[0][:size]], reach=RECORD_TOKENS)
    return True


def _assemble(draft: _Draft, size: int) -> tuple[BenchmarkIndex, int]:
    """Sort the grams, leave out those of too many parts, and count what each part has left."""
    rows = np.array(draft.rows, np.uint64).reshape(-1, 3)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    fresh = np.flatnonzero(np.diff(rows[:, 0], prepend=~rows[:1, 0] if len(rows) else 0))
    counts = np.diff(np.append(fresh, len(rows)))
    parts_of_gram = np.array([len(set(rows[a : a + n, 1].tolist())) for a, n in zip(fresh, counts)], np.int64)
    in_calls = np.array([bool(part.calls) for part in draft.known], bool)[rows[:, 1].astype(np.int64)]
    most = np.where(in_calls, MOST_PARTS_OF_AN_ANCHOR, MOST_PARTS_OF_A_GRAM)
    many = np.repeat(parts_of_gram, counts) > most
    rows = rows[~many]
    grams, firsts = np.unique(rows[:, 0], return_index=True)
    known = list(_left(draft.known, rows, size))
    words = np.frombuffer("\n".join(sorted(draft.vocabulary)).encode(), np.uint8)
    sizes = tuple(sorted({size, *draft.sizes}))
    arrays = (grams, np.append(firsts, len(rows)).astype(np.int64))
    columns = (rows[:, 1].astype(np.int32), rows[:, 2].astype(np.int32))
    return BenchmarkIndex(*arrays, *columns, words, tuple(known), sizes), len(
        np.unique(np.repeat(fresh, counts)[many])
    )


def _left(known: Sequence[Known], rows: Ints, size: int) -> Iterator[Known]:
    """The parts with `coverable` counted from the grams that are left."""
    order = np.argsort(rows[:, 1], kind="stable")
    bounds = np.searchsorted(rows[order, 1], np.arange(len(known) + 1))
    for number, part in enumerate(known):
        offsets = rows[order[bounds[number] : bounds[number + 1]], 2].astype(np.int64)
        covered = part.size if part.calls and len(offsets) else covered_tokens(offsets, min(size, part.size))
        yield Known(**{**vars(part), "coverable": covered})
