"""One item in, candidates out: parse, find the adapter, render, check.

Nothing raises for what an item holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from corpus.seeds.adapters import ADAPTERS, adapter_for
from corpus.seeds.language import language_of
from corpus.seeds.parsing import parse
from corpus.seeds.records import (
    EMPTY,
    MALFORMED,
    TOO_LARGE,
    TOO_LONG,
    UNKNOWN_FORMAT,
    UNPARSED,
    Candidate,
    Draft,
    Item,
    Malformed,
    bounded,
    candidate,
)


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
    too_large = TOO_LARGE if len(item.text) > limits.most_item_chars else ""
    parsed = item.value is not UNPARSED
    reason = item.reason or too_large or ("" if parsed or item.text.strip() else EMPTY)
    if reason:
        yield candidate(item.origin, item.index, None, reason)
        return
    try:
        value = item.value if parsed else parse(item.origin.path, item.text)
    except Malformed as error:
        yield candidate(item.origin, item.index, None, MALFORMED, error)
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
    number = 0
    try:
        name = adapter_for(item.origin.path, value, item.origin.adapter)
        if name is None:
            yield candidate(item.origin, position, None, UNKNOWN_FORMAT)
            return
        drafts = bounded(ADAPTERS[name].render(item.origin.path, value), limits.most_per_item)
        for number, draft in enumerate(drafts, 1):
            yield checked(item, position + number - 1, draft, limits)
    except Exception as error:  # data can break an adapter in more ways than one can list; it costs one item
        yield candidate(item.origin, position + number, None, MALFORMED, error)
        return
    if number == 0:
        yield candidate(item.origin, position, None, EMPTY)


def checked(item: Item, position: int, draft: Draft, limits: Limits) -> Candidate:
    """The draft as a seed, or rejected for its length."""
    length = len(draft.text)
    reason = EMPTY if length < limits.least_chars else TOO_LONG if length > limits.most_chars else ""
    language = draft.language or language_of(draft.text)
    return candidate(item.origin, position, replace(draft, language=language), reason)
