"""Deduplication on DataFrames: read, sketch, group by text, decide, write the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import Window

from corpus.dedup import batches
from corpus.dedup.config import DedupConfig
from corpus.dedup.near.stage import Scratch, near_duplicates
from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand
from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage, read_table, stage_input
from corpus.engine.tables import DUPLICATES, LEDGER, UNIQUE_PAGES

_BEST_FIRST = "struct(-coalesce(nanvl(double(agent_score), -1D), -1D) AS score, -length AS length, id AS id)"


def run(config: DedupConfig) -> Manifest:
    """Deduplicate the inputs into `output`; returns the manifest. Raises UserError and DataError."""
    stage = Stage.open("dedup", config, inputs_of(config))
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        scratch = Scratch(stage.scratch)
        records, repeats = part_repeats(read_records(spark, config.input), scratch)
        decisions = scratch.save(decide(records, repeats, config, scratch), "decisions")
        records_in = decisions.count()
        survivors = decisions.where("outcome = 'kept'").select("id")
        kept = stage.write(records.join(survivors, "id", "left_semi"), UNIQUE_PAGES)
        stage.write(typed(decisions.where("outcome = 'dropped'"), DUPLICATES.schema), DUPLICATES)
        stage.write(typed(as_ledger(decisions), LEDGER.schema), LEDGER)
        facts = {**config.describe(), **scratch.facts}
        return stage.finish(spark, records_in=records_in, kept_rows=kept, facts=facts)


def plan(config: DedupConfig) -> str:
    """What --dry-run prints."""
    found = inputs_of(config)
    size = sum(int(item["bytes"]) for item in found)
    about = config.describe()
    lines = [f"dedup: {len(found)} inputs, {size:,} bytes -> {config.output}"]
    lines.append(
        f"MinHash, {about['bands']} bands of {about['rows']} rows; chance of a comparison by Jaccard:"
    )
    lines.append("  " + "  ".join(f"{s}: {p:.3f}" for s, p in about["collision_curve"].items()))
    return "\n".join(lines)


def inputs_of(config: DedupConfig) -> list[Mapping[str, Any]]:
    if not config.input:
        raise UserError("input= is empty; give it a finished stage folder, or Parquet with id, url and text.")
    return [item for path in config.input for item in identify(path)]


def identify(path: str) -> list[Mapping[str, Any]]:
    """The identity of one input: a table of a finished stage, or each file of other Parquet."""
    if manifest.is_finished(path):
        return [stage_input(path, table_of(path))]
    return [file.identity() for file in expand([path], suffixes=(".parquet",))]


def table_of(folder: str) -> str:
    tables = manifest.read(folder).tables
    return next((name for name in ("pages", "seeds") if name in tables), "pages")


def read_records(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """All inputs as one DataFrame: id, url and text as strings without nulls, and what else they bring."""
    frames = []
    for path in paths:
        if manifest.is_finished(path):
            df = read_table(spark, path, table_of(path))
        else:
            df = read_parquet(spark, path)
        missing = sorted({"id", "url", "text"} - set(df.columns))
        if missing:
            lacking = " and no ".join(missing)
            raise UserError(f"{storage.redact(path)} has no column {lacking}; dedup needs id, url and text.")
        frames.append(df)
    _check_types(frames, paths)
    df = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
    df = df.withColumns({name: F.coalesce(F.col(name).cast("string"), F.lit("")) for name in ("url", "text")})
    made = F.md5(F.concat_ws("\n", "url", "text"))  # a record without an id still needs one
    return df.withColumn("id", F.coalesce(F.col("id").cast("string"), made))


def read_parquet(spark: SparkSession, path: str) -> DataFrame:
    """Parquet that no stage of ours has written. Raises UserError where the first file is none."""
    files = [file.path for file in expand([path], suffixes=(".parquet",))]
    try:
        with storage.open_input(files[0]) as stream:
            pq.read_schema(stream)  # Spark would answer with a hundred lines
    except pa.ArrowException as error:
        raise UserError(f"cannot read {storage.redact(files[0])} as Parquet: {error}.") from error
    return spark.read.parquet(*(storage.spark_path(file) for file in files))


def _check_types(frames: Sequence[DataFrame], paths: Sequence[str]) -> None:
    seen: dict[str, tuple[str, str]] = {}
    for df, path in zip(frames, paths):
        for name, kind in df.dtypes:
            first, where = seen.setdefault(name, (kind, path))
            if first != kind and name not in ("id", "url", "text"):
                raise UserError(
                    f"column '{name}' is {first} in {where} but {kind} in {path}; give both one type."
                )


def part_repeats(records: DataFrame, scratch: Scratch) -> tuple[DataFrame, DataFrame | None]:
    """(one row per id, the other rows of ids that repeat).

    The latter: id, url, agent_score, same (whether the text is that of the first row). Texts move only
    where ids repeat, as after reading one crawl twice.
    """
    many = scratch.save(records.groupBy("id").count().where("count > 1").select("id"), "repeats")
    if many.isEmpty():
        return records, None
    whole = F.to_json(F.struct(*sorted(records.columns)))
    # Rows in which every column is equal may swap places: nothing tells them apart.
    order = Window.partitionBy("id").orderBy(-F.length("text"), F.md5(whole))
    placed = records.join(many, "id", "left_semi").withColumn("_place", F.row_number().over(order))
    placed = placed.withColumn("_same", F.col("text") == F.first("text").over(order))
    firsts = placed.where("_place = 1").drop("_place", "_same")
    columns = [
        F.col("id"),
        F.col("url"),
        column_or_null(records, "agent_score", "float"),
        F.col("_same").alias("same"),
    ]
    others = scratch.save(placed.where("_place > 1").select(*columns), "others")
    return records.join(many, "id", "left_anti").unionByName(firsts), others


def column_or_null(df: DataFrame, name: str, kind: str) -> Column:
    return (F.col(name) if name in df.columns else F.lit(None)).cast(kind).alias(name)


def decide(records: DataFrame, repeats: DataFrame | None, config: DedupConfig, scratch: Scratch) -> DataFrame:
    """One row per record: id, url, agent_score, outcome, reason and, where dropped, the evidence."""
    groups = scratch.save(exact_groups(sketch(records, config)), "groups")
    # Counted by characters, of which a text has no fewer than words: an upper bound.
    too_long = groups.where(f"shingles = 0 and length > {config.max_words}")
    scratch.facts["texts_without_near_search_for_length"] = too_long.count()
    removed, roots = near_duplicates(records, groups, config, scratch)
    of_first = ("digest", "rep", "rep_digest")
    pages = groups.select("id", "url", "agent_score", *of_first, F.lit(False).alias("again"))
    if repeats is None:
        return with_evidence(pages, removed, roots)
    again = repeats.where("same").drop("same").join(groups.select("id", *of_first), "id")
    pages = pages.unionByName(again.withColumn("again", F.lit(True)))
    conflicts = repeats.where("not same").select("id", "url", "agent_score")
    failed = conflicts.withColumns({"outcome": F.lit("failed"), "reason": F.lit("id_conflict")})
    return with_evidence(pages, removed, roots).unionByName(failed, allowMissingColumns=True)


def with_evidence(pages: DataFrame, removed: DataFrame, roots: DataFrame) -> DataFrame:
    """The one place where a page is kept or dropped: outcome, reason, survivor, similarity, cluster."""
    rows = pages.join(removed, pages.rep == removed.removed, "left")
    rows = rows.join(roots.withColumnRenamed("id", "rep"), "rep", "left")
    is_rep = F.col("id") == F.col("rep")
    same_payload = F.col("again") | (~is_rep & (F.col("digest") == F.col("rep_digest")))
    relation = (
        F.when(F.col("removed").isNotNull(), "near").when(same_payload, "payload").when(~is_rep, "text")
    )
    rows = rows.withColumns({"root": F.coalesce("root", "rep"), "relation": relation})
    cluster, whole = Window.partitionBy("root"), F.lit(1.0)
    return rows.select(
        "id",
        "url",
        "agent_score",
        F.when(F.col("relation").isNull(), "kept").otherwise("dropped").alias("outcome"),
        F.coalesce(F.concat(F.lit("duplicate_"), "relation"), F.lit("")).alias("reason"),
        F.coalesce("kept_id", "rep").alias("kept_id"),
        "relation",
        F.coalesce("jaccard", whole).alias("jaccard"),
        F.coalesce("containment", whole).alias("containment"),
        F.min("id").over(cluster).alias("cluster_id"),
        F.count(F.lit(1)).over(cluster).alias("cluster_size"),
    )


def sketch(records: DataFrame, config: DedupConfig) -> DataFrame:
    """The only pass over all texts: what each page is compared by, without the page."""
    digest = column_or_null(records, "payload_digest", "string").alias("digest")
    narrow = records.select("id", "url", column_or_null(records, "agent_score", "float"), digest, "text")
    return narrow.mapInArrow(batches.sketch(config), from_arrow_schema(batches.SKETCH))


def exact_groups(sketches: DataFrame) -> DataFrame:
    """Each page with `rep`, the best page of the same normalised text, and that page's payload digest."""
    ranked = sketches.withColumn("rank", F.expr(_BEST_FIRST))
    best = Window.partitionBy("text_key").orderBy("rank")
    grouped = ranked.withColumn("rep", F.first("id").over(best)).withColumn(
        "rep_digest", F.first("digest").over(best)
    )
    return grouped.drop("text_key")


def as_ledger(decisions: DataFrame) -> DataFrame:
    nothing = {"warc": F.lit(None).cast("string"), "offset": F.lit(None).cast("bigint")}
    return decisions.withColumns({"stage": F.lit("dedup"), **nothing})


def typed(df: DataFrame, schema: Any) -> DataFrame:
    """The declared columns of `df` in their declared types."""
    return df.select(*(F.col(f.name).cast(f.dataType).alias(f.name) for f in from_arrow_schema(schema)))
