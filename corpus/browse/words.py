"""The words of a condition on columns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.engine.errors import UserError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>'(?:[^']|'')*')
    | (?P<quoted>"[^"]+"|`[^`]+`)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|<>|!=|==|[=<>(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Word:
    kind: str
    text: str
    at: int


def words_of(text: str) -> list[Word]:
    """Raises UserError where something stands that no condition has."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise refusal(text, start, "here something begins that is no part of a condition")
        found.append(Word(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return found


def refusal(text: str, at: int, why: str) -> UserError:
    """The error about the character `at` of a condition."""
    where = f"character {at + 1}, before {text[at : at + 20]!r}" if at < len(text) else "its end"
    return UserError(f"where={text!r} cannot be read at {where}: {why}.")
