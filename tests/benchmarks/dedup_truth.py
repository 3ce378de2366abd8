"""The truth about duplicates by brute force, and how a tool's answer is scored against it.

Jaccard similarity of word 5-grams is counted exactly: words are numbered, no hash stands for them, and every pair
of pages that shares a 5-gram is counted through an inverted index. It uses nothing of `corpus.dedup`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SIZE, THRESHOLD, FALSE = 5, 0.8, 0.7
_CHARACTERS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005-\u3007\uff66-\uff9f\u0e00-\u0eff"
_WORD = re.compile(f"[{_CHARACTERS}]|[^\\W{_CHARACTERS}]+")
_SHORT = 8  # words


@dataclass(frozen=True)
class Truth:
    """`pairs`: columns i, j (i < j); `jaccard`, `i_in_j`, `j_in_i`: of each pair with Jaccard 0.5 or containment 0.9.

    `same`: number of the normalised text of each page; `words`: how many words it has.
    """

    pairs: npt.NDArray[np.int64]
    jaccard: npt.NDArray[np.float64]
    i_in_j: npt.NDArray[np.float64]
    j_in_i: npt.NDArray[np.float64]
    same: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]


def plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def brute_force(texts: Sequence[str]) -> Truth:
    numbers: dict[str, int] = {}
    sequences = [
        np.array([numbers.setdefault(w, len(numbers)) for w in _WORD.findall(plain(text))], np.int32)
        for text in texts
    ]
    same: dict[str, int] = {}
    of_text = np.array([same.setdefault(plain(text), len(same)) for text in texts], np.int64)
    owners, tokens = _distinct(sequences)
    sizes = np.bincount(owners, minlength=len(texts))
    order = np.lexsort((owners, tokens))
    posted, starts = owners[order], np.searchsorted(tokens[order], np.arange(tokens.max(initial=-1) + 2))
    ends = np.cumsum(sizes)
    found: list[npt.NDArray[np.float64]] = []
    for page in range(len(texts)):
        mine = tokens[ends[page] - sizes[page] : ends[page]]
        mine = mine[starts[mine + 1] - starts[mine] > 1]
        if not len(mine):
            continue
        shared = np.bincount(
            np.concatenate([posted[starts[t] : starts[t + 1]] for t in mine]), minlength=len(texts)
        )
        shared[: page + 1] = 0
        other = np.flatnonzero(shared)
        common = shared[other]
        jaccard = common / (sizes[page] + sizes[other] - common)
        rows = np.stack(
            [np.full(len(other), page), other, jaccard, common / sizes[page], common / sizes[other]], axis=1
        )
        found.append(rows[(jaccard >= 0.5) | (rows[:, 3] >= 0.9) | (rows[:, 4] >= 0.9)])
    table = np.concatenate(found) if found else np.empty((0, 5))
    lengths = np.array([len(sequence) for sequence in sequences])
    return Truth(table[:, :2].astype(np.int64), table[:, 2], table[:, 3], table[:, 4], of_text, lengths)


def _distinct(
    sequences: Sequence[npt.NDArray[np.int32]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(page, number of the 5-gram) of all distinct 5-grams, sorted by page."""
    runs = [np.lib.stride_tricks.sliding_window_view(s, SIZE) for s in sequences if len(s) >= SIZE]
    pages = [np.full(len(s) - SIZE + 1, n) for n, s in enumerate(sequences) if len(s) >= SIZE]
    grams, owners = np.concatenate(runs), np.concatenate(pages)
    token = np.zeros(len(grams), np.int64)
    for column in range(SIZE):  # number the prefixes one word longer each time: exact, without hashing
        wide = token * (int(grams.max()) + 1) + grams[:, column]
        _, token = np.unique(wide, return_inverse=True)
    distinct = np.unique(owners * (int(token.max()) + 1) + token)
    return distinct // (int(token.max()) + 1), distinct % (int(token.max()) + 1)


@dataclass(frozen=True)
class Score:
    precision: float
    recall: float
    false_merges: int
    chain_errors: int
    short_errors: int
    lost: int
    removed: int

    def cells(self) -> str:
        return (
            f"{self.precision:.4f}  {self.recall:.4f}  {self.false_merges:>6}  {self.chain_errors:>6}  "
            f"{self.short_errors:>6}  {self.lost:>6}"
        )


def score(truth: Truth, parts: Sequence[str], kept: Sequence[bool]) -> Score:
    """A tool's answer, given as which pages it keeps, against the truth.

    precision: removed pages of which a kept one has Jaccard 0.8 or the same text. recall: of those and the kept
    pages that stand beside a kept one like that, the former. False merge: no kept page has Jaccard 0.7, contains
    or equals it. Chain and short errors: removed pages of those parts without a kept page at 0.8, or without an
    equal one. Lost: pages of whose whole cluster (0.7, or equal) nothing is kept.
    """
    stays = np.asarray(kept, bool)
    i, j = truth.pairs[:, 0], truth.pairs[:, 1]
    equal = np.zeros(len(stays), bool)
    equal[np.isin(truth.same, truth.same[stays])] = True
    near = _beside(i, j, truth.jaccard >= THRESHOLD, stays, stays)
    alike = _beside(i, j, truth.jaccard >= FALSE, stays, stays)
    alike |= _beside(i, j, truth.i_in_j >= 0.999, stays, None) | _beside(
        i, j, truth.j_in_i >= 0.999, None, stays
    )
    gone = ~stays
    right = gone & (near | equal)
    names = np.asarray(parts)
    short = truth.words < _SHORT
    return Score(
        precision=float(right.sum() / max(gone.sum(), 1)),
        recall=float(right.sum() / max(right.sum() + remaining(truth, stays), 1)),
        false_merges=int((gone & ~alike & ~equal).sum()),
        chain_errors=int((gone & (names == "chain") & ~near & ~equal).sum()),
        short_errors=int((gone & short & ~equal).sum()),
        lost=lost(truth, stays),
        removed=int(gone.sum()),
    )


def _beside(
    i: npt.NDArray[np.int64],
    j: npt.NDArray[np.int64],
    holds: npt.NDArray[np.bool_],
    j_stays: npt.NDArray[np.bool_] | None,
    i_stays: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.bool_]:
    """Pages that have a kept partner in a pair that holds; i through a kept j, j through a kept i."""
    size = len(j_stays if j_stays is not None else i_stays if i_stays is not None else [])
    found = np.zeros(size, bool)
    if j_stays is not None:
        found[i[holds & j_stays[j]]] = True
    if i_stays is not None:
        found[j[holds & i_stays[i]]] = True
    return found


def remaining(truth: Truth, stays: npt.NDArray[np.bool_]) -> int:
    """Kept pages that stand beside an earlier kept one with Jaccard 0.8 or the same text."""
    i, j = truth.pairs[:, 0], truth.pairs[:, 1]
    left = set(j[(truth.jaccard >= THRESHOLD) & stays[i] & stays[j]].tolist())
    seen: set[int] = set()
    for page in np.flatnonzero(stays):
        if truth.same[page] in seen:
            left.add(int(page))
        seen.add(int(truth.same[page]))
    return len(left)


def lost(truth: Truth, stays: npt.NDArray[np.bool_]) -> int:
    """Pages of clusters (Jaccard 0.7 or the same text) of which no page stays."""
    parent: dict[int, int] = {page: page for page in range(len(stays))}

    def root(page: int) -> int:
        while parent[page] != page:
            parent[page] = parent[parent[page]]
            page = parent[page]
        return page

    first: dict[int, int] = {}
    edges = truth.pairs[truth.jaccard >= FALSE].tolist()
    edges += [[page, first.setdefault(text, page)] for page, text in enumerate(truth.same.tolist())]
    for one, other in edges:
        parent[root(one)] = root(other)
    living = {root(int(page)) for page in np.flatnonzero(stays)}
    return sum(root(page) not in living for page in range(len(stays)))


def named_survivors(truth: Truth, removed: Mapping[int, int]) -> float:
    """The share of removed pages whose own, named survivor has Jaccard 0.8 or the same text."""
    near = {(int(a), int(b)) for a, b in truth.pairs[truth.jaccard >= THRESHOLD]}
    right = sum((min(a, b), max(a, b)) in near or truth.same[a] == truth.same[b] for a, b in removed.items())
    return right / max(len(removed), 1)
