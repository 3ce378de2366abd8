"""Seeds on DataFrames: encoded and balanced on the executors, written as the index for scoring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import OutputFile
from corpus.engine.stage import SCRATCH, Stage
from corpus.match.config import MatchConfig
from corpus.match.encoding.texts import reach
from corpus.match.index.exact import Half
from corpus.match.index.files import FOLDER, SEEDS, read_index, write_index
from corpus.match.index.groups import CHOSEN, chosen
from corpus.match.score import batches
from corpus.match.score.batches import SEED_VECTORS
from corpus.match.score.schema import SEED_ROLES, SEED_ROWS
from corpus.match.score.settings import identity, resolved

_GROUP = 10_000  # seeds that one task balances at once; larger groups go in two steps


@dataclass(frozen=True)
class Built:
    """The index: its files, what became of each seed (SEED_ROLES), and what the run should tell of it."""

    files: list[OutputFile]
    roles: DataFrame
    facts: dict[str, Any]


def tasks(df: DataFrame, parts: int) -> int:
    """Tasks to encode in: enough for every core twice, and no longer than a few minutes each."""
    return max(2 * df.sparkSession.sparkContext.defaultParallelism, 16 * (parts - 1))


def build_index(seeds: DataFrame, config: MatchConfig, stage: Stage, threads: int) -> Built:
    """Encode, balance and publish the seeds (id, source, kind, title, text). UserError without any text."""
    encoder = resolved(config, threads)
    all_seeds = seeds.select(
        F.col("id").alias("seed_id"),
        *(F.coalesce(name, F.lit("")).alias(name) for name in ("source", "kind")),
        "title",
        F.coalesce("text", F.lit("")).alias("text"),
    )
    same = Window.partitionBy(F.md5(F.trim("text"))).orderBy("seed_id")
    marked = all_seeds.withColumn("first", F.first("seed_id").over(same))
    short = F.substring("text", 1, reach(config.max_tokens, 1)).alias("text")
    unique = marked.where((F.col("first") == F.col("seed_id")) & F.col("text").rlike(r"\S"))
    narrow = unique.select("seed_id", "source", "kind", "title", short).repartition(
        tasks(seeds, 1), "seed_id"
    )
    encode = batches.encode_seeds(encoder)
    vectors = stage.scratch(narrow.mapInArrow(encode, from_arrow_schema(SEED_VECTORS)), "seed_vectors")
    vectors = vectors.where("vector is not null")
    picked = stage.scratch(balanced(vectors, config), "chosen")
    used = picked.where("stands_for > 0").select(
        "seed_id", F.col("stands_for").cast("int").alias("stands_for")
    )
    count = used.count()
    if not count:
        raise UserError(f"{', '.join(config.seeds)}: no seed with text; there is nothing to match pages to.")
    stage.scratch(vectors.join(used, "seed_id").orderBy("seed_id"), "seeds")
    width = len(vectors.select("vector").first()["vector"]) // 2  # type: ignore[index]
    parts = _parts(storage.join(stage.folder, SCRATCH, "seeds"))
    files = write_index(stage.folder, parts, count=count, width=width, search=config.search)
    roles = stage.scratch(_roles(marked, picked, stage), "roles")
    search = read_index(stage.folder).search
    facts = {"search": vars(search) if search else "exact", "encoder": identity(encoder, config)}
    return Built(files, roles, facts)


def balanced(vectors: DataFrame, config: MatchConfig) -> DataFrame:
    """CHOSEN: at most `max_seeds_per_source` of a source, dealt out evenly to its kinds."""
    kinds = Window.partitionBy("source")
    order = Window.partitionBy("source").orderBy("kind")
    most = F.lit(config.max_seeds_per_source)
    groups = vectors.groupBy("source", "kind").count().withColumn("kinds", F.count(F.lit(1)).over(kinds))
    extra = (F.row_number().over(order) <= most % F.col("kinds")).cast("int")
    groups = groups.withColumn(
        "most", F.greatest(F.lit(1), F.floor(most / F.col("kinds")) + extra).cast("int")
    )
    groups = groups.withColumn("shares", F.ceil(F.col("count") / _GROUP)).drop("count", "kinds")
    weighed = vectors.withColumn("weight", F.lit(1).cast("bigint")).join(groups, ["source", "kind"])
    share = F.pmod(F.xxhash64("seed_id"), F.col("shares"))
    near = config.seed_near
    first = _choose(weighed.withColumn("share", share), near)
    if groups.where("shares > 1").isEmpty():
        return first
    left = first.where("stands_for > 0").select("seed_id", F.col("stands_for").alias("weight"))
    second = _choose(weighed.drop("weight").join(left, "seed_id").withColumn("share", F.lit(0)), near)
    names = {"by": "by2", "role": "role2", "stands_for": "stands2"}
    onto = second.select(F.col("seed_id").alias("by"), *(F.col(a).alias(b) for a, b in names.items()))
    both = first.join(onto, "by")
    itself = F.col("seed_id") == F.col("by")
    return both.select(
        "seed_id",
        F.col("by2").alias("by"),
        F.when(itself, F.col("role2")).otherwise(F.col("role")).alias("role"),
        F.when(itself, F.col("stands2")).otherwise(F.lit(0)).cast("bigint").alias("stands_for"),
    )


def _choose(df: DataFrame, near: float) -> DataFrame:
    def run(table: pa.Table) -> pa.Table:
        return chosen(table, near)

    groups = df.select("source", "kind", "share", "seed_id", "vector", "weight", "most")
    grouped = groups.groupBy("source", "kind", "share")
    return grouped.applyInArrow(run, from_arrow_schema(CHOSEN))  # type: ignore[arg-type]


def _parts(folder: str) -> Iterator[tuple[pa.Table, Half]]:
    """SEED_ROWS and vectors of the ordered scratch table, file by file."""
    at = 0
    for info in storage.list_files(folder):
        if not info.path.endswith(".parquet"):
            continue
        with storage.open_input(storage.with_scheme(folder, info.path)) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=8192):
                table = pa.Table.from_batches([batch])
                half = np.stack([np.frombuffer(v, np.float16) for v in table.column("vector").to_pylist()])
                row = pa.array(np.arange(at, at + table.num_rows), pa.int32())
                at += table.num_rows
                yield table.append_column("seed_row", row).select(SEED_ROWS.names), half


def _roles(marked: DataFrame, picked: DataFrame, stage: Stage) -> DataFrame:
    """SEED_ROLES of all seeds: what balance decided, and those that never came to it."""
    path = storage.spark_path(storage.join(stage.folder, FOLDER, SEEDS))
    rows = marked.sparkSession.read.parquet(path).select(F.col("seed_id").alias("by"), "seed_row")
    known = picked.join(rows, "by").select(F.col("seed_id").alias("first"), "role", "seed_row")
    found = marked.join(known, "first", "left")
    is_copy = (F.col("first") != F.col("seed_id")) & F.col("role").isNotNull()
    role = F.when(is_copy, "same_text").otherwise(F.coalesce("role", F.lit("empty")))
    return found.withColumn("role", role).select(*SEED_ROLES.names)
