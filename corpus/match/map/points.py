"""The rows of the table `map`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.storage import join
from corpus.engine.tables import MAP
from corpus.match.index.exact import nearest
from corpus.match.map.project import project
from corpus.match.neardup.cells import unpack

SEED, KEPT, GENERAL = "seed", "kept", "general"


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` row numbers, evenly spaced."""
    return [int(at) for at in np.unique(np.linspace(0, count - 1, min(count, most)).round())] if count else []


def map_points(
    seeds: pa.Table, vectors: npt.NDArray[np.float16], pages: pa.Table, most: int, method: str
) -> pa.Table:
    """The rows of MAP. `seeds` and `vectors` are the index.

    `pages` has id, group, source and vector, sampled and sorted already.
    """
    rows = spread(len(vectors), most)
    chosen = seeds.take(pa.array(rows, pa.int64()))
    points = np.asarray(vectors[rows], np.float32).reshape(len(rows), -1)
    of_pages = unpack(pages.column("vector").to_pylist())
    if len(of_pages):
        points = np.concatenate([points, of_pages])
    plane = project(points, method)
    skip = np.concatenate([np.array(rows, np.int64), np.full(len(of_pages), -1)])
    columns = {
        "id": chosen.column("seed_id").to_pylist() + pages.column("id").to_pylist(),
        "group": [SEED] * len(rows) + pages.column("group").to_pylist(),
        "source": chosen.column("source").to_pylist() + pages.column("source").to_pylist(),
        "x": plane[:, 0],
        "y": plane[:, 1],
        "nearest_seed_similarity": nearest_similarity(points, vectors, skip),
    }
    found = pa.Table.from_pydict(columns).cast(MAP.schema)
    return found.sort_by([(name, "ascending") for name in MAP.sort_by])


def nearest_similarity(
    points: npt.NDArray[np.float32], seeds: npt.NDArray[np.float16], skip: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The highest cosine with a seed other than row `skip` (-1 for none); nan where there is no other."""
    _, scores = nearest(seeds, points, 1, skip)
    best = scores[:, 0].astype(np.float64)
    found: npt.NDArray[np.float64] = np.where(np.isfinite(best), best, np.nan).round(4)
    return found


def write_map(folder: str, points: pa.Table) -> list[OutputFile]:
    with PartWriter(join(folder, MAP.name), "part-00000.parquet", MAP.schema) as writer:
        for batch in points.to_batches():
            writer.write(batch)
    assert writer.result is not None
    return [replace(writer.result, path=f"{MAP.name}/{writer.result.path}")]
