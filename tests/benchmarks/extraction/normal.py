"""One canonical form for both sides of a comparison, so that Markdown's marks neither help nor hurt."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

BULLETS = frozenset("-+•·◦▪‣–●○■□")  # taken out where they stand alone
# taken out of both sides: Markdown's marks, and the anchors that generators hang behind a heading
_MARKS = str.maketrans("", "", "*`|\\_#~>¶§\uf0c1\U0001f517")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:https?:|mailto:|[./#\w])[^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
_RULE = re.compile(r"^[\s|:+=-]*-{2,}[\s|:+=-]*$|^\s*[=~^*_-]{3,}\s*$")
_NUMBER = re.compile(r"^(?:\d{1,3}|[a-zA-Z])[.)]\s+(?=\S)")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})[\w.+#-]*\s*$")
_SEGMENT = re.compile(r"\s*\|\s*|\t+| {2,}|<br\s*/?>", re.IGNORECASE)
# Chinese, Japanese and Korean letters are words of their own: there is no space between words to go by
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W{_CJK}_]+")
SPACE, CELL, LINE = 1, 2, 3
SHINGLE = 3
Shingle = tuple[str, str, str]


@dataclass(frozen=True)
class Squeezed:
    """Text without white space and marks. `gaps[i]`: what stood before character i: 0, SPACE, CELL or LINE.

    Cells are what `|`, tabs and runs of blanks divide; they count as lines where the start of one is asked for.
    `lines`: where each line that holds anything starts.
    """

    text: str
    gaps: bytes
    lines: list[int]

    def is_border(self, at: int) -> bool:
        """No word runs across this place."""
        if at in (0, len(self.text)) or self.gaps[at]:
            return True
        return not (self.text[at - 1].isalnum() and self.text[at].isalnum())

    def starts_line(self, at: int) -> bool:
        return at in (0, len(self.text)) or self.gaps[at] >= CELL

    def places(self, wanted: str, *, line_start: bool = False, line_end: bool = False) -> list[int]:
        """Where `wanted` stands as whole words, without overlaps."""
        found: list[int] = []
        at = self.text.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            fits = (self.starts_line(at) if line_start else self.is_border(at)) and (
                self.starts_line(end) if line_end else self.is_border(end)
            )
            if fits:
                found.append(at)
            at = self.text.find(wanted, end if fits else at + 1)
        return found

    def line_of(self, at: int) -> tuple[int, int]:
        """Start and end of the line that holds this place."""
        number = bisect_right(self.lines, at)
        end = self.lines[number] if number < len(self.lines) else len(self.text)
        return self.lines[number - 1], end


def tidy(text: str) -> str:
    """Composed letters, plain blanks, nothing invisible."""
    return _SPACES.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text)))


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def shingles(text: Sequence[str]) -> list[Shingle]:
    """Each three neighbours among the words."""
    return list(zip(text, text[1:], text[2:]))


def squeeze(text: str) -> Squeezed:
    """The canonical form of a text of many lines."""
    pieces: list[str] = []
    gaps = bytearray()
    lines: list[int] = []
    for cells in _rows(text):
        gap = LINE
        for cell in cells:
            for word in cell.split():
                bare = "" if word in BULLETS else word.translate(_MARKS)
                if bare:
                    if gap == LINE:
                        lines.append(len(gaps))
                    pieces.append(bare)
                    gaps.append(gap)
                    gaps.extend(bytes(len(bare) - 1))
                    gap = 0
                gap = max(gap, SPACE)
            gap = max(gap, CELL)
    return Squeezed("".join(pieces), bytes(gaps), lines)


@lru_cache(100_000)
def item(text: str) -> str:
    """The canonical form of a short text whose line breaks mean nothing."""
    return squeeze(" ".join(text.split())).text


def segments(text: str) -> list[str]:
    """Lines, and cells of table rows, without bullets, numbers, targets of links, fences and rules."""
    return [cell for cells in _rows(text) for cell in cells]


def _rows(text: str) -> Iterator[list[str]]:
    for line in tidy(text).split("\n"):
        if not line or line.isspace() or _RULE.match(line) or _FENCE.match(line):
            continue
        shown = _LINK.sub(_text_of_link, line) if "](" in line else line
        cells = [bare for bare in map(_bare, _SEGMENT.split(shown)) if bare]
        if cells:
            yield cells


def _text_of_link(found: re.Match[str]) -> str:
    return "" if found.group(0).startswith("!") else found.group(1)


def _bare(part: str) -> str:
    """Without bullet, number and heading marks at its start."""
    bare = part.strip()
    while bare[:1] in BULLETS and bare[1:2].isspace():
        bare = bare[1:].strip()
    return _NUMBER.sub("", bare.lstrip("#> "))
