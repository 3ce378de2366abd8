"""What the stage writes of its decided pages: tables, and what the manifest says of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from corpus.engine.manifest import OutputFile
from corpus.engine.stage import Stage
from corpus.engine.tables import LEDGER, MATCH_SCORES, MATCHED_PAGES, SEED_HITS
from corpus.match.config import MatchConfig
from corpus.match.evaluation.stage import General
from corpus.match.map.stage import build_map
from corpus.match.score.stage import or_null
from corpus.match.select.stage import placed

_QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_ADDED = tuple(name for name in MATCHED_PAGES.schema.names if name not in ("id", "url", "text"))
_FEWEST_CROWDED = 10  # pages of a seed that are no crowd yet


@dataclass(frozen=True)
class Seeds:
    """The index: table and vectors in the order of `seed_row`, and the general pages held against them.

    `roles`, of every seed of the input: seed_id, source, kind, title, role, and seed_row of the seed that
    stands for it.
    """

    table: pa.Table
    vectors: npt.NDArray[np.float16]
    general: General
    roles: DataFrame

    def frame(self, spark: SparkSession) -> DataFrame:
        """The seeds as DataFrame, with the background that is told of them: the mean of both sides."""
        background = pa.array(self.general.background.mean(axis=0).astype(np.float32))
        return spark.createDataFrame(self.table.append_column("background", background))


def write_tables(stage: Stage, decided: DataFrame, pages: DataFrame, seeds: Seeds, crowded: float) -> int:
    """All tables of the stage but index and map; how many pages were kept."""
    kept = placed(decided.where("outcome = 'kept'"), ["match_seed_id"], "match_score")
    kept = kept.withColumn("match_rank", F.col("place").cast("int"))
    matched = pages.drop(*_ADDED).join(kept.select("id", *_ADDED), "id")
    kept_rows = stage.write(matched, MATCHED_PAGES)
    stage.write(decided.select(*MATCH_SCORES.schema.names), MATCH_SCORES)
    stage.write(seed_hits(decided, seeds, crowded, kept_rows), SEED_HITS)
    stage.write(as_ledger(decided), LEDGER)
    return kept_rows


def seed_hits(decided: DataFrame, seeds: Seeds, crowded: float, kept_rows: int) -> DataFrame:
    """Every seed of the input with what it found; `crowded`: share of the kept pages that is a crowd."""
    index = seeds.frame(decided.sparkSession)
    kept = F.col("outcome") == "kept"
    hits = (
        decided.where("match_seed_id is not null")
        .groupBy(F.col("match_seed_id").alias("seed_id"))
        .agg(
            F.count(F.lit(1)).cast("int").alias("resembled"),
            F.count(F.when(kept, 1)).cast("int").alias("pages"),
            F.max(F.when(kept, F.col("match_score"))).alias("best_score"),
        )
    )
    by = index.select("seed_row", F.col("seed_id").alias("stood_by"))
    used = index.select("seed_id", "stands_for", "background").join(hits, "seed_id", "left")
    found = seeds.roles.join(by, "seed_row", "left").drop("seed_row").join(used, "seed_id", "left")
    found = found.fillna(0, ["resembled", "pages"])
    many = F.col("pages") > F.lit(max(_FEWEST_CROWDED, crowded * kept_rows))
    flag = (
        F.when((F.col("role") == "used") & (F.col("pages") == 0), "none").when(many, "crowded").otherwise("")
    )
    return found.withColumn("flag", flag)


def as_ledger(decided: DataFrame) -> DataFrame:
    names = ("id", "url", "outcome", "reason", "agent_score")
    nothing = {"warc": F.lit(None).cast("string"), "offset": F.lit(None).cast("bigint")}
    return decided.select(*names).withColumns({"stage": F.lit("match"), **nothing})


def draw_map(  # noqa: PLR0917 - all that a map shows
    decided: DataFrame, vectors: DataFrame, pages: DataFrame, seeds: Seeds, config: MatchConfig, folder: str
) -> tuple[list[OutputFile], dict[str, Any]]:
    places = pages.select("id", or_null(pages, "source", "string"))
    drawn = decided.select("id", "outcome").join(vectors, "id")
    return build_map(
        drawn,
        places,
        seeds.table,
        seeds.vectors,
        points=config.map_points,
        method=config.map_method,
        folder=folder,
    )


def describe(decided: DataFrame, seeds: Seeds) -> dict[str, Any]:
    """What the run measured: the scores' distribution, the balance of the seeds."""
    exact = F.percentile("match_score", F.array(*(F.lit(q) for q in _QUANTILES)))
    quantiles = decided.agg(exact).first()
    values = (quantiles[0] if quantiles else None) or []
    sources = seeds.table.group_by("source").aggregate([("seed_id", "count")]).sort_by("source")
    hit = decided.where("outcome = 'kept'").select("match_seed_id").distinct().count()
    by_role = {row["role"]: row["count"] for row in seeds.roles.groupBy("role").count().collect()}
    return {
        "dimensions": int(seeds.vectors.shape[1]),
        "score_quantiles": {f"{q:g}": round(v, 4) for q, v in zip(_QUANTILES, values)},
        "seeds": sum(by_role.values()),
        "seeds_by_role": dict(sorted(by_role.items())),
        "seeds_used": len(seeds.vectors),
        "seeds_used_by_source": dict(
            zip(sources["source"].to_pylist(), sources["seed_id_count"].to_pylist())
        ),
        "seeds_without_pages": len(seeds.vectors) - hit,
    }
