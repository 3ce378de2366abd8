"""The features as they were first written: plain, slow, and what FEATURE_VERSION 1 means."""

from __future__ import annotations

import re
from collections import Counter

from corpus.relevance import features as f

_RUN = re.compile(r"[\w.]+")
_ASSIGNED = re.compile(r"(?:=>?|:=|->)\s?[\w\"'\[{(]")


def tokens(body: str) -> list[str]:
    found: list[str] = []
    body = f._LABEL.sub(" ", body) if "__" in body else body
    for sign in f._TOKEN.findall(f._CAMEL.sub(" ", body)):
        if not sign.isascii() and f._CJK.match(sign):
            found.extend(sign[:40])
            continue
        word = "0" if sign.isdigit() else sign.lower()[:30]
        if not found or word != found[-1]:
            found.append(word)
        if len(found) >= f.MOST_TOKENS:
            break
    return found[: f.MOST_TOKENS]


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
