"""Code blocks to the letter: what a browser shows of a `pre`, without line numbers and buttons."""

from __future__ import annotations

import re

from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.tree import Page

_LINES = v.names("div p li tr ol ul table section tbody thead")
_NUMBERED = frozenset(("tr", "li"))  # lines even while empty
_ROWS = v.names("table tbody thead tr ol ul")  # their own text is the markup's indentation
_LINE_NAME = re.compile(r"(?:^|[\s_-])(?:line|cl|row)(?:$|[\s_-])")
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|highlight-source-|highlight-|brush:\s*|sourceCode\s+|src\s+src-|hljs\s+(?!language-|lang-))"
    r"([A-Za-z0-9+#_.-]{1,20})"
)
_NO_LANGUAGES = v.names(
    "default none text plaintext plain source txt block wrapper example notranslate numbers container "
    "toolbar body content line lines undefined auto nohighlight code language-plaintext copy"
)


def code_text(page: Page, i: int, skip: list[bool]) -> str:
    """The lines of an element; `br` and block elements make lines as newlines do."""
    text = _lines(page, i, skip, spans=False)
    if "\n" not in text and sum(_is_line(page, j) for j in range(i + 1, min(page.ends[i], i + 2_000))) > 1:
        text = _lines(page, i, skip, spans=True)
    return text


def _is_line(page: Page, j: int) -> bool:
    return page.tags[j] in ("span", "code") and bool(_LINE_NAME.search(page.get(j, "class")))


def _lines(page: Page, i: int, skip: list[bool], *, spans: bool) -> str:
    tags, texts, tails, ends, marks = page.tags, page.texts, page.tails, page.ends, page.marks
    parts: list[str] = []
    open_: list[tuple[int, int]] = []  # element, and the number of parts before it
    end, j = ends[i], i
    while True:
        while open_ and ends[open_[-1][0]] <= j:
            done, before = open_.pop()
            line = tags[done] in _LINES or (spans and _is_line(page, done))
            if line:
                _new_line(parts, empty=tags[done] in _NUMBERED and len(parts) == before)
            if tails[done] and not (line and _between(page, done, end)):
                parts.append(tails[done])
        if j >= end:
            break
        tag = tags[j]
        if j != i and (skip[j] or marks[j] & (v.LINE_NUMBER | v.DROP)):
            if tails[j] and not (tag in _LINES or tag == "td"):
                parts.append(tails[j])
            j = ends[j]
            continue
        if j != i:
            if tag in _LINES or (spans and _is_line(page, j)):
                _new_line(parts)
            open_.append((j, len(parts)))
        if tag == "br":
            parts.append("\n")
        if texts[j] and not (tag in _ROWS and texts[j].isspace()):
            parts.append(texts[j])
        j += 1
    return "".join(parts).replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n").rstrip()


def _between(page: Page, done: int, end: int) -> bool:
    """Whether only white space of the markup stands between this line element and the next."""
    if not page.tails[done].isspace():
        return False
    following = page.ends[done]
    last = following >= end or page.parents[following] != page.parents[done]
    return page.tags[done] in _ROWS or last or page.tags[following] in _LINES


def _new_line(parts: list[str], *, empty: bool = False) -> None:
    if empty or (parts and not parts[-1].endswith("\n")):
        parts.append("\n")


def language(page: Page, i: int) -> str:
    """The language that a code block, its `code` or what wraps it names; empty where none does."""
    around = [i, *(j for j in range(i + 1, min(page.ends[i], i + 4)) if page.tags[j] == "code")]
    parent = page.parents[i]
    for _ in range(4):
        if parent < 0 or page.mass[parent] > page.mass[i] + 60:
            break
        around.append(parent)
        parent = page.parents[parent]
    for j in around:
        named = page.get(j, "data-lang") or page.get(j, "data-language") or page.get(j, "data-code-lang")
        for found in [named, *_LANGUAGE.findall(page.get(j, "class"))]:
            if found and found.lower() not in _NO_LANGUAGES and len(found) <= 20 and " " not in found:
                return str(found).lower()
    return ""


def fence(code: str, name: str) -> str:
    """A fenced block; the fence is longer than any run of backticks in the code."""
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    ticks = "`" * (longest + 1)
    return f"{ticks}{name}\n{code}\n{ticks}"


def numbers_only(code: str) -> bool:
    """Whether a block is a column of line numbers: nothing but consecutive integers."""
    words = code.split()
    if not words or not all(word.isdecimal() and len(word) < 8 for word in words):
        return False
    first = int(words[0])
    return [int(word) for word in words] == list(range(first, first + len(words)))
