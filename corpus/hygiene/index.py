"""The benchmark items as an index of n-grams: built once, read by every executor from files.

Layout: `grams.npy` [grams] sorted 64-bit hashes of token windows; `starts.npy` [grams + 1] where each one's
postings begin in `parts.npy` and `offsets.npy` [postings] (the part, and the gram's first token in it, or the
number of the anchor for calls); `words.npy` the vocabulary as UTF-8 lines; `parts.json` what each part is.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.engine import storage
from corpus.engine.manifest import OutputFile, describe_file
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
from corpus.hygiene.grams import Hashes, token_hashes, window_hash, window_hashes
from corpus.hygiene.items import GOLD, Part
from corpus.hygiene.tokens import tokens

FOLDER = "benchmarks"
# A gram that so many parts share is the benchmark's own phrase and proves none of them.
MOST_PARTS_OF_A_GRAM = 16
MOST_PARTS_OF_AN_ANCHOR = 512  # around an anchor everything else of the calls must be there
# An answer in words says little without its question, "University of California at Berkeley" for one.
GOLD_WORDS = 13
CALL_WORDS = 7
# What proves nothing alone does so within this distance of the item's id, of so many words together.
RECORD_TOKENS = 1000
LEAST_WITH_IDENTITY, RARE_WITH_IDENTITY = 4, 2
_ARRAYS = {"grams": np.uint64, "starts": np.int64, "parts": np.int32, "offsets": np.int32, "words": np.uint8}
Ints = npt.NDArray[Any]


@dataclass(frozen=True)
class Known:
    """One part as the index knows it.

    `size` is its number of tokens; `coverable` of them lie in grams that prove something, `needed` must be
    found. `calls` is empty for texts; their units lie within `reach` tokens of an anchor, 0: by their size.
    """

    benchmark: str
    item: str
    kind: str
    size: int
    coverable: int
    needed: int
    calls: tuple[tuple[Unit, ...], ...] = ()
    reach: int = 0


@dataclass(frozen=True)
class BenchmarkIndex:
    grams: Hashes
    starts: Ints
    parts: Ints
    offsets: Ints
    words: Ints
    known: tuple[Known, ...]
    sizes: tuple[int, ...]  # lengths of the grams, in tokens

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        text = self.words.tobytes().decode("utf-8")
        return {word: at for at, word in enumerate(text.split("\n"))} if text else {}

    @cached_property
    def token_hashes(self) -> Hashes:
        return token_hashes(list(self.vocabulary))

    @cached_property
    def bitmap(self) -> npt.NDArray[np.bool_]:
        """True at the upper bits of every gram: most windows are ruled out without a search."""
        bits = max(16, int(np.ceil(np.log2(len(self.grams) + 1))) + 5)
        found = np.zeros(1 << bits, np.bool_)
        found[(self.grams >> np.uint64(64 - bits)).astype(np.int64)] = True
        return found


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
    draft, seen = _Draft(), set[object]()
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
            draft.without_evidence += not _add_with_identity(draft, part, words, calls, size)
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


def _add_text(draft: _Draft, part: Part, words: list[str], size: int) -> None:
    number, length = len(draft.known), min(size, len(words))
    for _, values in window_hashes(token_hashes(words), (length,)):
        draft.rows += [(value, number, offset) for offset, value in enumerate(values.tolist())]
    draft.sizes.add(length)
    draft.vocabulary.update(words)
    needed = tokens_needed(words, size)
    draft.known.append(Known(part.benchmark, part.item, part.kind, len(words), len(words), needed))


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


def covered_tokens(offsets: Ints, size: int) -> int:
    """How many tokens lie in windows of `size` that begin at the sorted or unsorted `offsets`."""
    if not len(offsets):
        return 0
    places = np.unique(offsets)
    return int(np.minimum(np.diff(places), size).sum()) + size


def write(folder: str, index: BenchmarkIndex) -> list[OutputFile]:
    """Publish the index below the stage folder; the files for its manifest."""
    names = []
    for name, kind in _ARRAYS.items():
        buffer = io.BytesIO()
        np.save(buffer, getattr(index, name).astype(kind), allow_pickle=False)
        storage.write_bytes(storage.join(folder, FOLDER, f"{name}.npy"), buffer.getvalue())
        names.append(f"{FOLDER}/{name}.npy")
    about = {"sizes": index.sizes, "known": [asdict(part) for part in index.known]}
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    storage.write_bytes(storage.join(folder, FOLDER, "parts.json"), text.encode("utf-8"))
    return [describe_file(folder, name) for name in (*names, f"{FOLDER}/parts.json")]


def load(folder: str) -> BenchmarkIndex:
    """The index below a stage folder; arrays of a local folder are mapped, not read."""
    arrays = {name: _array(storage.join(folder, FOLDER, f"{name}.npy")) for name in _ARRAYS}
    about = json.loads(storage.read_bytes(storage.join(folder, FOLDER, "parts.json")))
    known = tuple(
        Known(**{**part, "calls": tuple(tuple(map(_unit, units)) for units in part["calls"])})
        for part in about["known"]
    )
    return BenchmarkIndex(known=known, sizes=tuple(about["sizes"]), **arrays)


def _unit(data: dict[str, Any]) -> Unit:
    return Unit(**{**data, "accepted": tuple(map(tuple, data["accepted"]))})


def _array(path: str) -> Ints:
    if "://" not in path:
        mapped: Ints = np.load(path, mmap_mode="r", allow_pickle=False)
        return mapped
    read: Ints = np.load(io.BytesIO(storage.read_bytes(path)), allow_pickle=False)
    return read


def items_of(index: BenchmarkIndex) -> Counter[str]:
    """Parts in the index by benchmark."""
    return Counter(part.benchmark for part in index.known)
