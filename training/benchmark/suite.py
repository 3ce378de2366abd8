"""The benchmarks that a config names as items, and the losses of their items as rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.engine.errors import UserError
from training.benchmark import bfcl
from training.benchmark.config import BenchmarkConfig
from training.benchmark.items import Item, Segment, by_template, plain, read_items, read_texts
from training.benchmark.score import Score, per_byte

GROUPS = {"v2": bfcl.V2, "v3": bfcl.V3}  # the versions of the leaderboard that the paper reports


def read_suite(benchmarks: Mapping[str, BenchmarkConfig]) -> dict[str, list[Item]]:
    """The items of each benchmark, by name in alphabetical order. UserError where one holds none."""
    found = {name: _drawn(_read(of), of.limit) for name, of in sorted(benchmarks.items())}
    for name, items in found.items():
        if not items:
            raise UserError(f"benchmarks.{name}.path={benchmarks[name].path} holds no item.")
    return found


def texts_of(items: Sequence[Item], tokenizer: Any, template: str) -> list[list[Segment]]:
    """What the model reads of each item. UserError where `template` is chat and the tokenizer has none."""
    if template == "chat" and not getattr(tokenizer, "chat_template", None):
        raise UserError("the model's tokenizer has no chat template; give template=plain.")
    return [by_template(item, tokenizer) if template == "chat" else plain(item) for item in items]


def grouped(items: Sequence[Item], scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """Over all items, by category, and by version of the leaderboard where the categories are its own."""
    there = {item.category for item in items}
    groups: dict[str, set[str]] = {"all": there, **{name: {name} for name in sorted(there)}}
    if there <= set(bfcl.V3):
        groups.update({name: set(of) for name, of in GROUPS.items() if there & set(of)})
    return {
        name: _row([s for item, s in zip(items, scores) if item.category in of])
        for name, of in groups.items()
    }


def digest(items: Sequence[Item]) -> str:
    sha256 = hashlib.sha256()
    for item in items:
        sha256.update(repr(item).encode())
    return sha256.hexdigest()


def _row(scores: Sequence[Score]) -> dict[str, Any]:
    loss, error = per_byte(scores)
    return {
        "loss": loss,
        "stderr": None if math.isnan(error) else error,
        "items": len(scores),
        "tokens": sum(s.tokens for s in scores),
        "bytes": sum(s.size for s in scores),
    }


def _read(config: BenchmarkConfig) -> list[Item]:
    if config.kind == "items":
        return list(read_items(config.path))
    if config.kind == "texts":
        return list(read_texts(config.path))
    text = Path(config.instruction).read_text(encoding="utf-8") if config.instruction else None
    return list(bfcl.read_bfcl(config.path, text))


def _drawn(items: list[Item], limit: int) -> list[Item]:
    """At most `limit` items of each category, in the order that they came in."""
    if not limit:
        return items
    chosen: set[int] = set()
    for category in {item.category for item in items}:
        places = [at for at, item in enumerate(items) if item.category == category]
        chosen.update(sorted(places, key=lambda at: hashlib.sha256(items[at].id.encode()).digest())[:limit])
    return [item for at, item in enumerate(items) if at in chosen]
