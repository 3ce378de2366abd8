"""Languages with braces, cut into comments, strings, brackets and the rest, by one pattern in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

OTHER, DOC, TRAILING, COMMENT, LITERAL, OPEN, CLOSE, END, COMMA, NEWLINE, BLANK, DIRECTIVE = range(12)
# What is not closed ends with its line or file: a pattern that failed there would begin again at each quote.
_SHORT = r'"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|\Z)'
_SINGLE = r"'(?:[^'\\\n]|\\.)*(?:'|(?=\n)|\Z)"
_CHAR = r"'(?:[^'\\\n]|\\.){1,8}'"  # bounded, since C++ writes 1'000'000
_TEMPLATE = r"`(?:[^`\\]|\\.)*(?:`|\Z)"
_STRINGS = {
    "javascript": rf"{_SHORT}|{_SINGLE}|{_TEMPLATE}",
    "typescript": rf"{_SHORT}|{_SINGLE}|{_TEMPLATE}",
    "go": rf"{_SHORT}|{_CHAR}|`[^`]*(?:`|\Z)",
    "java": rf'"""(?:[^"\\]|\\.|"(?!""))*(?:"""|\Z)|{_SHORT}|{_CHAR}',
    "rust": rf'\bb?r(?P<hash>#*)".*?(?:"(?P=hash)|\Z)|{_SHORT}|\'(?:[^\'\\\n]|\\[^\n]{{1,10}})\'',
    "c": rf'\bR"(?P<raw>[^(\s]{{0,16}})\(.*?(?:\)(?P=raw)"|\Z)|{_SHORT}|{_CHAR}',
}
_STRINGS["cpp"] = _STRINGS["c"]
# a slash that begins a regular expression stands behind one of these; behind a name or bracket it divides
_REGEX = (
    r"(?:(?<=[=(,:;!&|?{}\[\n])|(?<=[=(,:;!&|?{}\[] )|(?<=return ))"
    r"/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,100}\]){1,300}/[a-z]*"
)
_STRINGS["javascript"] += "|" + _REGEX
_STRINGS["typescript"] += "|" + _REGEX
_DOC_LINE = {"rust": r"///(?!/)|//!", "c": r"///(?!/)|//!", "cpp": r"///(?!/)|//!", "go": "//"}
_DOC_BLOCK = {"c": r"/\*[*!](?![*/])", "cpp": r"/\*[*!](?![*/])", "rust": r"/\*[*!](?![*/])", "go": r"/\*"}


class Token(NamedTuple):
    kind: int
    text: str
    start: int
    end: int


def _pattern(language: str) -> re.Pattern[str]:
    block = _DOC_BLOCK.get(language, r"/\*\*(?![*/])")
    line = _DOC_LINE.get(language, r"(?!)")
    parts = [
        rf"(?P<doc>(?:{block}).*?(?:\*/|\Z)|(?:{line})[^\n]*)",
        r"(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*)",
        rf"(?P<literal>{_STRINGS[language]})",
    ]
    if language in ("c", "cpp"):
        parts.append(r"(?P<directive>^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*)")
    parts += [r"(?P<open>[({\[])", r"(?P<close>[)}\]])", r"(?P<end>;)", r"(?P<comma>,)"]
    parts += [r"(?P<newline>\n[ \t\r\n]*)", r"(?P<other>[^\W\d]\w*|[ \t\r\f\v]+|.)"]
    return re.compile("|".join(parts), re.DOTALL | re.MULTILINE)


_PATTERNS = {language: _pattern(language) for language in _STRINGS}
_KINDS = {
    "doc": DOC,
    "comment": COMMENT,
    "literal": LITERAL,
    "directive": DIRECTIVE,
    "open": OPEN,
    "close": CLOSE,
    "end": END,
    "comma": COMMA,
    "newline": NEWLINE,
    "other": OTHER,
}


def tokens(text: str, language: str) -> Iterator[Token]:
    """All of `text`, in order. BLANK is a NEWLINE with an empty line behind it; TRAILING a doc comment for
    what stands before it."""
    for found in _PATTERNS[language].finditer(text):
        kind = _KINDS[found.lastgroup or "other"] if found.lastgroup in _KINDS else LITERAL
        said = found[0]
        if kind == NEWLINE and said.count("\n") > 1:
            kind = BLANK
        elif kind == DOC and said[3:4] == "<" and language in ("c", "cpp"):
            kind = TRAILING
        yield Token(kind, said, found.start(), found.end())
