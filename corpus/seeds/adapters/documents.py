"""Plain documents: Markdown, reStructuredText and text. Long ones are cut at headings into parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpus.seeds.records import TEXT, TOOL_DOC, Draft, first_line

SUFFIXES = (".md", ".markdown", ".rst", ".txt")
PART = 20_000  # characters after which a document is cut at its next heading
_HEADING = re.compile(r"^(?=#{1,4} )", re.MULTILINE)


def accepts(path: str, value: Any) -> bool:
    return isinstance(value, str) and path.lower().endswith(SUFFIXES)


def render(_path: str, value: Any) -> Iterator[Draft]:
    kind = TOOL_DOC if looks_like_reference(value) else TEXT
    for part in parts(value):
        yield Draft(first_line(part).lstrip("# ").strip(), part, kind)


def looks_like_reference(text: str) -> bool:
    """Whether a document shows code or tables, as the documentation of tools does."""
    return (
        "```" in text or len(re.findall(r"^\|.+\|\s*$", text, re.MULTILINE)) >= 3 or text.count("\n    ") >= 3
    )


def parts(text: str, size: int = PART) -> Iterator[str]:
    """The text as it is, or in parts of about `size` characters that begin at headings."""
    waiting = ""
    for section in _HEADING.split(text.strip()):
        if waiting and len(waiting) + len(section) > size:
            yield waiting.strip()
            waiting = ""
        waiting += section
    if waiting.strip():
        yield waiting.strip()
