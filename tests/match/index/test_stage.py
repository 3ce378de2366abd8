"""Promises about the balance of seeds through Spark, with groups so small that they take several steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus.engine.config import build
from corpus.engine.stage import Stage
from corpus.match.config import MatchConfig
from corpus.match.index import stage as index_stage
from corpus.match.index.stage import balanced
from tests.match.vectors import unit

pytestmark = pytest.mark.spark
COUNTS = {("big", "doc"): 900, ("big", "code"): 30, ("small", "doc"): 5}


@pytest.fixture(scope="module")
def vectors(spark: Any) -> Any:
    random, rows = np.random.default_rng(1), []
    for (source, kind), count in COUNTS.items():
        found = unit(random.standard_normal((count, 16))).astype(np.float16)
        rows += [
            {"seed_id": f"{source}-{kind}-{n:04}", "source": source, "kind": kind, "vector": vector.tobytes()}
            for n, vector in enumerate(found)
        ]
    return spark.createDataFrame(pa.Table.from_pylist(rows))


@pytest.fixture
def group_sizes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """How many rows each task is to balance, by step; groups of about 40 at most."""
    monkeypatch.setattr(index_stage, "_GROUP", 40)
    choose, seen = index_stage._choose, []

    def told(df: Any, near: float) -> Any:
        by_share = df.selectExpr("source", "kind", "pmod(xxhash64(seed_id), shares) as share")
        seen.append([row["count"] for row in by_share.groupBy("source", "kind", "share").count().collect()])
        return choose(df, near)

    monkeypatch.setattr(index_stage, "_choose", told)
    return seen


def run(vectors: Any, folder: Path, most: int) -> list[dict[str, Any]]:
    keys = {"seeds": "s", "input": "i", "output": str(folder), "max_seeds_per_source": most}
    config = build(MatchConfig, keys)
    found = balanced(vectors, config, Stage.open("match", config, []).scratch)
    rows: list[dict[str, Any]] = found.orderBy("seed_id").toArrow().to_pylist()
    return rows


@pytest.mark.parametrize("most, steps", [pytest.param(10, 3, marks=pytest.mark.slow), (500, 1)])
def test_no_task_balances_more_than_a_group_and_every_seed_is_stood_for(
    vectors: Any, group_sizes: Any, tmp_path: Path, most: int, steps: int
) -> None:
    rows = run(vectors, tmp_path / "one", most)
    assert len(group_sizes) == steps and max(map(max, group_sizes)) < 2 * 40
    used = {row["seed_id"]: row["stands_for"] for row in rows if row["role"] == "used"}
    assert len(rows) == sum(COUNTS.values()) == sum(used.values())
    assert {row["by"] for row in rows} == set(used)
    assert all(row["stands_for"] == 0 for row in rows if row["seed_id"] not in used)
    of_big = [name for name in used if name.startswith("big")]
    assert 0.7 * min(most, 280) < len(of_big) <= most
    assert sum(name.startswith("small") for name in used) == 5
    if most == 10:
        assert run(vectors.repartition(3), tmp_path / "other", most) == rows
