"""The sample of the map, drawn by a hash of the ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from corpus.engine.manifest import OutputFile
from corpus.match.evaluation.left_out import auc_of
from corpus.match.map.points import GENERAL, KEPT, map_points, write_map


def build_map(
    decided: DataFrame,
    pages: DataFrame,
    seeds: pa.Table,
    vectors: npt.NDArray[np.float16],
    *,
    points: int,
    method: str,
    folder: str,
) -> tuple[list[OutputFile], dict[str, Any]]:
    """The files of the table map, and the number beside the picture: how often a kept page is more like its
    nearest seed than a page that was not kept.

    `decided`: id, outcome, vector; `pages`: id, source (null where unknown).
    """
    sample = _drawn(decided, "kept", KEPT, points).unionByName(_drawn(decided, "dropped", GENERAL, points))
    table = (
        sample.join(pages, "id").select("id", "group", "source", "vector").orderBy("group", "id").toArrow()
    )
    found = map_points(seeds, vectors, table, points, method)
    near = {
        name: found.column("nearest_seed_similarity").to_numpy()[
            np.array(found.column("group").to_pylist()) == name
        ]
        for name in (KEPT, GENERAL)
    }
    facts = {
        "method": method,
        "points": {name: len(values) for name, values in near.items()},
        "median_similarity": {name: _median(values) for name, values in near.items()},
        "auc_kept_against_general": auc_of(near[KEPT], near[GENERAL]),
    }
    return write_map(folder, found), facts


def _drawn(decided: DataFrame, outcome: str, group: str, most: int) -> DataFrame:
    there = decided.where(F.col("vector").isNotNull() & (F.col("outcome") == outcome))
    drawn = there.orderBy(F.xxhash64("id"), "id").limit(most)
    return drawn.select("id", F.lit(group).alias("group"), "vector")


def _median(values: npt.NDArray[np.float64]) -> float | None:
    return round(float(np.median(values)), 4) if len(values) else None
