"""Shapes of code and reference in a text, counted exactly: calls, names, flags, paths, types.

The second scorer takes them; the first sees the cheaper pairs of `profile`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from corpus.relevance.memo import Memo

# For speed, shapes of
# whole words are looked for among the distinct words, and other patterns begin with a sign that is rare.
_WORD = re.compile(r"\w+")
_SNAKE = re.compile(r"[a-z0-9]+_[a-z0-9_]+")
_UPPER = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_HUMP = re.compile(r"[a-z]+[A-Z]|[A-Z][a-z0-9]+[A-Z]")
_TYPE = frozenset(
    (
        *("string", "integer", "boolean", "bool", "int", "float", "array", "object"),
        *("null", "None", "True", "False", "void"),
    )
)
_PARAM = re.compile(
    r"param(?:eter)?s?|arg(?:ument)?s?|returns?|options?|default|required|optional", re.IGNORECASE
)
_VERBS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"))
_METHOD = re.compile(rf"\b(?:{'|'.join(sorted(_VERBS))})\s+/")
_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+\b")
_CALL_BACKWARDS = re.compile(r"\)[^()\n]{0,120}\([\w.]*[A-Za-z_](?!\w)")  # a.name(arguments) from its end
_FLAG = re.compile(r"-(?<![^\s\[`|(]-)-?[a-z][\w-]*")  # at the start, or behind one of the signs
_PATH = re.compile(r"/(?<![^\s\"'`(]/)[\w.{}:-]+(?:/[\w.{}:-]+)+")
_ASSIGNED = re.compile(r"(?:=>?|:=|->)\s?[\w\"'\[{(]")
_BRACES = "{}[]<>;|"


def shape_counts(body: str) -> dict[str, int]:
    """How often each shape occurs, in the order of the tokens."""
    words = Counter(_words(body))
    kinds = [0] * len(_KINDS)
    for number, count in [(n, count) for word, count in words.items() for n in _KINDS_OF[word]]:
        kinds[number] += count
    snake, camel, upper, types, params = kinds
    # what stands between white space holds whole dotted names; most of it has no dot
    dotted = " ".join([run for run in body.split() if "." in run]) if "." in body else ""
    return {
        "call": len(_CALL_BACKWARDS.findall(body[::-1])) if "(" in body else 0,
        "snake": snake,
        "camel": camel,
        "dotted": len(_DOTTED.findall(dotted)) if dotted else 0,
        "upper": upper,
        "flag": len(_FLAG.findall(body)) if "-" in body else 0,
        "assign": _assignments(body) if "=" in body or "->" in body else 0,
        "brace": sum(map(body.count, _BRACES)),
        "path": len(_PATH.findall(body)) if "/" in body else 0,
        "method": 0 if _VERBS.isdisjoint(words) else len(_METHOD.findall(body)),
        "type": types,
        "param": params,
    }


def _words(body: str) -> list[str]:
    """What `\\w+` finds; in plain ASCII, changing signs one for one and splitting is many times faster."""
    return body.translate(_ASCII_WORDS).split() if body.isascii() else _WORD.findall(body)


_ASCII_WORDS = {code: 32 for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
_KINDS: tuple[Callable[[str], object], ...] = (
    lambda word: "_" in word and _SNAKE.fullmatch(word),
    lambda word: not word.islower() and _HUMP.match(word),
    lambda word: "_" in word and _UPPER.fullmatch(word),
    lambda word: word in _TYPE,
    _PARAM.fullmatch,
)
# the numbers of the kinds that a word is of; most words are of none
_KINDS_OF: Memo[str, tuple[int, ...]] = Memo(
    lambda word: tuple(number for number, is_kind in enumerate(_KINDS) if is_kind(word))
)


def _assignments(body: str) -> int:
    """Signs such as `=` and `->` with a word before and a value behind; of `a=b=c` the first alone counts."""
    count = end = 0
    for found in _ASSIGNED.finditer(body):
        word = found.start() - 1
        if word >= end and body[word].isspace():
            word -= 1
        if word >= end and _WORD.match(body, word, word + 1):
            count, end = count + 1, found.end()
    return count
