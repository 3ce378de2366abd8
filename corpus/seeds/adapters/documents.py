"""Plain documents: Markdown, reStructuredText and text. Long ones are cut at headings into parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpus.seeds.records import TEXT, TOOL_DOC, Draft, first_line

SUFFIXES = (".md", ".markdown", ".rst", ".txt")
PART = 20_000  # characters after which a document is cut at its next heading
_TABLE_ROW = re.compile(r"^\|.+\|\s*$", re.MULTILINE)
# A heading that names code, as `### `json.dumps(obj)`` does, or a directive of reStructuredText that does.
_CODE_NAMED = re.compile(
    r"^#{1,6} +(?:[^`\n]*`[^`\n]+`|[A-Za-z_][\w.]*\()"
    r"|^\.\. +(?:\w+:)?(?:function|class|method|module|code-block)::",
    re.MULTILINE,
)
_NAMED_SO = re.compile(r"\A\s*#* *[^\n]*\b(?:api|reference|manual|man page|docstring)\b", re.IGNORECASE)
_HEADING = re.compile(r"^(?=#{1,4} )", re.MULTILINE)


def accepts(path: str, value: Any) -> bool:
    return isinstance(value, str) and path.lower().endswith(SUFFIXES)


def render(_path: str, value: Any) -> Iterator[Draft]:
    kind = TOOL_DOC if looks_like_reference(value) else TEXT
    for part in parts(value):
        yield Draft(first_line(part).lstrip("# ").strip(), part, kind)


def looks_like_reference(text: str) -> bool:
    """Whether a document shows code or tables, names code in headings, or has a title that calls it that."""
    shows = "```" in text or text.count("\n    ") >= 3 or len(_TABLE_ROW.findall(text)) >= 3
    return shows or bool(_CODE_NAMED.search(text) or _NAMED_SO.match(text))


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
