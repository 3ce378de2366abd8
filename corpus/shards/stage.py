"""Shards with Spark: read, tokenise, choose, write each set and source in a seeded order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, describe_file
from corpus.engine.stage import PART_BYTES, Stage
from corpus.engine.tables import INPUT_IDS, LEDGER, SHARDS
from corpus.shards import tokenizer as tokenizers
from corpus.shards.choice.stage import decide, position
from corpus.shards.config import ShardConfig
from corpus.shards.documents.stage import read_documents
from corpus.shards.mixing import check_weights
from corpus.shards.sources import Location, locate

# A tokenizer is trained on the beginnings of this many documents: the driver holds 40 million characters.
TRAINING_SAMPLE, TRAINING_CHARACTERS = 20_000, 2_000
BYTES_PER_TOKEN = 8  # of a part: four of the id, four of the text, both before compression


def run(config: ShardConfig) -> Manifest:
    """Write the sets.

    The manifest's `facts` hold the sets with weight, share, tokens and rows by source, and the
    tokenizer with its hash.
    """
    locations, inputs = find(config)
    stage = Stage.open("shard", config, inputs)
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        documents = read_documents(spark, locations)
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


def plan(config: ShardConfig) -> str:
    """What --dry-run prints. Raises UserError for what would end the run before it reads a text."""
    locations, _ = find(config)
    lines = [f"shard: {len(locations)} sources -> {config.output}"]
    for name, source in sorted(config.input.items()):
        size = sum(int(str(item["bytes"])) for place in locations[name] for item in place.inputs)
        lines.append(f"  {source.set}  {name}: weight {source.weight:g}, {size:,} bytes")
    tokens = f"{config.tokens:,} tokens in stage1" if config.tokens else "as many tokens as the weights allow"
    lines.append(f"{tokens}, {config.heldout_fraction:.1%} of each source held out")
    lines.append(f"tokenizer: {config.tokenizer}")
    return "\n".join(lines)


def find(config: ShardConfig) -> tuple[dict[str, list[Location]], list[Mapping[str, object]]]:
    """Where each source lies, and the inputs of the fingerprint. Raises UserError for what cannot be used."""
    if not config.input:
        raise UserError("no sources: give input.NAME=PATH at least once.")
    for name, source in sorted(config.input.items()):
        if not source.path:
            raise UserError(f"the source '{name}' has no path; give input.{name}=PATH.")
    check_weights((source.set, source.weight) for source in config.input.values())
    tokenizer: Sequence[Mapping[str, object]] = tokenizers.identify(config.tokenizer)
    locations = {
        name: [locate(path) for path in source.path] for name, source in sorted(config.input.items())
    }
    inputs = [
        {**i, "as": name} for name, places in locations.items() for place in places for i in place.inputs
    ]
    return locations, [*inputs, *tokenizer]


def prepare_tokenizer(documents: DataFrame, config: ShardConfig, folder: str) -> dict[str, Any]:
    """Put the tokenizer beside the shards and return what the manifest says of it."""
    trained = config.tokenizer.startswith(tokenizers.TRAINED)
    texts = training_texts(documents, config) if trained else []
    found = tokenizers.resolve(config.tokenizer, texts, storage.join(folder, "tokenizer"))
    return {
        "path": "tokenizer",
        "vocab_size": found.vocab_size,
        "eos_token_id": found.eos_id,
        "sha256": found.sha256,
    }


def training_texts(documents: DataFrame, config: ShardConfig) -> list[str]:
    """Equal samples of each source, in the seeded order, so that none owns the vocabulary."""
    place = position("id", config.seed).alias("position")
    beginning = F.substring("text", 1, TRAINING_CHARACTERS).alias("text")
    narrow = documents.where(F.col("text") != "").select("mix", place, "id", beginning)
    texts: list[str] = []
    for name in sorted(config.input):
        ordered = narrow.where(F.col("mix") == name).orderBy("position", "id", "text")
        chosen = ordered.limit(max(1, TRAINING_SAMPLE // len(config.input)))
        texts += [row["text"] for row in chosen.collect()]
    return texts


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
        written = stage.write(mine, table, folder=f"{row['set']}/{row['mix']}", parts=parts_of(row["n"]))
        entry = {"weight": config.input[row["mix"]].weight, "tokens": row["n"], "rows": written}
        sets.setdefault(row["set"], {"sources": {}})["sources"][row["mix"]] = entry
    for content in sets.values():
        total = sum(source["tokens"] for source in content["sources"].values())
        content["tokens"] = total
        for source in content["sources"].values():
            source["share"] = round(source["tokens"] / total, 6)
    return sets


def parts_of(tokens: int) -> int:
    """Files of a set and source, so that each has about as many bytes as those of other stages."""
    return max(1, -(-tokens * BYTES_PER_TOKEN // PART_BYTES))


def to_ledger(decided: DataFrame) -> DataFrame:
    """One row per document that came in, of whichever source."""
    outcome = (
        F.when(F.col("reason") == "", "kept")
        .when(F.col("reason") == "malformed", "failed")
        .otherwise("dropped")
    )
    return decided.select(
        "id",
        "url",
        F.lit("shard").alias("stage"),
        outcome.alias("outcome"),
        "reason",
        "agent_score",
        F.lit(None).cast("string").alias("warc"),
        F.lit(None).cast("long").alias("offset"),
    )
