"""Plain documents: Markdown, reStructuredText and text. Long ones are cut at headings into parts.

They are written documentation already, and stay as they are, but for the front matter that site generators
put before a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from corpus.seeds.apis import api_of_call
from corpus.seeds.records import TEXT, TOOL_DOC, Draft, distinct, first_line

SUFFIXES = (".md", ".markdown", ".mdx", ".rst", ".txt")
PART = 20_000  # characters after which a document is cut at its next heading
_TABLE_ROW = re.compile(r"^\|.+\|\s*$", re.MULTILINE)
# A heading that names code, as `### `json.dumps(obj)`` does, or a directive of reStructuredText that does.
_CODE_NAMED = re.compile(
    r"^#{1,6} +(?:[^`\n]*`[^`\n]+`|[A-Za-z_][\w.]*\()"
    r"|^\.\. +(?:\w+:)?(?:function|class|method|module|code-block)::",
    re.MULTILINE,
)
_NAMED_SO = re.compile(r"\A\s*#* *[^\n]*\b(?:api|reference|manual|man page|docstring)\b", re.IGNORECASE)
# Markdown's headings, and titles underlined by a row of one sign, as in reStructuredText and Sphinx' text
_HEADING = re.compile(r"^(?=#{1,4} |[^\s#].{0,119}\n([=*\-~^])\1{3,}[ \t]*$)", re.MULTILINE)
_FRONT = re.compile(r"\A---[ \t]*\n.{0,4000}?\n---[ \t]*\n", re.DOTALL)
_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_SIGNATURE = re.compile(
    r"^(?:#{1,6} +`?|\.\. +(?:py:|js:|c:)?(?:function|method|class|classmethod|staticmethod):: +|"
    r"(?:class |async |classmethod |static )?(?=[\w.]{1,200}\([^\n]{0,500}\)(?: -> [^\n]{0,200})?\n\n? {3}))"
    r"([A-Za-z_][\w.]{0,200}\()",
    re.MULTILINE,
)


def accepts(path: str, value: Any) -> bool:
    return isinstance(value, str) and path.lower().endswith(SUFFIXES)


def render(_path: str, value: Any) -> Iterator[Draft]:
    front = _FRONT.match(value)
    title = _TITLE.search(front[0]) if front else None
    body = value[front.end() :] if front else value
    kind = TOOL_DOC if looks_like_reference(body) else TEXT
    for number, part in enumerate(parts(body)):
        named = title[1] if title and not number else first_line(part).lstrip("# ").strip()
        headed = f"# {title[1]}\n\n{part}" if title and not number and not part.startswith("# ") else part
        yield Draft(named, headed, kind, apis_of(part) if kind == TOOL_DOC else ())


def looks_like_reference(text: str) -> bool:
    """Whether a document shows code or tables, names code in headings, or has a title that calls it that."""
    shows = "```" in text or text.count("\n    ") >= 3 or len(_TABLE_ROW.findall(text)) >= 3
    named = _CODE_NAMED.search(text) or _SIGNATURE.search(text) or _NAMED_SO.match(text)
    return shows or bool(named)


def apis_of(text: str) -> tuple[str, ...]:
    """Functions whose signatures stand as headings, directives, or terms above an indented description."""
    return distinct(api_of_call(found) for found in _SIGNATURE.findall(text))


def parts(text: str, size: int = PART) -> Iterator[str]:
    """The text as it is, or in parts of about `size` characters that begin at headings."""
    text = text.strip()
    starts = [found.start() for found in _HEADING.finditer(text)]
    cuts, begin = [0], 0
    for start, end in zip(starts, [*starts[1:], len(text)]):
        if start > begin and end - begin > size:
            cuts.append(start)
            begin = start
    for begin, end in zip(cuts, [*cuts[1:], len(text)]):
        if text[begin:end].strip():
            yield text[begin:end].strip()
