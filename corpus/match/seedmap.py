"""The map: a sample of seeds, kept and dropped pages in two dimensions, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.storage import join
from corpus.engine.tables import MAP
from corpus.match.encoder import Vectors
from corpus.match.index import SeedIndex
from corpus.match.projection import principal_plane


def unpack(packed: Sequence[Any]) -> Vectors:
    """Rows of float16 bytes as float32 [rows, dimensions]."""
    rows = [np.frombuffer(value, np.float16) for value in packed]
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, 0), np.float32)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` row numbers, evenly spaced: the ids behind them are hashes."""
    return [int(at) for at in np.unique(np.linspace(0, count - 1, min(count, most)).round())] if count else []


def map_points(index: SeedIndex, pages: pa.Table, most: int) -> pa.Table:
    """The rows of MAP. `pages` has id, group, source, similarity and vector, sampled and sorted already."""
    rows = spread(len(index.vectors), most)
    seeds = index.seeds.take(pa.array(rows, pa.int64()))
    seed_vectors = np.asarray(index.vectors[rows], np.float32)
    _, similarity = index.nearest(seed_vectors, skip=np.array(rows, np.int64))
    page_vectors = unpack(pages.column("vector").to_pylist())
    plane = principal_plane(
        np.concatenate([seed_vectors, page_vectors]) if len(page_vectors) else seed_vectors
    )
    columns = {
        "id": seeds.column("seed_id").to_pylist() + pages.column("id").to_pylist(),
        "group": ["seed"] * len(rows) + pages.column("group").to_pylist(),
        "source": seeds.column("source").to_pylist() + pages.column("source").to_pylist(),
        "x": plane[:, 0],
        "y": plane[:, 1],
        "nearest_seed_similarity": similarity.tolist() + pages.column("similarity").to_pylist(),
    }
    return (
        pa.Table.from_pydict(columns).cast(MAP.schema).sort_by([(name, "ascending") for name in MAP.sort_by])
    )


def write_map(folder: str, points: pa.Table) -> list[OutputFile]:
    with PartWriter(join(folder, MAP.name), "part-00000.parquet", MAP.schema) as writer:
        for batch in points.to_batches():
            writer.write(batch)
    assert writer.result is not None
    return [replace(writer.result, path=f"{MAP.name}/{writer.result.path}")]
