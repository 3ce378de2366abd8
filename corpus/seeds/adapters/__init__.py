"""One adapter per format. An adapter says whether a parsed item is of its format, and renders it as drafts.

To add a format: write a module with `accepts(path, value) -> bool` and `render(path, value) ->
Iterator[Draft]`, where `value` is the parsed JSON or YAML (a mapping or a list) or else the plain text, and
name it in `ADAPTERS`. The first that accepts an item gets it, so special formats stand before general ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from corpus.seeds.adapters import (
    apibench,
    catalogues,
    commands,
    documents,
    openapi,
    toolalpaca,
    toolbench,
    trajectories,
)
from corpus.seeds.records import Draft


class Adapter(NamedTuple):
    accepts: Callable[[str, Any], bool]
    render: Callable[[str, Any], Iterator[Draft]]


ADAPTERS: dict[str, Adapter] = {
    "openapi": Adapter(openapi.accepts, openapi.render),
    "toolalpaca": Adapter(toolalpaca.accepts, toolalpaca.render),
    "toolbench": Adapter(toolbench.accepts, toolbench.render),
    "apibench": Adapter(apibench.accepts, apibench.render),
    "trajectories": Adapter(trajectories.accepts, trajectories.render),
    "catalogues": Adapter(catalogues.accepts, catalogues.render),
    "commands": Adapter(commands.accepts, commands.render),
    "documents": Adapter(documents.accepts, documents.render),
}


def adapter_for(path: str, value: Any) -> str | None:
    """The name of the first adapter that accepts the item, or None."""
    return next((name for name, adapter in ADAPTERS.items() if adapter.accepts(path, value)), None)
