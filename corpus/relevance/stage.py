"""Spark's part of the classifier job: pages and seeds to lines, a bounded sample to the driver, tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.window import WindowSpec

from corpus.crawl.cascade import FAILURES
from corpus.crawl.index.stage import check_where, select
from corpus.crawl.inputs.given import find_given
from corpus.crawl.inputs.sources import Archive
from corpus.crawl.inputs.tasks import TASKS, tasks_of
from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest
from corpus.engine.session import get_session
from corpus.engine.stage import SCRATCH, Stage, read_table, stage_input
from corpus.engine.tables import LEDGER, SCORES
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.labels import (
    AMBIGUOUS,
    GIVEN_BY_CRAWL,
    GIVEN_BY_SEED,
    Label,
    identities,
    merge,
    read_file,
)
from corpus.relevance.learn import known_pages, marked, pages_of, train, train_on_top, with_sure_threshold
from corpus.relevance.model import save
from corpus.relevance.outcome import Outcome, outcome
from corpus.relevance.pages import UNREADABLE
from corpus.relevance.rows import ROWS, choose_archives, page_batches, seed_batches
from corpus.relevance.second.scorer import NONE
from corpus.relevance.second.stage import second_vectors
from corpus.relevance.second.training import BOTH, SECOND
from corpus.relevance.training import Example, Trained

DOCUMENTATION = ("tool_doc", "function_call", "code")  # kinds of seeds that look like pages
MOST_CHARACTERS = 128 << 20  # of features per class: what is sampled is trained on in the driver's memory


def run(config: ClassifierConfig) -> Manifest:
    """Train, measure on held-out sites, and publish the finished stage folder `config.output`."""
    given = find_given(config)
    archives = choose_archives(given.archives, config)
    files_read = given.index.files if given.index else [archive.file for archive in archives]
    inputs: list[Mapping[str, Any]] = [*seed_inputs(config), *(file.identity() for file in files_read)]
    labels, conflicts = None, 0
    if config.labels:
        labels, conflicts = merge([read_file(path) for path in config.labels])
        inputs += identities(config.labels)
    stage = Stage.open("classifier", config, inputs)
    if stage.finished:
        return stage.finished
    with stage.spark() as spark:
        pieces = select(spark, given.index, storage.join(stage.folder, SCRATCH)) if given.index else None
        if pieces is not None:
            archives = choose_archives(pieces, config)
        pages = page_rows(spark, archives, config)
        if labels:
            pages = with_labels(spark, pages, labels)
        rows = decide(
            pages.select(*ROWS.names).unionByName(seed_rows(spark, config)), config, bool(labels)
        ).persist()
        _require_all(rows)
        kept = marked(examples(rows), labels or {})
        trained = train(kept, config, bool(labels))
        found = None
        second = None
        if labels:
            known = known_pages(pages_of(kept), labels, config)
            trained = with_sure_threshold(trained, known, config)
            joined = None
            if config.second != NONE:
                vectors = second_vectors(spark, rows, archives, config)
                joined = train_on_top(trained, pages_of(kept), known, vectors, config)
            found = outcome(trained, joined, pages=pages_of(kept), known=known, labels=labels, config=config)
            trained.metrics.update(found.metrics, label_conflicts=conflicts)
            second = joined.second if joined else None
        files = save(stage.folder, trained, url_words=bool(labels), folds=config.folds, second=second)
        stage.write(scores_table(spark, trained, kept, found), SCORES)
        stage.write(ledger_of(rows, _used(spark, trained)), LEDGER)
        facts = {"threshold": trained.threshold, "archives": len(archives)}
        facts["archives_given"] = len(given.archives if pieces is None else pieces)
        manifest = stage.finish(
            spark,
            records_in=rows.count(),
            kept_rows=len(trained.used),
            facts={**facts, **trained.metrics},
            extra_files=files,
        )
        rows.unpersist()
    return manifest


def plan(config: ClassifierConfig) -> str:
    """What the job would read, for --dry-run."""
    given = find_given(config)
    archives = choose_archives(given.archives, config)
    seeds = sum(int(found["bytes"]) for found in seed_inputs(config))
    given_by = ", ".join(config.labels or ())
    by = f"labels of {given_by}" if given_by else "no labels: seeds against the unlabelled crawl"
    size = sum(max(archive.file.bytes, 0) for archive in archives)
    what = f"{len(archives):,} of {len(given.archives):,} archives, {size:,} bytes"
    if given.index:
        check_where(get_session("classifier", config.master), given.index)
        what = "\n".join(["records of an index", *given.plan()])
    return f"classifier: {what}\nseeds of {seeds:,} bytes; {by}\noutput: {config.output}"


def seed_inputs(config: ClassifierConfig) -> list[dict[str, Any]]:
    """The identities of the seeds. Raises UserError where there are none, or a stage is not finished."""
    if not config.seeds:
        raise UserError("the key 'seeds' is empty; give seeds= one or more folders of finished seeds.")
    return [stage_input(folder, "seeds") for folder in config.seeds]


def page_rows(spark: SparkSession, archives: list[Archive], config: ClassifierConfig) -> DataFrame:
    """One row per response record of the crawl; the URL's path is seen only where labels tell pages apart."""
    seconds, full = config.page_seconds, config.labels is not None

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return page_batches(batches, seconds=seconds, full=full)

    tasks = tasks_of(archives)
    df = spark.createDataFrame(spark.sparkContext.parallelize(tasks, len(tasks)), from_arrow_schema(TASKS))
    return df.mapInArrow(read, from_arrow_schema(ROWS))


def seed_rows(spark: SparkSession, config: ClassifierConfig) -> DataFrame:
    """One row per seed, in the columns of the pages.

    Seeds have no address on the web, so the model is shown none. Those that will not be trained on are set
    aside first: their features would cost more than all the rest.
    """
    columns = ("id", "url", "source", "kind", "text")
    tables = [read_table(spark, folder, "seeds").select(*columns) for folder in config.seeds]
    seeds = reduce(DataFrame.unionByName, tables)
    seeds = seeds.withColumn("reason", F.lit(""))
    documentation = F.col("kind").isin(*DOCUMENTATION)
    if seeds.where(documentation).limit(1).count():  # seeds of a domain of one's own may all be plain text
        seeds = _mark(seeds, ~documentation, "kind")
    by_source = _wanted_by("source").orderBy(*_sample_order(config))
    seeds = _mark(seeds, F.row_number().over(by_source) > config.max_per_source, "site_limit")
    return seeds.mapInArrow(seed_batches, from_arrow_schema(ROWS))


def decide(
    rows: DataFrame, config: ClassifierConfig, labelled: bool, most: int = MOST_CHARACTERS
) -> DataFrame:
    """Add the reason why a row is not trained on. `most` bounds the characters of the lines of each class.

    The sample is drawn by hash: it does not depend on the order of rows.
    """
    if labelled:
        rows = _mark(rows, F.col("label").isNull(), "unlabelled")
        rows = _mark(rows, F.col("label") == AMBIGUOUS, AMBIGUOUS)
    order = [*_sample_order(config), F.col("warc"), F.col("offset")]
    # Labelled pages go before seeds, so that a page equal to a seed keeps the label that was given to it.
    is_seed = F.col("given_by") == GIVEN_BY_SEED
    first = _wanted_by("text_hash").orderBy(is_seed, F.col("given_by"), *order)
    rows = _mark(rows, F.row_number().over(first) > 1, "duplicate_text")
    by_site = _wanted_by("site", "given_by").orderBy(*order)
    crowded = (F.col("given_by") != GIVEN_BY_SEED) & (F.row_number().over(by_site) > config.max_per_site)
    rows = _mark(rows, crowded, "site_limit")
    by_class = _wanted_by("given_by", "label").orderBy(*order)
    so_far = by_class.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    too_many = F.row_number().over(by_class) > config.max_pages
    return _mark(rows, too_many | (F.sum(F.length("line")).over(so_far) > most), "class_limit")


def examples(rows: DataFrame) -> list[Example]:
    """What was left, on the driver: at most `max_pages` pages of each label and as many seeds."""
    chosen = rows.where("reason = ''").select("id", "url", "site", "label", "line", "given_by").collect()
    ordered = sorted(
        chosen,
        key=lambda row: (row["given_by"] == GIVEN_BY_SEED, hashlib.sha256(row["id"].encode()).digest()),
    )
    return [Example(r["id"], r["url"], r["site"], r["label"], r["line"], r["given_by"]) for r in ordered]


def scores_table(
    spark: SparkSession, trained: Trained, kept: list[Example], found: Outcome | None
) -> DataFrame:
    """Held-out scores of the pages.

    Without labels the label is what a page was taken for, and `given_by` says so.
    """
    pages, scores = pages_of(kept), found.scores if found else {}
    nothing = [None] * len(pages)
    more = [scores[name].tolist() if name in scores else nothing for name in (SECOND, BOTH)]
    rows = [
        (page.url, page.site, label, page.given_by, float(score), second, both, fold)
        for page, label, score, second, both, fold in zip(
            pages, trained.labels, trained.scores, *more, trained.folds, strict=True
        )
    ]
    return spark.createDataFrame(rows, from_arrow_schema(SCORES.schema))


def with_labels(spark: SparkSession, pages: DataFrame, labels: dict[str, Label]) -> DataFrame:
    """The pages with the site, label and giver that their address has; label null where it has none."""
    rows = [(url, label.label, label.site, label.given_by) for url, label in sorted(labels.items())]
    table = spark.createDataFrame(rows, "url string, label string, site string, given_by string")
    found = pages.drop("site", "label", "given_by").join(table, "url", "left")
    return found.withColumn("given_by", F.coalesce("given_by", F.lit(GIVEN_BY_CRAWL)))


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


def _sample_order(config: ClassifierConfig) -> list[Column]:
    """A fixed shuffle of records by their id."""
    return [F.sha2(F.concat_ws("\x1f", F.lit(str(config.seed)), "id"), 256), F.col("id")]


def _wanted_by(*columns: str) -> WindowSpec:
    """Rows without a reason, grouped by `columns`; each of the others stands alone, wherever its id puts it.

    Most rows of a crawl have a reason, and many of them the same values: as one group they would all be
    sorted by one task.
    """
    return Window.partitionBy(*columns, F.when(F.col("reason") != "", F.col("id")))


def _require_all(rows: DataFrame) -> None:
    """Raise UserError if an archive could not be read: a model of the rest would not be the one asked for."""
    failed = sorted(row["url"] for row in rows.where(F.col("reason") == UNREADABLE).select("url").collect())
    if failed:
        more = f" (and {len(failed) - 1:,} more archives)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0].rstrip('.')}{more}; run the same command again.")


def _mark(rows: DataFrame, condition: Column, reason: str) -> DataFrame:
    """Give the reason to rows that have none yet and meet the condition."""
    return rows.withColumn(
        "reason", F.when((F.col("reason") == "") & condition, reason).otherwise(F.col("reason"))
    )
