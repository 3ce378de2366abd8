"""Functions whose documentation a model has written, as rows that the seeds job reads like any others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.seeds.code.entries import Entry, Module
from corpus.seeds.code.pages import of_function
from corpus.seeds.records import Draft, words

_NEEDED = ("documented_by", "name", "code", "about")


def row(module: Module, entry: Entry, about: str, model: str) -> dict[str, str]:
    """The row of one function; `documented_by` marks it for good."""
    return {
        "documented_by": model,
        "language": module.language,
        "module": module.name,
        "name": entry.name,
        "signature": entry.signature,
        "code": entry.code,
        "about": about,
    }


def is_written(value: Mapping[str, Any]) -> bool:
    return all(isinstance(value.get(name), str) for name in _NEEDED)


def of_row(value: Mapping[str, Any]) -> Iterator[Draft]:
    module = Module(words(value.get("language")), words(value.get("module")))
    entry = Entry(words(value["name"]), "function", words(value.get("signature")), code=value["code"])
    draft = of_function(entry, module, value["about"])
    title = f"{draft.title} (documented by {words(value['documented_by'])})"
    yield Draft(title, draft.text, draft.kind, draft.apis)
