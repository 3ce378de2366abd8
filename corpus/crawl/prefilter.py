"""The pre-classifier: a look at a page's bytes that costs a fraction of parsing and classifying it.

The agent classifier itself, on a rough text: what looks like the start of the page's main part, without tags,
scripts, styles, comments and navigation. Its layout is lost, its words are not. There is nothing to train.
No parser is involved, only compiled searches over many pages at once, in windows of bounded size, so it
runs in the worker itself. Where there is too little to tell, a page passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import re2

# Where nothing was calibrated, pages pass the early steps from this much below the final threshold's logit.
# `python -m tests.benchmarks` tells what is lost so on sites held out whole.
_MARGIN = 1.2
BYTES = 5_000  # of rough text that are enough
_LEAST_BYTES = 400  # of rough text; fewer are too little to tell
_THIN_BYTES = 1_000  # of rough text; for a page that has fewer, more of its bytes are looked at
_WINDOW, _WIDER = 20_000, 60_000  # bytes of a page that are looked at
_MOST_WRONG = 0.02  # share of characters that are no UTF-8; above it the page speaks another encoding
# where the main part begins
_START = re2.compile(rb'<article|role="main"|itemprop="articleBody"|<main|id="content"|id="main|<h1|<H1')
_BODY = re2.compile(rb"(?i)<body")
_SKIPPED = ("script", "style", "nav", "svg", "head", "noscript", "footer", "template", "select")
_MARKUP = r"(?is)<!--.*?-->?|" + "|".join(rf"<{name}\b.*?</{name}[^<>]*>?" for name in _SKIPPED) + "|<[^<>]*>"
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", " "))


def early_threshold(final: float) -> float:
    """The score from which a page passes an early step where nothing was calibrated."""
    final = min(max(final, 1e-6), 1 - 1e-6)
    logit = math.log(final / (1.0 - final)) - _MARGIN
    return min(1.0 / (1.0 + math.exp(-logit)), final)


class Prefilter:
    """`judge` gives the classifier's scores for texts without layout."""

    def __init__(self, judge: Callable[[Sequence[str]], Sequence[float]]) -> None:
        self._judge = judge

    def scores(self, payloads: Sequence[bytes]) -> list[float]:
        """What the classifier is likely to say of each page, 0 to 1; 1 where that cannot be told."""
        texts = rough_texts(payloads)
        thin = [n for n, text in enumerate(texts) if len(text) < _THIN_BYTES and len(payloads[n]) > _WINDOW]
        for number, text in zip(thin, rough_texts([payloads[n] for n in thin], _WIDER)):
            texts[number] = text
        found = [1.0] * len(texts)
        told = [n for n, text in enumerate(texts) if len(text) >= _LEAST_BYTES and b"\0" not in text]
        read = [(n, texts[n].decode("utf-8", "replace")) for n in told]
        sure = [(n, text) for n, text in read if text.count("\ufffd") <= _MOST_WRONG * len(text)]
        for (number, _), score in zip(sure, self._judge([text for _, text in sure])):
            found[number] = score
        return found


def rough_texts(payloads: Sequence[bytes], window: int = _WINDOW) -> list[bytes]:
    """Up to `BYTES` bytes of each page's text; the most common entities resolved."""
    texts = pa.array([_main_part(payload, window) for payload in payloads], pa.binary())
    texts = pc.replace_substring_regex(texts, pattern=_MARKUP, replacement=" ")
    texts = pc.replace_substring_regex(texts, pattern=r"\s\s+", replacement=" ")
    texts = pc.binary_slice(texts, 0, BYTES)
    for entity, sign in _ENTITIES:
        texts = pc.replace_substring(texts, pattern=entity, replacement=sign)
    found: list[bytes] = texts.to_pylist()
    return found


def _main_part(payload: bytes, window: int) -> bytes:
    found = _START.search(payload) or _BODY.search(payload)
    start = found.start() if found else 0
    part = payload[start : start + window]
    return part if part.startswith(b"<") else part[part.find(b">") + 1 :]
