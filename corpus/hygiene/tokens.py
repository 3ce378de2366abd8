"""Normalised tokens of a text and where they stand: what pages and benchmark items are compared by.

Case, punctuation, quoting, escaping and layout vanish: an item in JSON, in Python or in a sentence has the
same tokens in the same order. A letter or digit run is a token, and so is each Chinese or Japanese character.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_ASCII = re.compile(r"[a-z0-9]+")
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_ANY = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+")
# A run of backslashes with the letter of a control character behind it: `\n` of JSON, and `\nabla`, which
# only its context tells from it. Both lose the letter, in pages and items alike, and stay comparable.
_ESCAPE = re.compile(r"\\+(?:u([0-9a-f]{4})|[nrtbf]?)|&(?:quot|apos|amp|lt|gt|nbsp|#x?[0-9a-f]{1,6});")


def tokens(text: str) -> list[str]:
    """The tokens of a text, in order."""
    lower = _lower(text)
    if "\\" in lower or "&" in lower:
        lower = _ESCAPE.sub(_meant, lower)
    return (_ASCII if lower.isascii() else _ANY).findall(lower)


def spans(text: str) -> list[tuple[int, int]]:
    """Start and end in `text` of each of its tokens: as many as `tokens` gives."""
    lower = _lower(text)
    plain, ends, shifts, at, moved = [], [0], [0], 0, 0
    for found in _ESCAPE.finditer(lower):
        meant = _meant(found)
        plain += [lower[at : found.start()], meant]
        at = found.end()
        moved += len(found.group()) - len(meant)
        ends.append(at - moved)
        shifts.append(moved)
    whole = "".join([*plain, lower[at:]])
    matches = (_ASCII if whole.isascii() else _ANY).finditer(whole)

    def place(position: int) -> int:
        return position + shifts[bisect_right(ends, position) - 1]

    return [(place(m.start()), place(m.end() - 1) + 1) for m in matches]


def _lower(text: str) -> str:
    lower = text.lower()
    # The dotted capital I is the one character that grows in lower case; offsets must not move.
    return lower if len(lower) == len(text) else text.replace("\u0130", "I").lower()


def _meant(found: re.Match[str]) -> str:
    code = found.group(1)
    if code is None:
        return " "
    char = chr(int(code, 16))
    return " " if "\ud800" <= char <= "\udfff" else char.lower()[:1]
