"""The losses of a finished run: of held-out sources by its own log, of benchmarks measured on its export."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from corpus.engine.config import to_dict
from corpus.engine.errors import UserError
from training.benchmark.config import BenchmarkConfig
from training.benchmark.items import Item
from training.benchmark.models import Subject, load_model, load_tokenizer
from training.benchmark.score import score
from training.benchmark.suite import digest, read_suite, texts_of

LOSSES, ITEMS = "losses.json", "items.npz"
HELDOUT = "heldout."


def losses_of(folder: Path, benchmarks: Mapping[str, BenchmarkConfig]) -> dict[str, float]:
    """Nats per byte by benchmark, measured where they are not yet; held-out sources are heldout.SOURCE.

    losses.json in the run's folder keeps them, items.npz nats and bytes of every item.
    """
    kept, suite = folder / LOSSES, _suite(json.dumps(_plain(benchmarks), sort_keys=True))
    asked = {name: digest(items) for name, items in suite.items()}
    before = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    if before.get("benchmarks") == asked:
        return dict(before["losses"])
    found = dict(_heldout(folder))
    if suite:
        by_item = _by_item(folder, suite)
        found.update({name: float(nats.sum() / sizes.sum()) for name, (nats, sizes) in by_item.items()})
        parts = {f"{name}.{key}": values for name, pair in by_item.items()
                 for key, values in zip(("nats", "bytes"), pair)}  # fmt: skip
        with open(folder / f"{ITEMS}.tmp", "wb") as stream:
            np.savez(stream, **parts)
        os.replace(folder / f"{ITEMS}.tmp", folder / ITEMS)
    fresh = kept.with_suffix(".tmp")
    fresh.write_text(
        json.dumps({"losses": found, "benchmarks": asked}, indent=1, allow_nan=False) + "\n", "utf-8"
    )
    os.replace(fresh, kept)
    return found


def items_of(folder: Path, name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Nats and bytes of each item of a benchmark, in order; None for held-out sources, which have none."""
    if name.startswith(HELDOUT) or not (folder / ITEMS).is_file():
        return None
    with np.load(folder / ITEMS, allow_pickle=False) as kept:
        return kept[f"{name}.nats"], kept[f"{name}.bytes"]


def _by_item(folder: Path, suite: Mapping[str, Sequence[Item]]) -> dict[str, tuple[Any, Any]]:
    subject = Subject(folder.name, folder / "export")
    model = load_model(subject, "cuda" if torch.cuda.is_available() else "cpu").float()
    tokenizer = load_tokenizer(subject)
    found = {}
    for name, items in suite.items():
        scores = score(texts_of(items, tokenizer, "plain"), model, tokenizer, bos=False)
        found[name] = np.array([s.nats for s in scores]), np.array([s.size for s in scores], np.float64)
    return found


def _heldout(folder: Path) -> Iterator[tuple[str, float]]:
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    ]
    for row in rows:  # later measurements of a source replace earlier ones
        if row.get("event") == "eval":
            if row["bits_per_byte"] is None:
                raise UserError(
                    f"{folder}: held-out {row['source']} has no texts; a loss per byte needs them."
                )
            yield f"{HELDOUT}{row['source']}", row["bits_per_byte"] * math.log(2)


@cache
def _suite(asked: str) -> dict[str, list[Item]]:
    """The items of benchmarks given as JSON, read once for all runs."""
    return read_suite({name: BenchmarkConfig(**of) for name, of in json.loads(asked).items()})


def _plain(benchmarks: Mapping[str, BenchmarkConfig]) -> dict[str, Any]:
    return {name: to_dict(of) for name, of in benchmarks.items()}
