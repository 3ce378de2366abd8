"""Rows with a page of documentation in one column. Any text has this form, so a source must name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from corpus.seeds.adapters import documents
from corpus.seeds.records import Draft, words

_TEXTS, _TITLES = ("content", "text", "markdown", "body"), ("title", "name", "project")


def accepts(_path: str, value: Any) -> bool:
    return isinstance(value, Mapping) and bool(_first(value, _TEXTS))


def render(path: str, value: Any) -> Iterator[Draft]:
    title = _first(value, _TITLES)
    for draft in documents.render(path, _first(value, _TEXTS)):
        yield replace(draft, title=f"{title}: {draft.title}") if title else draft


def _first(value: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((words(value[key]) for key in keys if words(value.get(key))), "")
