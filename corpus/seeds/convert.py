"""One item in, candidates out: parse, find the adapter, render, check.

Nothing raises for what an item holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from resiliparse.parse.lang import detect_fast

from corpus.seeds.adapters import ADAPTERS, adapter_for
from corpus.seeds.parsing import parse
from corpus.seeds.records import (
    EMPTY,
    MALFORMED,
    TOO_LARGE,
    TOO_LONG,
    UNKNOWN_FORMAT,
    Candidate,
    Draft,
    Item,
    Malformed,
    bounded,
    candidate,
)

LANGUAGE_TRUST = 900  # resiliparse's out-of-place distance above which a detected language is not believed
LANGUAGES = [
    "ar",
    "de",
    "en",
    "es",
    "fr",
    "id",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ru",
    "tr",
    "uk",
    "vi",
    "zh",
]
_FENCE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|[{}\[\]|<>#*_=\\]", re.DOTALL)


@dataclass(frozen=True)
class Limits:
    """Bounds in characters, and the most seeds that one item may give."""

    least_chars: int = 40
    most_chars: int = 100_000
    most_item_chars: int = 64 << 20
    most_per_item: int = 5_000


def convert(item: Item, limits: Limits | None = None) -> Iterator[Candidate]:
    """The candidates of one item; at least one, so that no item is lost without a word."""
    limits = limits or Limits()
    if len(item.text) > limits.most_item_chars:
        yield candidate(item.origin, item.index, None, TOO_LARGE)
        return
    if not item.text.strip():
        yield candidate(item.origin, item.index, None, EMPTY)
        return
    try:
        value = parse(item.origin.path, item.text)
    except Malformed:
        yield candidate(item.origin, item.index, None, MALFORMED)
        return
    several = isinstance(value, list)
    position = item.index
    for element in value if several else [value]:
        for found in _convert_value(item, element, position, limits):
            yield found
            position += 1
    if several and not value:
        yield candidate(item.origin, item.index, None, EMPTY)


def _convert_value(item: Item, value: Any, position: int, limits: Limits) -> Iterator[Candidate]:
    name = adapter_for(item.origin.path, value)
    if name is None:
        yield candidate(item.origin, position, None, UNKNOWN_FORMAT)
        return
    drafts = bounded(ADAPTERS[name].render(item.origin.path, value), limits.most_per_item)
    number = 0
    try:
        for number, draft in enumerate(drafts, 1):
            yield checked(item, position + number - 1, draft, limits)
    except (Malformed, RecursionError):
        yield candidate(item.origin, position + number, None, MALFORMED)
        return
    if number == 0:
        yield candidate(item.origin, position, None, EMPTY)


def checked(item: Item, position: int, draft: Draft, limits: Limits) -> Candidate:
    """The draft as a seed, or rejected for its length. Lone surrogates and NULs become U+FFFD."""
    draft = replace(
        draft, text=clean(draft.text), title=clean(draft.title), apis=tuple(clean(api) for api in draft.apis)
    )
    length = len(draft.text)
    reason = EMPTY if length < limits.least_chars else TOO_LONG if length > limits.most_chars else ""
    language = draft.language or language_of(draft.text)
    return candidate(item.origin, position, replace(draft, language=language), reason)


def clean(text: str) -> str:
    """Text that Parquet and UTF-8 can hold."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def language_of(text: str) -> str | None:
    """ISO 639-1 code of the prose in `text`, or None where there is too little of it to tell.

    Documentation is full of names that fit no language, so English is taken where it is
    nearly the best guess.
    """
    prose = " ".join(_FENCE.sub(" ", text[:20_000]).split())[:4_000]
    if len(prose) < 150:
        return None
    guesses: Any = detect_fast(prose, n_results=4, langs=LANGUAGES)
    if not guesses or guesses[0][1] > LANGUAGE_TRUST:
        return None
    best = guesses[0][1]
    near = {code for code, distance in guesses if distance <= best * 1.15}
    return "en" if "en" in near else str(guesses[0][0])
