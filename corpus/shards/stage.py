"""Shards with Spark: read, tokenise, choose, write each set and source in a seeded order, describe."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest, describe_file
from corpus.engine.stage import Stage
from corpus.engine.tables import CONVERSATIONS, INPUT_IDS, LEDGER, SHARDS
from corpus.shards.card import hub
from corpus.shards.card.composition import sets_of
from corpus.shards.card.stage import api_counts, groups_of, write_card
from corpus.shards.choice.stage import decide, with_copies
from corpus.shards.config import SFT, ShardConfig
from corpus.shards.conversations.stage import count_conversations
from corpus.shards.cuts.stage import position
from corpus.shards.documents.stage import read_documents
from corpus.shards.mixing import weights_of
from corpus.shards.sources import FAILURES
from corpus.shards.sources.read import Feed, open_feed
from corpus.shards.tokenising import finding
from corpus.shards.tokenising.stage import Encode, bounded_batches
from corpus.shards.tokenizer import FILES
from corpus.shards.writing.layout import MIB, ShardFile
from corpus.shards.writing.stage import write_sets

# A tokenizer is trained on the beginnings of this many documents: the driver holds 40 million characters.
TRAINING_SAMPLE, TRAINING_CHARACTERS = 20_000, 2_000
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_TEXTS = ("text", "messages", "tools", "input_ids")


def run(config: ShardConfig) -> Manifest:
    """Write the sets, and upload them where `push` says so.

    The manifest's `facts` hold the sets with weight, share, tokens and rows by source, the tokenizer with its
    hash, and the stages that the data has gone through.
    """
    feeds, inputs = find(config)
    stage = Stage.open("shard", config, inputs)
    result = stage.finished
    if result is None:
        with stage.spark() as spark, bounded_batches(spark):
            result = make(stage, spark, config, feeds)
    if config.push:
        print(f"uploaded to {hub.push(result, config.push, private=config.private)}", flush=True)
    return result


def make(stage: Stage, spark: SparkSession, config: ShardConfig, feeds: Sequence[Feed]) -> Manifest:
    documents = read_documents(spark, feeds)
    tokenizer = prepare_tokenizer(documents, config, stage)
    # written down, for it is gone through several times: encoding is the dearest step
    tokenised = stage.scratch(encode(stage, spark, feeds, str(tokenizer["sha256"]), config), "tokenised")
    decided = decide(tokenised, config)
    size = F.octet_length("text").alias("text_bytes")
    light = decided.select(*[name for name in decided.columns if name not in _TEXTS], size).persist()
    stage.write(to_ledger(light), LEDGER)
    files = write_tables(stage, with_copies(decided, config), config)
    facts = {"sets": describe_sets(light, files, config), "tokenizer": tokenizer}
    records_in, kept = light.count(), sum(content["documents"] for content in facts["sets"].values())
    facts["lineage"] = write_card(stage, spark, facts, records_in)
    result = stage.finish(spark, records_in=records_in, kept_rows=kept, facts=facts)
    light.unpersist()
    return result


def encode(
    stage: Stage, spark: SparkSession, feeds: Sequence[Feed], sha256: str, config: ShardConfig
) -> DataFrame:
    """The documents with num_tokens, and input_ids where wanted; conversations are counted by template."""
    folder = storage.join(stage.folder, finding.FOLDER)

    def step_of(feed: Feed) -> Encode:
        return Encode(folder, sha256, with_ids=config.tokenize and feed.config.set != SFT)

    return count_conversations(read_documents(spark, feeds, step_of), folder, config)


def is_conversation(config: ShardConfig) -> Column:
    """Whether a row comes from a source of conversations, whatever set it is in."""
    return F.col("mix").isin([name for name, source in config.input.items() if source.set == SFT])


def write_tables(stage: Stage, rows: DataFrame, config: ShardConfig) -> list[ShardFile]:
    """Write the sets: documents in one schema, conversations in another."""
    documents = SHARDS.plus(SHARDS.doc, INPUT_IDS) if config.tokenize else SHARDS
    sizes = {"file_bytes": config.file_mib * MIB, "group_bytes": config.row_group_mib * MIB}
    files = write_sets(stage, rows.where(~is_conversation(config)), documents, **sizes)
    if any(source.set == SFT for source in config.input.values()):
        files += write_sets(stage, rows.where(is_conversation(config)), CONVERSATIONS, **sizes)
    return files


def describe_sets(light: DataFrame, files: Sequence[ShardFile], config: ShardConfig) -> dict[str, Any]:
    """{set: {tokens, ..., sources: {name: {weight, share, tokens, rows, documents, ...}}}}."""
    taken = light.where(F.col("set").isNotNull())
    apis = api_counts(taken, {name: source.path for name, source in config.input.items()})
    conversations = [name for name, source in config.input.items() if source.set == SFT]
    groups = groups_of(taken)
    return sets_of(groups, weights_of(config), files, conversations=conversations, apis=apis)


def plan(config: ShardConfig) -> str:
    """What --dry-run prints. Raises UserError for what would end the run before it reads a text."""
    feeds, _ = find(config)
    weights = weights_of(config)
    lines = [f"shard: {len(config.input)} sources -> {config.output}"]
    for name, source in sorted(config.input.items()):
        mine = [feed for feed in feeds if feed.name == name]
        size = sum(int(str(item["bytes"])) for feed in mine for item in feed.inputs)
        formats = ", ".join(sorted({feed.format for feed in mine}))
        weight = f"weight {weights[source.set][name]:g}"
        lines.append(f"  {source.set}  {name}: {weight}, {size:,} bytes, format {formats}")
    tokens = f"{config.tokens:,} tokens in stage1" if config.tokens else "as many tokens as the weights allow"
    lines.append(f"{tokens}, {config.heldout_fraction:.1%} of each source held out")
    lines.append(f"tokenizer: {config.tokenizer}")
    lines.append(f"files of {config.file_mib} MiB at most, row groups of {config.row_group_mib} MiB")
    if config.push:
        lines.append(f"upload to {config.push}, {'private' if config.private else 'public'}")
    return "\n".join(lines)


def find(config: ShardConfig) -> tuple[list[Feed], list[Mapping[str, object]]]:
    """What each source reads, and the inputs of the fingerprint. Raises UserError for what cannot be used."""
    if not config.input:
        raise UserError("no sources: give input.NAME=PATH at least once.")
    for name, source in sorted(config.input.items()):
        if not source.path:
            raise UserError(f"the source '{name}' has no path; give input.{name}=PATH.")
        if not _NAME.fullmatch(name):
            raise UserError(
                f"'{name}' cannot name a source: folders and files bear it; use letters, digits, . _ -"
            )
    weights_of(config)
    if config.push:
        hub.check(config.push, config.output)
    tokenizer: Sequence[Mapping[str, object]] = finding.identify(config.tokenizer)
    most = config.most_record_mib << 20
    feeds = [
        open_feed(name, path, source, most, number)
        for name, source in sorted(config.input.items())
        for number, path in enumerate(source.path)
    ]
    return feeds, [*(item for feed in feeds for item in feed.inputs), *tokenizer]


def prepare_tokenizer(documents: DataFrame, config: ShardConfig, stage: Stage) -> dict[str, Any]:
    """Put the tokenizer beside the shards and return what the manifest says of it."""
    trained = config.tokenizer.startswith(finding.TRAINED)
    texts = training_texts(documents, config) if trained else []
    folder = storage.join(stage.folder, finding.FOLDER)
    found = finding.resolve(config.tokenizer, texts, folder)
    names = sorted(name for name in FILES if storage.exists(storage.join(folder, name)))
    listed = [describe_file(stage.folder, f"{finding.FOLDER}/{name}") for name in names]
    stage.tables[finding.FOLDER] = listed
    hashes = {name: file.sha256 for name, file in zip(names, listed)}
    return finding.facts(found, config.tokenizer, hashes)


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


def to_ledger(decided: DataFrame) -> DataFrame:
    """One row per document that came in, of whichever source."""
    outcome = (
        F.when(F.col("reason") == "", "kept")
        .when(F.col("reason").isin(*FAILURES), "failed")
        .otherwise("dropped")
    )
    return decided.select(
        "id",
        "url",
        F.lit("shard").alias("stage"),
        outcome.alias("outcome"),
        "reason",
        "agent_score",
        F.col("file").alias("warc"),
        "offset",
    )
