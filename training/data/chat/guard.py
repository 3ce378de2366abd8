"""Special tokens in what people and tools say stay text: a message must not open or close a turn.

Templates write text and control tokens into one string. So each name of a token in a message is parted by a
character that stands nowhere else, before the template sees it; the text is then encoded in the parts between
these characters, and no part holds a whole name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_MARKS = [chr(code) for code in range(0xFDD0, 0xFDF0)]  # noncharacters: for use inside a program


class Guard:
    """Parts the names of some tokens, wherever they stand in nested plain data."""

    def __init__(self, names: Iterable[str]) -> None:
        known = sorted({name for name in names if len(name) > 1}, key=lambda name: (-len(name), name))
        self._names = re.compile("|".join(map(re.escape, known))) if known else None
        self._beginnings = {name[:n] for name in known for n in range(1, len(name))}
        self._longest = max(map(len, known), default=0)

    def parted(self, value: Any, mark: str) -> Any:
        """`value` with `mark` inside each name in its texts, and inside a beginning of one at their ends."""
        if isinstance(value, str):
            return self._text(value, mark)
        if isinstance(value, Mapping):
            return {self.parted(key, mark): self.parted(item, mark) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.parted(item, mark) for item in value]
        return value

    def _text(self, text: str, mark: str) -> str:
        if self._names is None:
            return text
        text = self._names.sub(lambda found: found[0][0] + mark + found[0][1:], text)
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            if text[-length:] in self._beginnings:
                at = len(text) - length + 1
                return text[:at] + mark + text[at:]
        return text


def unused_mark(values: Any) -> str | None:
    """A character that none of the texts in nested plain data holds."""
    text = json.dumps(values, ensure_ascii=False)
    return next((mark for mark in _MARKS if mark not in text), None)
