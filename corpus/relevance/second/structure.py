"""The layout of an extracted text as numbers: what a reference looks like in any language, on any site.

Words are left to fastText. Here count the parts that the extraction keeps apart: fenced code, tables,
headings, lists, definitions, sentences; and the shapes of identifiers. Nothing in it knows a language. With
function words, capitals, word lengths or the share of a script among them, English pages were told better by
a hair, and wanted pages in other languages fell to the floor.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.relevance.features import shape_counts

STRUCTURE_VERSION = 1
MOST_CHARACTERS = 40_000  # of a text that are looked at
_SHAPES_OF = 8_000  # characters of which identifiers are counted
_LEAST = 400  # rates of shorter texts are taken as of that many characters, or they would mean nothing
_FENCE = re.compile(r"^(`{3,})[^\n]*\n(.*?)(?:\n\1$|\Z)", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s")
_SENTENCE = re.compile(r"[.!?][\"')\]]?\s|[。！？]")
# signs that say as much as two letters: sizes in all languages then mean about the same
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# a name as programs write it: snake_case, camelCase, call(, dotted.name, ::, `quoted`, --flag, <type
_NAME = re.compile(r"[a-z]_[a-z]|[a-z][A-Z]|\w\(|\w\.\w|::|`|--\w|<\w")
_PLACE = re.compile(
    r"/(?:api|apis|reference|ref|docs?|sdk|manual|man\d?|library|stdlib|commands?|cli|functions?|classes|modules?"
    r"|rest|v\d+|admin|config\w*)(?:/|[-_.]|$)",
    re.IGNORECASE,
)
_LAST = re.compile(r"[a-z]_[a-z]|[a-z][A-Z]|\w\.\w+\.\w")


@dataclass(frozen=True)
class _Parts:
    """A text taken apart: what stands in fences, and the other lines by kind, blank ones left out."""

    fences: list[str]
    outside: str
    lines: list[str]
    headings: list[str]
    rows: list[str]
    items: list[str]
    rest: list[str]


def structure(text: str, title: str = "", url: str = "") -> dict[str, float]:
    """The numbers of a text by name, always the same names in the same order."""
    text = text[:MOST_CHARACTERS]
    if not text.isascii():
        text = _WIDE.sub("xx", text)
    parts = _taken_apart(text)
    return {
        **_sizes(text, parts),
        **_shares(text, parts),
        **_signs(text, parts),
        **_shapes(text),
        **_names(parts),
        "title_name": float(bool(_NAME.search(title))),
        **_address(url),
    }


def vector(text: str, title: str = "", url: str = "") -> list[float]:
    return list(structure(text, title, url).values())


def _taken_apart(text: str) -> _Parts:
    outside = _FENCE.sub("\n", text)
    parts = _Parts([found.group(2) for found in _FENCE.finditer(text)], outside, [], [], [], [], [])
    for line in outside.split("\n"):
        if not line.strip():
            continue
        parts.lines.append(line)
        if line.startswith("#"):
            parts.headings.append(line.lstrip("# "))
        elif line.lstrip().startswith("|"):
            parts.rows.append(line)
        elif _ITEM.match(line):
            parts.items.append(line)
        else:
            parts.rest.append(line)
    return parts


def _sizes(text: str, parts: _Parts) -> dict[str, float]:
    prose = sum(len(line) for line in parts.rest if len(line) > 60)
    return {
        "characters": math.log1p(len(text)),
        "lines": math.log1p(len(parts.lines)),
        "fences": math.log1p(len(parts.fences)),
        "code_lines": math.log1p(sum(code.count("\n") + 1 for code in parts.fences)),
        "headings": math.log1p(len(parts.headings)),
        "rows": math.log1p(len(parts.rows)),
        "sentences": math.log1p(len(_SENTENCE.findall(parts.outside))),
        "prose": math.log1p(prose),
        "prose_share": prose / max(len(text), 1),
        "longest_line": math.log1p(max((len(line) for line in parts.rest), default=0)),
    }


def _shares(text: str, parts: _Parts) -> dict[str, float]:
    lines, outside = max(len(parts.lines), 1), max(len(parts.outside), 1)
    return {
        "code_share": sum(map(len, parts.fences)) / max(len(text), 1),
        "heading_share": len(parts.headings) / lines,
        "row_share": len(parts.rows) / lines,
        "item_share": len(parts.items) / lines,
        "indented_share": sum(line.startswith("    ") for line in parts.lines) / lines,
        "short_share": sum(len(line) < 60 for line in parts.lines) / lines,
        "line_length": math.log1p(outside / lines),
    }


def _signs(text: str, parts: _Parts) -> dict[str, float]:
    size = max(len(parts.outside), _LEAST) / 1000
    return {
        "digits": sum(map(str.isdigit, text)) / max(len(text), 1),
        "questions": sum(map(parts.outside.count, "?？")) / size,
        "ticks": parts.outside.count("`") / size,
        "quotes": sum(map(parts.outside.count, '"“”‘’「」«»')) / size,
    }


def _shapes(text: str) -> dict[str, float]:
    start = text[:_SHAPES_OF]
    size = max(len(start), _LEAST) / 1000
    return {f"shape_{name}": math.log1p(count / size) for name, count in shape_counts(start).items()}


def _names(parts: _Parts) -> dict[str, float]:
    named = _count(_NAME, parts.headings)
    return {
        "named_headings": math.log1p(named),
        "named_heading_share": named / max(len(parts.headings), 1),
        "named_lines": _count(_NAME, parts.lines) / max(len(parts.lines), 1),
    }


def _count(pattern: re.Pattern[str], lines: Sequence[str]) -> int:
    return sum(bool(pattern.search(line)) for line in lines)


def _address(url: str) -> dict[str, float]:
    """Of the path alone: the host is left out, so that no site is learnt by its name."""
    path = re.sub(r"^\w+://[^/]*", "", url).partition("?")[0].partition("#")[0]
    return {
        "place": float(bool(_PLACE.search(path))),
        "named_page": float(bool(_LAST.search(path.rpartition("/")[2]))),
    }


NAMES = tuple(structure("x"))
