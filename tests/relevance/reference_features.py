"""The features as they were first written: plain and slow."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from corpus.relevance.features import shapes as f
from corpus.relevance.features import signs as s

_RUN = re.compile(r"[\w.]+")
_ASSIGNED = re.compile(r"(?:=>?|:=|->)\s?[\w\"'\[{(]")


def kind(sign: str) -> str:
    return s.NAMES[s._class_of(sign)]


def words(text: str) -> list[str]:
    """The tokens of a text, sign by sign."""
    units = [chr(int.from_bytes(pair, "little")) for pair in _pairs(text)]
    found: list[str] = []
    for place, sign in enumerate(units):
        before = kind(units[place - 1]) if place else "n"
        behind = kind(units[place + 1]) if place + 1 < len(units) else "n"
        here = kind(sign)
        if here == "s" or (here in "n0" and before == here):
            if here == "s":
                found.append(" ")
            continue
        if here not in "snlU0j" and place and units[place - 1] == sign:
            continue
        found.append((" " if _parts(before, here, behind) else "") + _written(sign, before, here, behind))
    # split at the space alone: str.split also parts at signs that have a meaning here
    return [token for token in "".join(found).split(" ") if token]


def _pairs(text: str) -> list[bytes]:
    data = text.encode("utf-16-le", "surrogatepass")
    return [data[n : n + 2] for n in range(0, len(data), 2)]


def _parts(before: str, here: str, behind: str) -> bool:
    if before == "s":
        return False
    if here in "j_" or before == "_":
        return True
    if before == "U" and here == "l":
        return False
    if before == "U" and here == "U":
        return behind == "l"
    return before != here and not (before not in "snlU0j" and here not in "snlU0j")


def _written(sign: str, before: str, here: str, behind: str) -> str:
    if here == "n":
        return s.LINE
    if here == "0":
        return "0"
    plain = s._ALIKE.get(sign, sign)
    if here not in "snlU0j" and behind in "lU0j":
        if before in "lU0j":
            return s._BETWEEN_WORDS.get(plain, plain)
        if before in "sn":
            return s._BEFORE_WORD.get(plain, plain)
    lower = plain.lower()
    return lower if len(lower) == 1 else sign


def pairs(text: str) -> Counter[str]:
    classes = ["n", *(kind(chr(int.from_bytes(pair, "little"))) for pair in _pairs(text)), "n"]
    return Counter(map("".join, pairwise(classes)))


def shape_counts(body: str) -> dict[str, int]:
    words = Counter(re.findall(r"\w+", body))
    joined = [word for word in words if "_" in word]
    dotted = [run for run in _RUN.findall(body) if "." in run[1:-1]]
    return {
        "call": len(f._CALL_BACKWARDS.findall(body[::-1])),
        "snake": sum(words[word] for word in joined if f._SNAKE.fullmatch(word)),
        "camel": sum(n for word, n in words.items() if not word.islower() and f._HUMP.match(word)),
        "dotted": sum(len(f._DOTTED.findall(run)) for run in dotted),
        "upper": sum(words[word] for word in joined if f._UPPER.fullmatch(word)),
        "flag": len(f._FLAG.findall(body)),
        "assign": _assignments(body),
        "brace": sum(map(body.count, f._BRACES)),
        "path": len(f._PATH.findall(body)),
        "method": len(f._METHOD.findall(body)),
        "type": sum(words[word] for word in f._TYPE),
        "param": sum(n for word, n in words.items() if f._PARAM.fullmatch(word)),
    }


def _assignments(body: str) -> int:
    count = end = 0
    for found in _ASSIGNED.finditer(body):
        word = found.start() - 1
        if word >= end and body[word].isspace():
            word -= 1
        if word >= end and re.match(r"\w", body[word]):
            count, end = count + 1, found.end()
    return count
