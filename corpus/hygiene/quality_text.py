"""A text cut up once for all quality rules: prose lines apart from code and tables, words, sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]

# languages written without spaces: two signs count as a word, so that rules on words hold for them too
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAS_SPACELESS = re.compile(f"[{_SPACELESS}]")
_TOKEN = re.compile(f"[{_SPACELESS}]{{1,2}}|[^\\s{_SPACELESS}]+")
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
BULLETS = ("- ", "* ", "+ ", "\u2022", "\u2023", "\u25cf", "\u25b6", "\u25e6", "\u25aa", "\u2013 ", "\u00b7 ")
TERMINAL = (".", "!", "?", ":", ";", "\u3002", "\uff01", "\uff1f", "\uff1a", "\u2026", "\u0964", "\u061f")
_CLOSING = "*_`\"')]}>\u201d\u2019\u00bb\u300d\u300f\uff09 "
# a line of an API: it says what something takes or gives, so that a bare list of names is none
_MODIFIERS = (
    "public|private|protected|static|abstract|final|async|export|declare|override|inline|open|suspend"
)
_KINDS = "class|def|fun|func|fn|function|const|val|var|let|type|interface|enum|struct|void|int|bool|typedef"
_DECLARATION = re.compile(
    r"->|=>|\u2192|[;{]$|\([^()]*[:=,][^()]*\)|^[\w.]+\??: [\w.]+[<\[|?]|^[\w.]+ = \S"
    rf"|^(?:(?:{_MODIFIERS}) )*(?:{_KINDS}) \w+.*[:=(]"
)
_LONGEST_DECLARATION = 300  # characters: the pattern above goes back and forth
_SENTENCE_WORDS = 4  # with terminal punctuation
_LINE_WORDS = 8  # of a line that goes on in the next one
# lines of the frame around pages, by what they hold in lower case; none of them says anything of its own
BOILERPLATE = (
    "licensed under",
    "rights reserved",
    "copyright",
    "cookie",
    "privacy policy",
    "terms of use",
    "terms of service",
    "javascript",
    "redirected to",
    "not found",
    "last updated",
    "last modified",
)
_NOTICE = re.compile(
    r"licensed under|all rights reserved|(?:copyright|\(c\)|\u00a9) *(?:\(c\)|\u00a9|\d{4})|\u00a9 *copyright"
    r"|cookies? (?:policy|notice|settings)|(?:uses?|using|accept|of|serve) cookies|privacy policy"
    r"|terms of (?:use|service)|(?:enable|requires?|turn on) javascript"
    r"|javascript (?:is|must be|to be|and cookies|seems)[^.]{0,40}"
    r"(?:disabled|required|enabled|turned off|needed)"
    r"|redirected to|page (?:was |could )?not (?:be )?found|last (?:updated|modified)"
)


@dataclass(frozen=True)
class Text:
    """`lines`: prose lines, stripped, none empty; `starts`: those of them that begin a paragraph, by number.

    Lines of fenced code and of tables are counted in words alone: no rule on prose sees them.
    """

    lines: tuple[str, ...]
    starts: tuple[int, ...]
    code_words: int
    table_words: int
    spaceless: bool

    @cached_property
    def words(self) -> list[str]:
        """All words of the prose, in order."""
        text = "\n".join(self.lines)
        return _TOKEN.findall(text) if self.spaceless else text.split()

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return count(self.words)

    @cached_property
    def characters(self) -> int:
        return sum(map(len, self.lines))

    @cached_property
    def sentence_words(self) -> int:
        """Words of the lines that say something: sentences, whole lines of wrapped ones, and declarations."""
        notices = self.notices
        total = 0
        for number, line in enumerate(self.lines):
            found = len(_TOKEN.findall(line)) if self.spaceless else line.count(" ") + 1
            if number in notices:
                continue
            long_enough = found >= _LINE_WORDS or (
                found >= _SENTENCE_WORDS and line.rstrip(_CLOSING).endswith(TERMINAL)
            )
            if long_enough or (found > 1 and _declares(line)):
                total += found
        return total

    @cached_property
    def lower(self) -> str:
        return "\n".join(self.lines).lower()

    @cached_property
    def notices(self) -> dict[int, str]:
        """Lines of the frame around the page (licence, cookies, redirection): number to the words found."""
        phrases = [phrase for phrase in BOILERPLATE if phrase in self.lower]
        found: dict[int, str] = {}
        for number, line in enumerate(self.lower.split("\n") if phrases else ()):
            if any(phrase in line for phrase in phrases) and (match := _NOTICE.search(line)):
                found[number] = match.group()
        return found


@dataclass(frozen=True)
class Vocabulary:
    """`known`: the different words in the order of their first use; `ids`: for each word its number in there.

    `counts` says how often each stands in the text, `sizes` how long it is.
    """

    known: tuple[str, ...]
    ids: Numbers
    counts: Numbers
    sizes: Numbers


def count(words: Sequence[str]) -> Vocabulary:
    known = tuple(dict.fromkeys(words))
    numbers = dict(zip(known, range(len(known))))
    ids = np.fromiter(map(numbers.__getitem__, words), dtype=np.int64, count=len(words))
    sizes = np.fromiter(map(len, known), dtype=np.int64, count=len(known))
    return Vocabulary(known, ids, np.bincount(ids, minlength=len(known)), sizes)


def cut(text: str) -> Text:
    """Part the prose of a text from its fenced code and its tables; one pass."""
    spaceless = not text.isascii() and _HAS_SPACELESS.search(text) is not None
    rows = text.split("\n")
    lines: list[str] = []
    starts: list[int] = []
    code = table = 0
    fence = ""
    new_paragraph = True
    for number, row in enumerate(rows):
        if fence:
            if row.strip() == fence:
                fence = ""
            else:
                code += len(row.split())
            continue
        line = row.strip()
        if not line:
            new_paragraph = True
        elif line[0] in "`~" and (opening := _FENCE.match(line)):
            fence, new_paragraph = opening.group(1), True
        elif is_row(line) and _beside_row(rows, number):
            table += len(line.split()) - line.count("|")
            new_paragraph = True
        else:
            if new_paragraph:
                starts.append(len(lines))
                new_paragraph = False
            lines.append(line)
    return Text(tuple(lines), tuple(starts), code, table, spaceless)


def is_row(line: str) -> bool:
    return "|" in line and (" | " in line or (line[0] == "|" and line.count("|") > 1))


def _declares(line: str) -> bool:
    return len(line) <= _LONGEST_DECLARATION and _DECLARATION.search(line) is not None


def _beside_row(rows: list[str], number: int) -> bool:
    """Whether a neighbouring line is a row too: a single one is a line of links more often than a table."""
    around = (rows[n].strip() for n in (number - 1, number + 1) if 0 <= n < len(rows))
    return any(line and is_row(line) for line in around)
