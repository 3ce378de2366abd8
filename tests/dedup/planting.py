"""Texts with edits of known similarity, and one way to run the stage on them."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.dedup.config import DedupConfig
from corpus.dedup.stage import run
from corpus.engine.config import build
from corpus.engine.manifest import Manifest

Row = dict[str, Any]
WORDS = [f"word{number}" for number in range(4000)]
START = datetime(2024, 1, 1, tzinfo=timezone.utc)
SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", "url", "text", "payload_digest")]
    + [pa.field("agent_score", pa.float32()), pa.field("fetched_at", pa.timestamp("us", tz="UTC"))]
)


def text_of(rng: random.Random, count: int = 204) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count))


def edit(rng: random.Random, text: str, count: int) -> str:
    """The text with `count` words exchanged at one end or the other: of n shingles, `count` are new."""
    words = text.split()
    fresh = [f"new{rng.randrange(10**9)}" for _ in range(count)]
    return " ".join(fresh + words[count:] if rng.random() < 0.5 else words[: len(words) - count] + fresh)


def page(name: str, text: str, *, score: float = 0.5, day: int = 0, url: str = "") -> Row:
    return {
        "id": name,
        "url": url or f"https://a.example/{name}",
        "text": text,
        "agent_score": score,
        "payload_digest": None,
        "fetched_at": START + timedelta(days=day),
    }


def save(rows: list[Row], folder: Path, files: int = 2, seed: int = 1) -> str:
    rows = random.Random(seed).sample(rows, len(rows))
    folder.mkdir(parents=True)
    for number in range(files):
        table = pa.Table.from_pylist(rows[number::files], schema=SCHEMA)
        pq.write_table(table, folder / f"{number:03}.parquet")
    return str(folder)


def dedup(source: str | list[str], output: Path, **keys: object) -> Manifest:
    return run(build(DedupConfig, {"input": source, "output": str(output), **keys}))


def table(folder: Path, name: str) -> list[Row]:
    return pq.read_table(str(folder / name)).to_pylist()
