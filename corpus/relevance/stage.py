"""Spark's part of the classifier job: pages and seeds to lines, a bounded sample to the driver, tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.crawl.archive import with_names
from corpus.crawl.cascade import FAILURES
from corpus.crawl.config import SUFFIXES
from corpus.engine.errors import UserError
from corpus.engine.inputs import InputFile, expand
from corpus.engine.manifest import Manifest
from corpus.engine.stage import Stage, read_table, stage_input
from corpus.engine.tables import LEDGER, SCORES
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.fasttext_model import Settings
from corpus.relevance.features import fasttext_line
from corpus.relevance.labels import (
    AGENT,
    AMBIGUOUS,
    GENERAL,
    GIVEN_BY_CRAWL,
    GIVEN_BY_LABELS,
    GIVEN_BY_SEED,
    Label,
    read_labels,
    site_of,
)
from corpus.relevance.model import save
from corpus.relevance.pages import EMPTY, line_hash, read_pages
from corpus.relevance.training import Example, Trained, train_with_labels, train_without_labels

DOCUMENTATION = ("tool_doc", "function_call", "code")  # kinds of seeds that look like pages
_FILES = pa.schema([("path", pa.string()), ("name", pa.string()), ("bytes", pa.int64())])
_ROWS = pa.schema(
    [
        (name, pa.string())
        for name in ("id", "url", "site", "label", "given_by", "reason", "line", "text_hash", "warc")
    ]
    + [("offset", pa.int64())]
)


def run(config: ClassifierConfig) -> Manifest:
    """Train, measure on held-out sites, and publish the finished stage folder `config.output`."""
    archives = expand(config.input, suffixes=SUFFIXES)
    inputs: list[Mapping[str, Any]] = [
        stage_input(config.seeds, "seeds"),
        *(file.identity() for file in archives),
    ]
    labels = None
    if config.labels:
        labels = read_labels(config.labels)
        inputs += [file.identity() for file in expand([config.labels])]
    stage = Stage.open("classifier", config, inputs)
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        pages = page_rows(spark, archives, config)
        pages = (
            pages.drop("site", "label").join(_label_table(spark, labels), "url", "left") if labels else pages
        )
        rows = decide(
            pages.select(*_ROWS.names).unionByName(seed_rows(spark, config)), config, bool(labels)
        ).persist()
        kept = examples(rows)
        trained = train(kept, config, bool(labels))
        files = save(stage.folder, trained, url_words=bool(labels), folds=config.folds)
        stage.write(scores_table(spark, trained, kept, bool(labels)), SCORES)
        stage.write(ledger_of(rows, _used(spark, trained)), LEDGER)
        manifest = stage.finish(
            spark,
            records_in=rows.count(),
            kept_rows=len(trained.used),
            facts={"threshold": trained.threshold, **trained.metrics},
            extra_files=files,
        )
        rows.unpersist()
    return manifest


def plan(config: ClassifierConfig) -> str:
    """What the job would read, for --dry-run."""
    archives = expand(config.input, suffixes=SUFFIXES)
    seeds = stage_input(config.seeds, "seeds")
    by = f"labels of {config.labels}" if config.labels else "no labels: seeds against the unlabelled crawl"
    size = sum(file.bytes for file in archives)
    what = f"{len(archives)} archives, {size:,} bytes; seeds of {seeds['bytes']:,} bytes; {by}"
    return f"classifier: {what}\noutput: {config.output}"


def page_rows(spark: SparkSession, archives: list[InputFile], config: ClassifierConfig) -> DataFrame:
    """One row per response record of the crawl; the URL's path is seen only where labels tell pages apart."""
    seconds, with_url = config.page_seconds, config.labels is not None

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for file in batch.to_pylist():
                for page in read_pages(
                    file["path"], file["name"], file["bytes"], seconds=seconds, with_url=with_url
                ):
                    row = {
                        **asdict(page),
                        "site": site_of(page.url),
                        "label": GENERAL,
                        "given_by": GIVEN_BY_CRAWL,
                    }
                    yield pa.RecordBatch.from_pylist([row], schema=_ROWS)

    files = [(found.file.path, found.name, found.file.bytes) for found in with_names(archives)]
    df = spark.createDataFrame(spark.sparkContext.parallelize(files, len(files)), from_arrow_schema(_FILES))
    return df.mapInArrow(read, from_arrow_schema(_ROWS))


def seed_rows(spark: SparkSession, config: ClassifierConfig) -> DataFrame:
    """One row per seed, in the columns of the pages.

    Seeds have no address on the web, so the model is shown none. Those that will not be trained on are set
    aside first: their features would cost more than all the rest.
    """
    seeds = read_table(spark, config.seeds, "seeds").select("id", "url", "source", "kind", "text")
    seeds = seeds.withColumn("reason", F.lit(""))
    documentation = F.col("kind").isin(*DOCUMENTATION)
    if seeds.where(documentation).limit(1).count():  # seeds of a domain of one's own may all be plain text
        seeds = _mark(seeds, ~documentation, "kind")
    by_source = Window.partitionBy("source", "reason").orderBy(*_sample_order(config))
    seeds = _mark(seeds, F.row_number().over(by_source) > config.max_per_source, "site_limit")

    def convert(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = []
            for seed in batch.to_pylist():
                line = "" if seed["reason"] else fasttext_line(seed["text"])
                row = {"id": seed["id"], "url": seed["url"], "site": seed["source"], "label": AGENT}
                row |= {"given_by": GIVEN_BY_SEED, "line": line, "text_hash": line_hash(line)}
                rows.append({**row, "reason": seed["reason"] or ("" if line else EMPTY)})
            yield pa.RecordBatch.from_pylist(rows, schema=_ROWS)

    return seeds.mapInArrow(convert, from_arrow_schema(_ROWS))


def decide(rows: DataFrame, config: ClassifierConfig, labelled: bool) -> DataFrame:
    """Add the reason why a row is not trained on.

    The sample is drawn by hash: it does not depend on the order of rows.
    """
    if labelled:
        given = F.col("given_by") == GIVEN_BY_CRAWL
        rows = rows.withColumn("given_by", F.when(given, F.lit(GIVEN_BY_LABELS)).otherwise(F.col("given_by")))
        rows = _mark(rows, F.col("label").isNull(), "unlabelled")
        rows = _mark(rows, F.col("label") == AMBIGUOUS, AMBIGUOUS)
    order = [*_sample_order(config), F.col("warc"), F.col("offset")]
    # Labelled pages go before seeds, so that a page equal to a seed keeps the label that was given to it.
    first = Window.partitionBy("text_hash", "reason").orderBy(F.col("given_by"), *order)
    rows = _mark(rows, F.row_number().over(first) > 1, "duplicate_text")
    by_site = Window.partitionBy("site", "given_by", "reason").orderBy(*order)
    crowded = (F.col("given_by") != GIVEN_BY_SEED) & (F.row_number().over(by_site) > config.max_per_site)
    rows = _mark(rows, crowded, "site_limit")
    by_class = Window.partitionBy("given_by", "label", "reason").orderBy(*order)
    return _mark(rows, F.row_number().over(by_class) > config.max_pages, "class_limit")


def examples(rows: DataFrame) -> list[Example]:
    """What was left, on the driver: at most `max_pages` pages of each label and as many seeds."""
    chosen = rows.where("reason = ''").select("id", "url", "site", "label", "line", "given_by").collect()
    ordered = sorted(
        chosen,
        key=lambda row: (row["given_by"] == GIVEN_BY_SEED, hashlib.sha256(row["id"].encode()).digest()),
    )
    return [Example(r["id"], r["url"], r["site"], r["label"], r["line"], r["given_by"]) for r in ordered]


def train(kept: list[Example], config: ClassifierConfig, labelled: bool) -> Trained:
    """Raises UserError where one of the two classes, or a second site, is missing."""
    seeds = [example for example in kept if example.given_by == GIVEN_BY_SEED]
    pages = [example for example in kept if example.given_by != GIVEN_BY_SEED]
    settings = Settings(
        config.dim, config.epoch, config.lr, config.word_ngrams, config.bucket, config.min_count, config.seed
    )
    _check(pages, config)
    if labelled:
        return train_with_labels(pages, seeds, settings, folds=config.folds, target_fpr=config.target_fpr)
    return train_without_labels(
        pages, seeds, settings, folds=config.folds, rounds=config.rounds, wanted_share=config.wanted_share
    )


def scores_table(spark: SparkSession, trained: Trained, kept: list[Example], labelled: bool) -> DataFrame:
    """Held-out scores of the pages.

    Without labels the label is what a page was taken for, and `given_by` says so.
    """
    pages = [example for example in kept if example.given_by != GIVEN_BY_SEED]
    by = GIVEN_BY_LABELS if labelled else GIVEN_BY_CRAWL
    rows = [
        (page.url, page.site, label, by, float(score), fold)
        for page, label, score, fold in zip(pages, trained.labels, trained.scores, trained.folds)
    ]
    return spark.createDataFrame(rows, from_arrow_schema(SCORES.schema))


def ledger_of(rows: DataFrame, used: DataFrame) -> DataFrame:
    """One row per record: kept if trained on; `cleaned_negative` if the rounds of cleaning left it out."""
    left_out = (F.col("reason") == "") & F.col("used").isNull()
    not_needed = F.when(F.col("given_by") == GIVEN_BY_SEED, "not_needed").otherwise("cleaned_negative")
    decided = rows.join(used, "id", "left").withColumn(
        "reason", F.when(left_out, not_needed).otherwise(F.col("reason"))
    )
    failed = F.col("reason").isin(*sorted(FAILURES))
    outcome = F.when(F.col("reason") == "", "kept").when(failed, "failed").otherwise("dropped")
    nothing = F.lit(None).cast("float").alias("agent_score")
    stage = F.lit("classifier").alias("stage")
    return decided.select("id", "url", stage, outcome.alias("outcome"), "reason", nothing, "warc", "offset")


def _used(spark: SparkSession, trained: Trained) -> DataFrame:
    return spark.createDataFrame([(id, True) for id in sorted(trained.used)], "id string, used boolean")


def _label_table(spark: SparkSession, labels: dict[str, Label]) -> DataFrame:
    rows = [(url, label.label, label.site) for url, label in sorted(labels.items())]
    return spark.createDataFrame(rows, "url string, label string, site string")


def _sample_order(config: ClassifierConfig) -> list[Column]:
    """A fixed shuffle of records by their id."""
    return [F.sha2(F.concat_ws("\x1f", F.lit(str(config.seed)), "id"), 256), F.col("id")]


def _mark(rows: DataFrame, condition: Column, reason: str) -> DataFrame:
    """Give the reason to rows that have none yet and meet the condition."""
    return rows.withColumn(
        "reason", F.when((F.col("reason") == "") & condition, reason).otherwise(F.col("reason"))
    )


def _check(pages: list[Example], config: ClassifierConfig) -> None:
    there = {page.label for page in pages}
    if config.labels and there != {AGENT, GENERAL}:
        missing = " and ".join(sorted({AGENT, GENERAL} - there))
        raise UserError(
            f"no page of input= is labelled {missing} in {config.labels}; the URLs must be the same."
        )
    if len({page.site for page in pages}) < 2:
        raise UserError(
            "the crawl holds fewer than two sites with text; a classifier cannot be measured on unseen sites."
        )
