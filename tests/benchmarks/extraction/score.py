"""How much of a page's truth stands in an output, and how much of the output is not of the page's main area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tests.benchmarks.extraction.code import CodeKept
from tests.benchmarks.extraction.normal import (
    SHINGLE,
    Shingle,
    Squeezed,
    item,
    segments,
    shingles,
    squeeze,
    words,
)
from tests.benchmarks.extraction.truth import Truth

KEPT = ("code", "cells", "rows", "terms", "headings", "paragraphs", "lists")
METRICS = (*KEPT, "leak")
_SAME = (
    0.95  # share of its shingles that a paragraph or list item needs: one reference mark may go, no phrase
)
_OPENING = 16  # letters by which a list item is found at the start of a line
_LONG = 12  # letters; a cell this long is no other cell's text by chance


@dataclass
class Share:
    """`kept` of `total`; `lost` names what is missing (for leak: what is too much)."""

    kept: float = 0
    total: float = 0
    lost: list[str] = field(default_factory=list)

    @property
    def value(self) -> float:
        return self.kept / self.total


@dataclass
class _Output:
    """An output with the places of it that have served already."""

    squeezed: Squeezed
    text: str
    taken: set[int] = field(default_factory=set)  # starts of headings, terms and list items
    row_lines: set[int] = field(default_factory=set)  # starts of lines that hold a row

    @cached_property
    def shingles(self) -> frozenset[Shingle]:
        return frozenset(shingles(words("\n".join(segments(self.text)))))

    def holds_nearly(self, text: str) -> bool:
        wanted = shingles(words("\n".join(segments(text))))
        if len(wanted) < 2 * SHINGLE:
            return False
        return sum(shingle in self.shingles for shingle in wanted) >= _SAME * len(wanted)


def score(truth: Truth, output: str, boilerplate: Collection[str] = ()) -> dict[str, Share]:
    """Shares by metric; those of which the page holds nothing are left out.

    `boilerplate`: canonical texts that stand on most pages of the site; they are not asked for and are leakage.
    """
    seen = _Output(squeeze(output), output)
    shares = {"code": _code(truth, output)}
    shares["rows"], shares["cells"] = _table(truth, seen)
    shares |= _lines(truth, seen, boilerplate)
    shares["paragraphs"] = _paragraphs(truth, seen, boilerplate)
    shares["leak"] = leakage(truth, output, boilerplate)
    return {name: shares[name] for name in METRICS if shares[name].total}


def _code(truth: Truth, output: str) -> Share:
    kept = CodeKept(output)
    lost = [line for block in truth.code for line in kept.lost(block)]
    total = sum(map(len, truth.code))
    return Share(total - len(lost), total, lost)


def _table(truth: Truth, seen: _Output) -> tuple[Share, Share]:
    rows = Share(total=len(truth.rows))
    cells = Share(total=sum(map(len, truth.rows)) + len(truth.lone_cells))
    missing: list[str] = list(truth.lone_cells)
    for row in truth.rows:
        if _row_line(row, seen):
            rows.kept += 1
            cells.kept += len(row)
        else:
            rows.lost.append(" | ".join(row))
            missing.extend(row)
    for text, times in Counter(missing).items():
        found = min(times, _cell_places(item(text), seen))
        cells.kept += found
        cells.lost.extend([text] * (times - found))
    return rows, cells


def _row_line(row: Sequence[str], seen: _Output) -> bool:
    """Whether the cells stand in order on one line; that line is taken."""
    wanted = [text for text in map(item, row) if text]
    for place in seen.squeezed.places(max(wanted, key=len)):
        start, end = seen.squeezed.line_of(place)
        if start not in seen.row_lines and _in_order(wanted, seen.squeezed, start, end):
            seen.row_lines.add(start)
            return True
    return False


def _in_order(wanted: Sequence[str], squeezed: Squeezed, at: int, end: int) -> bool:
    for text in wanted:
        at = squeezed.text.find(text, at, end)
        while at >= 0 and not (squeezed.is_border(at) and squeezed.is_border(at + len(text))):
            at = squeezed.text.find(text, at + 1, end)
        if at < 0:
            return False
        at += len(text)
    return True


def _cell_places(text: str, seen: _Output) -> int:
    places = seen.squeezed.places(text, line_start=len(text) < _LONG)
    return sum(seen.squeezed.line_of(place)[0] not in seen.row_lines for place in places)


def _lines(truth: Truth, seen: _Output, boilerplate: Collection[str]) -> dict[str, Share]:
    """Headings, terms and list items: each at the start of a line of its own, longest first."""
    wanted: list[tuple[str, str, list[str]]] = []
    wanted += [("headings", text, [item(text), item(whole)]) for text, whole in truth.headings]
    wanted += [("terms", text, [item(text)]) for text in truth.terms]
    wanted += [("lists", text, [item(text)]) for text in truth.items if item(text) not in boilerplate]
    shares = {name: Share() for name in ("headings", "terms", "lists")}
    for name, text, forms in sorted(wanted, key=lambda one: -len(one[2][0])):
        share = shares[name]
        share.total += 1
        if _take_line(name, text, forms, seen):
            share.kept += 1
        else:
            share.lost.append(text)
    return shares


def _take_line(name: str, text: str, forms: Sequence[str], seen: _Output) -> bool:
    for form in forms:
        for place in seen.squeezed.places(form, line_start=True, line_end=name == "headings"):
            if place not in seen.taken:
                seen.taken.add(place)
                return True
    if name == "lists" and seen.holds_nearly(text):
        for place in seen.squeezed.places(forms[0][:_OPENING], line_start=True):
            if place not in seen.taken:
                seen.taken.add(place)
                return True
    return False


def _paragraphs(truth: Truth, seen: _Output, boilerplate: Collection[str]) -> Share:
    forms = Counter(text for text in truth.paragraphs if item(text) not in boilerplate)
    share = Share(total=sum(forms.values()))
    for text, times in forms.items():
        found = min(times, len(seen.squeezed.places(item(text))))
        if not found and seen.holds_nearly(text):
            found = 1
        share.kept += found
        share.lost.extend([text] * (times - found))
    return share


def leakage(truth: Truth, output: str, boilerplate: Collection[str] = ()) -> Share:
    """Letters of the output that come from outside the main area, over all its letters.

    Text that is neither inside nor outside (numbers that an extractor adds, words that it joins) counts to the
    total alone, and so does a second copy of what stands inside.
    """
    inside, outside = truth.squeezed
    share = Share()
    for text, times in Counter(segments(output)).items():
        form, size = item(text), sum(map(len, words(text)))
        share.total += size * times
        if not size:
            continue
        if form in boilerplate:
            leaked = size * times
        elif form in truth.outside_runs:  # a line of its own there: it has to be one inside as well
            copies = len(inside.places(form, line_start=True, line_end=True)) or len(inside.places(form)) * (
                len(words(text)) > SHINGLE
            )
            leaked = size * min(max(0, times - copies), truth.outside_runs[form])
        elif inside.places(form):
            leaked = 0
        else:
            leaked = _leaked_letters(words(text), *truth.shingles) * times
            if leaked == 0 and len(words(text)) < SHINGLE and outside.places(form):
                leaked = size * times
        if leaked:
            share.kept += leaked
            share.lost.append(text)
    return share


def _leaked_letters(text: Sequence[str], inside: Collection[Shingle], outside: Collection[Shingle]) -> int:
    """Letters of the words that no three neighbours place inside, and some place outside."""
    own, foreign = [False] * len(text), [False] * len(text)
    for at, shingle in enumerate(shingles(text)):
        for marks, known in ((own, inside), (foreign, outside)):
            if shingle in known:
                marks[at : at + SHINGLE] = [True] * SHINGLE
    return sum(len(word) for word, mine, theirs in zip(text, own, foreign) if theirs and not mine)


def repeated(
    truths: Sequence[Truth], share: float = 0.6, least: int = 5, least_words: int = 3
) -> frozenset[str]:
    """Canonical paragraphs and list items that stand on most pages of a site: its boilerplate."""
    pages = Counter(
        form
        for truth in truths
        for form in {
            item(text) for text in (*truth.paragraphs, *truth.items) if len(words(text)) >= least_words
        }
    )
    needed = max(least, share * len(truths))
    return frozenset(form for form, times in pages.items() if times >= needed)
