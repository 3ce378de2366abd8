"""Seeds on DataFrames: encoded and balanced on the executors, written as the index for scoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

_GROUP = 10_000  # seeds that one task balances at once; larger groups go in several steps
Save = Callable[[DataFrame, str], DataFrame]


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
    picked = balanced(vectors, config, stage.scratch)
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


def balanced(vectors: DataFrame, config: MatchConfig, save: Save) -> DataFrame:
    """CHOSEN: at most `max_seeds_per_source` of a source, dealt out evenly to its kinds.

    No task sees more than about _GROUP seeds. Those of a larger (source, kind) are dealt out by a hash and
    chosen from share by share, and what is left once more, until one task can choose from it. Where more are
    to be kept than one task can hold, each share keeps its part of them in the end.
    """
    groups = _groups(vectors, config)
    left = vectors.withColumn("weight", F.lit(1).cast("bigint"))
    found, number = None, 0
    while True:
        groups = save(_shared(groups), f"balance_{number}")
        some = save(_choose(left.join(groups, ["source", "kind"]), config.seed_near), f"chosen_{number}")
        found = some if found is None else save(_onto(found, some), f"carried_{number}")
        unfinished = groups.where("not last").select("source", "kind", "most")
        if unfinished.isEmpty():
            return found
        kept = some.where("stands_for > 0").select("seed_id", F.col("stands_for").alias("weight"))
        left = vectors.join(kept, "seed_id").join(unfinished.drop("most"), ["source", "kind"], "left_semi")
        groups = left.groupBy("source", "kind").count().join(unfinished, ["source", "kind"])
        number += 1


def _groups(vectors: DataFrame, config: MatchConfig) -> DataFrame:
    """(source, kind, count, most): how many seeds of each there are, and how many may be used."""
    kinds = Window.partitionBy("source")
    order = Window.partitionBy("source").orderBy("kind")
    most = F.lit(config.max_seeds_per_source)
    counts = vectors.groupBy("source", "kind").count().withColumn("kinds", F.count(F.lit(1)).over(kinds))
    extra = (F.row_number().over(order) <= most % F.col("kinds")).cast("int")
    used = F.greatest(F.lit(1), F.floor(most / F.col("kinds")) + extra).cast("int")
    return counts.withColumn("most", used).drop("kinds")


def _shared(groups: DataFrame) -> DataFrame:
    """Adds `shares`, and whether this step is the `last` of the group.

    A step before the last leaves about half or less, of dissimilar seeds never fewer than `most`.
    """
    last = (F.col("count") <= _GROUP) | (F.col("count") < 4 * F.col("most").cast("bigint"))
    return groups.withColumn("shares", F.ceil(F.col("count") / _GROUP)).withColumn("last", last)


def _onto(found: DataFrame, chosen_: DataFrame) -> DataFrame:
    """CHOSEN `found`, whose representatives are represented by others now, as `chosen_` says of some."""
    names = {"seed_id": "by", "by": "by2", "role": "role2", "stands_for": "stands2"}
    both = found.join(chosen_.select(*(F.col(a).alias(b) for a, b in names.items())), "by", "left")
    itself, untouched = F.col("seed_id") == F.col("by"), F.col("by2").isNull()
    stands_for = F.when(untouched, F.col("stands_for")).when(itself, F.col("stands2")).otherwise(F.lit(0))
    return both.select(
        "seed_id",
        F.coalesce("by2", "by").alias("by"),
        F.when(itself & ~untouched, F.col("role2")).otherwise(F.col("role")).alias("role"),
        stands_for.cast("bigint").alias("stands_for"),
    )


def _choose(df: DataFrame, near: float) -> DataFrame:
    """CHOSEN of each share. `df`: vectors with weight, and with the columns of _shared."""

    def run(table: pa.Table) -> pa.Table:
        return chosen(table, near)

    share = F.pmod(F.xxhash64("seed_id"), F.col("shares"))
    part = F.floor(F.col("most") / F.col("shares")) + (share < F.col("most") % F.col("shares")).cast("int")
    most = (
        F.when(~F.col("last"), F.least("most", F.lit(max(_GROUP // 4, 1))))
        .when(F.col("most") >= F.col("count"), F.col("most"))
        .otherwise(F.greatest(part, F.lit(1)))
    )
    shared = df.withColumn("share", share).withColumn("most", most.cast("int"))
    groups = shared.select("source", "kind", "share", "seed_id", "vector", "weight", "most")
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
