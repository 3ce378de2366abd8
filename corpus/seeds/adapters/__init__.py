"""One adapter per format. An adapter says whether a parsed item is of its format, and renders it as drafts.

To add a format: write a module with `accepts(path, value) -> bool` and `render(path, value) ->
Iterator[Draft]`, where `value` is the parsed JSON, YAML or Parquet row (a mapping or a list) or else the
plain text, and name it in `_MODULES`. The first that accepts an item gets it, so special formats stand before
general ones; a source may name its adapter in the registry, which is then asked first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from corpus.seeds.adapters import (
    apibench,
    catalogues,
    commands,
    documents,
    functions,
    lumos,
    modules,
    openapi,
    pages,
    plans,
    queries,
    toolalpaca,
    toolbench,
    trajectories,
    websites,
)
from corpus.seeds.code import adapter as source_code
from corpus.seeds.records import Draft

_MODULES: tuple[tuple[str, ModuleType], ...] = (
    ("openapi", openapi),
    ("toolalpaca", toolalpaca),
    ("toolbench", toolbench),
    ("apibench", apibench),
    ("lumos", lumos),
    ("websites", websites),
    ("queries", queries),
    ("trajectories", trajectories),
    # registration point of adapters that live outside this folder (corpus/seeds/code): one line each, here
    ("source_code", source_code),
    ("functions", functions),
    ("modules", modules),
    ("plans", plans),
    ("catalogues", catalogues),
    ("commands", commands),
    ("documents", documents),
    ("pages", pages),
)
_NAMED_ONLY = ("pages",)  # these accept too much to be asked without a source's word


class Adapter(NamedTuple):
    accepts: Callable[[str, Any], bool]
    render: Callable[[str, Any], Iterator[Draft]]


ADAPTERS: dict[str, Adapter] = {name: Adapter(module.accepts, module.render) for name, module in _MODULES}


def adapter_for(path: str, value: Any, first: str = "") -> str | None:
    """The name of the first adapter that accepts the item, or None. `first` is asked before all others."""
    if first in ADAPTERS and ADAPTERS[first].accepts(path, value):
        return first
    asked = (name for name in ADAPTERS if name not in _NAMED_ONLY)
    return next((name for name in asked if ADAPTERS[name].accepts(path, value)), None)
