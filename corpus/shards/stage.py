"""Shards with Spark: read, tokenise, hold out, mix by tokens, write each set and source in a seeded order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, describe_file
from corpus.engine.stage import Stage
from corpus.engine.tables import INPUT_IDS, LEDGER, SHARDS
from corpus.shards import tokenizer as tokenizers
from corpus.shards.config import ShardConfig
from corpus.shards.mixing import fill, token_targets
from corpus.shards.sources import DOCUMENT_COLUMNS, Location, locate

LARGEST_GROUP = 0.2  # a host or file above this share of its source is held out by document, not as a whole
TRAINING_SAMPLE = 20_000  # documents that a tokenizer is trained on
FILL_CANDIDATES = 20_000  # documents that compete for the last gap of a source
_TYPES = {"agent_score": "float"}


def run(config: ShardConfig) -> Manifest:
    """Write the sets.

    The manifest's `facts` hold the sets with weight, share, tokens and rows by source, and the
    tokenizer with its hash.
    """
    if not config.input:
        raise UserError("no sources: give input.NAME=PATH at least once.")
    locations = {
        name: [locate(path) for path in source.path] for name, source in sorted(config.input.items())
    }
    inputs = [
        {**i, "as": name} for name, places in locations.items() for place in places for i in place.inputs
    ]
    stage = Stage.open("shard", config, inputs)
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        documents = reduce(DataFrame.unionByName, [read_source(spark, n, p) for n, p in locations.items()])
        facts = prepare_tokenizer(documents, config, stage.folder)
        tokenised = tokenise(documents, storage.join(stage.folder, "tokenizer"), config).persist()
        decided = decide(tokenised, config).persist()
        sets = write_sets(stage, decided, config)
        stage.write(to_ledger(decided), LEDGER)
        kept = sum(source["rows"] for sources in sets.values() for source in sources["sources"].values())
        stage.tables["tokenizer"] = [
            describe_file(stage.folder, f"tokenizer/{name}") for name in tokenizers.FILES
        ]
        result = stage.finish(
            spark, records_in=tokenised.count(), kept_rows=kept, facts={"sets": sets, "tokenizer": facts}
        )
        decided.unpersist()
        tokenised.unpersist()
    return result


def read_source(spark: SparkSession, name: str, locations: list[Location]) -> DataFrame:
    """The documents of one source with `mix` (its name) and `group` (host or source file) beside them."""
    frames = []
    for place in locations:
        files = [storage.spark_path(file) for file in place.files]
        df = spark.read.parquet(*files) if place.format == "parquet" else spark.read.json(files)
        if "text" not in df.columns:
            raise UserError(
                f"{place.files[0]} has no column 'text'; its columns are {', '.join(df.columns)}."
            )
        frames.append(as_documents(df, name))
    return reduce(DataFrame.unionByName, frames)


def as_documents(df: DataFrame, name: str) -> DataFrame:
    """Bring any frame with a text column to the shard columns; missing ones are null, a missing id a hash."""

    def column(key: str) -> Column:
        kind = _TYPES.get(key, "string")
        return F.col(key).cast(kind) if key in df.columns else F.lit(None).cast(kind)

    source = F.coalesce(column("source"), F.lit(name))
    identity = F.coalesce(column("id"), F.md5(F.concat_ws("\n", source, column("url"), F.col("text"))))
    group = F.coalesce(column("host"), F.concat_ws(":", source, column("path")), column("url"), identity)
    columns = {key: column(key) for key in DOCUMENT_COLUMNS} | {"id": identity, "source": source}
    columns["text"] = F.coalesce(F.col("text").cast("string"), F.lit(""))
    return df.select(
        *[c.alias(key) for key, c in columns.items()], F.lit(name).alias("mix"), group.alias("group")
    )


def prepare_tokenizer(documents: DataFrame, config: ShardConfig, folder: str) -> dict[str, Any]:
    """Put the tokenizer beside the shards and return what the manifest says of it."""
    texts: list[str] = []
    if config.tokenizer.startswith("bpe:"):  # equal samples of each source, so that none owns the vocabulary
        names = sorted(config.input)
        for name in names:
            ordered = documents.where(F.col("mix") == name).select("text", position("id", config.seed), "id")
            chosen = ordered.orderBy("position", "id").limit(TRAINING_SAMPLE // len(names))
            texts += [row["text"] for row in chosen.collect()]
    found = tokenizers.resolve(config.tokenizer, texts, storage.join(folder, "tokenizer"))
    return {
        "path": "tokenizer",
        "vocab_size": found.vocab_size,
        "eos_token_id": found.eos_id,
        "sha256": found.sha256,
    }


def tokenise(documents: DataFrame, folder: str, config: ShardConfig) -> DataFrame:
    """Add num_tokens, and input_ids where wanted; empty texts get 0 tokens."""
    wanted = [*documents.columns, "num_tokens", *(["input_ids"] if config.tokenize else [])]
    fields = from_arrow_schema(pa.schema([("num_tokens", pa.int32()), ("input_ids", INPUT_IDS.type)])).fields
    schema = StructType([*documents.schema.fields, *fields[: len(wanted) - len(documents.columns)]])

    def encode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            ids = tokenizers.load(folder).encode(batch.column("text").to_pylist())
            empty = pc.equal(pc.utf8_length(batch.column("text")), 0)
            lengths = pc.if_else(empty, 0, pc.list_value_length(ids)).cast(pa.int32())
            extra = [lengths, ids][: len(wanted) - batch.num_columns]
            yield pa.RecordBatch.from_arrays([*batch.columns, *extra], names=wanted)

    return documents.mapInArrow(encode, schema)


def decide(tokenised: DataFrame, config: ShardConfig) -> DataFrame:
    """Add `position`, `set` (stage1, stage2, heldout or null) and `reason` to every document."""
    ordered = tokenised.withColumn("position", position("id", config.seed))
    copies = Window.partitionBy("set_of_source", "id").orderBy("mix", "source", "url", F.md5("text"))
    set_of = F.create_map(*[F.lit(x) for name, s in sorted(config.input.items()) for x in (name, s.set)])
    ordered = ordered.withColumn("set_of_source", set_of[F.col("mix")]).withColumn(
        "copy", F.row_number().over(copies)
    )
    usable = ordered.where((F.col("num_tokens") > 0) & (F.col("copy") == 1))
    light = usable.select("mix", "id", "group", "position", "num_tokens", "set_of_source").persist()
    heldout = heldout_ids(light, config).persist()
    chosen = within_shares(light.join(heldout, "id", "left_anti"), config)
    marked = ordered.join(F.broadcast(heldout.withColumn("held", F.lit(True))), "id", "left")
    marked = marked.join(chosen.withColumn("chosen", F.lit(True)), ["mix", "id"], "left")
    reason = (
        F.when(F.col("num_tokens") == 0, "empty")
        .when(F.col("copy") > 1, "duplicate_id")
        .when(F.col("held") | F.col("chosen"), "")
        .otherwise("over_share")
    )
    name = F.when(F.col("held"), "heldout").otherwise(F.col("set_of_source"))
    return marked.withColumn("reason", reason).withColumn("set", F.when(reason == "", name))


def heldout_ids(light: DataFrame, config: ShardConfig) -> DataFrame:
    """Ids held out: per source, whole groups in a seeded order until the wanted share of tokens is reached.

    A document is held out everywhere if it is held out in one source, so that no set sees it.
    """
    of_source, of_group = Window.partitionBy("mix"), Window.partitionBy("mix", "group")
    sized = light.withColumn("total", F.sum("num_tokens").over(of_source))
    large = F.sum("num_tokens").over(of_group) > LARGEST_GROUP * F.col("total")
    keyed = sized.withColumn("unit", F.when(large, F.col("id")).otherwise(F.col("group")))
    units = keyed.groupBy("mix", "unit", "total").agg(F.sum("num_tokens").alias("tokens"))
    rank = F.xxhash64("unit", F.lit(config.seed), F.lit("heldout"))
    before = Window.partitionBy("mix").orderBy(rank, "unit").rowsBetween(Window.unboundedPreceding, -1)
    so_far = F.coalesce(F.sum("tokens").over(before), F.lit(0))
    held = units.withColumn("so_far", so_far).where(
        F.col("so_far") < config.heldout_fraction * F.col("total")
    )
    return keyed.join(held.select("mix", "unit"), ["mix", "unit"]).select("id").distinct()


def within_shares(light: DataFrame, config: ShardConfig) -> DataFrame:
    """(mix, id) of the documents that make each set's token shares equal to the weights."""
    before = Window.partitionBy("mix").orderBy("position", "id")
    running = light.withColumn("running", F.sum("num_tokens").over(before)).persist()
    available = {
        row["mix"]: row["n"] for row in light.groupBy("mix").agg(F.sum("num_tokens").alias("n")).collect()
    }
    parts = []
    for set_name in sorted({source.set for source in config.input.values()}):
        weights = {
            name: source.weight for name, source in sorted(config.input.items()) if source.set == set_name
        }
        targets = token_targets(available, weights, config.tokens if set_name == "stage1" else 0)
        for name, target in targets.items():
            mine = running.where(F.col("mix") == name)
            prefix = mine.where(F.col("running") <= target)
            got = prefix.agg(F.sum("num_tokens")).first()
            gap = target - int((got[0] if got else 0) or 0)
            rest = mine.where((F.col("running") > target) & (F.col("num_tokens") <= gap)).orderBy(
                "position", "id"
            )
            spare = [(r["id"], r["num_tokens"]) for r in rest.limit(FILL_CANDIDATES).collect()]
            parts.append(prefix.select("mix", "id"))
            if more := fill(gap, spare):
                parts.append(mine.where(F.col("id").isin(more)).select("mix", "id"))
    return reduce(DataFrame.unionByName, parts)


def write_sets(stage: Stage, decided: DataFrame, config: ShardConfig) -> dict[str, Any]:
    """Write each set and source; return {set: {tokens, sources: {name: {weight, share, tokens, rows}}}}."""
    table = SHARDS.plus(SHARDS.doc, INPUT_IDS) if config.tokenize else SHARDS
    rows = (
        decided.where(F.col("set").isNotNull())
        .groupBy("set", "mix")
        .agg(F.sum("num_tokens").alias("n"))
        .collect()
    )
    columns = [*table.schema.names, "position"]
    sets: dict[str, Any] = {}
    for row in sorted(rows, key=lambda r: (r["set"], r["mix"])):
        mine = decided.where((F.col("set") == row["set"]) & (F.col("mix") == row["mix"])).select(*columns)
        written = stage.write(mine, table, folder=f"{row['set']}/{row['mix']}")
        entry = {"weight": config.input[row["mix"]].weight, "tokens": row["n"], "rows": written}
        sets.setdefault(row["set"], {"sources": {}})["sources"][row["mix"]] = entry
    for content in sets.values():
        total = sum(source["tokens"] for source in content["sources"].values())
        content["tokens"] = total
        for source in content["sources"].values():
            source["share"] = round(source["tokens"] / total, 6)
    return sets


def to_ledger(decided: DataFrame) -> DataFrame:
    """One row per document that came in, of whichever source."""
    return decided.select(
        "id",
        "url",
        F.lit("shard").alias("stage"),
        F.when(F.col("reason") == "", "kept").otherwise("dropped").alias("outcome"),
        F.when(F.col("reason") == "", "").otherwise(F.col("reason")).alias("reason"),
        "agent_score",
        F.col("mix").alias("warc"),
        F.lit(None).cast("long").alias("offset"),
    )


def position(column: str, seed: int) -> Column:
    """The place of a document in the seeded global order: a hash, so that no sort of the world is needed."""
    return F.xxhash64(column, F.lit(seed)).alias("position")
