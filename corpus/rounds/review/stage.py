"""Spark's part of a review: tallies of folders, examples of prefixes, a sample of what was collected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.stage import read_table
from corpus.engine.tables import SCORED
from corpus.harvest.address import Prefixes
from corpus.rounds.config import AUTO, RoundsConfig
from corpus.rounds.marks import MARKED, TALLIES, mark_batches, tally_batches
from corpus.rounds.place import Known, Round
from corpus.rounds.proposals import Bounds, Tally, propose
from corpus.rounds.review.file import read_review, write_review
from corpus.rounds.review.model import ACCEPT, Asked, Entry, Example, Review, merged, plain

EXAMPLES, OF_HITS = 5, 3
TITLE, SNIPPET = 120, 240  # characters
_PLACE = ["id", "warc", "offset"]


def review_of(spark: SparkSession, config: RoundsConfig, found: Round, known: Known) -> Review:
    """The round's review with the decisions of now; the file is written where it has something new to say.

    Raises UserError for a file that cannot be read, and for one that was changed too late.
    """
    old = read_review(found.review_path)
    if found.used:
        if old is None or old.digest() != found.recall("review"):
            later = storage.join(found.folder.rpartition("/")[0], f"{found.number + 1:02d}")
            raise UserError(
                f"{found.review_path} is not what round {found.number + 1:02d} has learnt from; undo the "
                f"change, or remove {later} and all later rounds to learn from it again."
            )
        return old
    bounds = Bounds(config.min_pages, config.min_hits, config.min_share)
    wanted: dict[str, Any] = {**asdict(bounds), "depth": config.max_depth, "most": config.most_prefixes}
    wanted |= {"sample": config.sample, "seed": config.seed, "known": sorted(known.prefixes)}
    data = found.remember("proposed", wanted, lambda: _proposed(spark, config, found, known, bounds))
    new = Review(found.number, found.threshold, *_from_plain(data))
    review = merged(old, new)
    if config.accept == AUTO:
        review = replace(review, entries=tuple(by_rule(entry, config) for entry in review.entries))
    write_review(found.review_path, review)
    return review


def by_rule(entry: Entry, config: RoundsConfig) -> Entry:
    """The entry accepted, if nobody has decided and it passes the stated bounds."""
    tally = entry.tally
    if entry.decision or tally.share < config.auto_share or tally.hits < config.auto_hits:
        return entry
    bounds = f"auto_share={config.auto_share:g} and auto_hits={config.auto_hits}"
    return replace(entry, decision=ACCEPT, note=entry.note or f"accept=auto by {bounds}")


def marked(scored: DataFrame, tags: Mapping[str, str]) -> DataFrame:
    """The pages with `prefix` and `tag`: the longest prefix that holds them and what it maps to."""
    own = dict(tags)

    def mark(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return mark_batches(batches, own)

    return scored.mapInArrow(mark, from_arrow_schema(MARKED))


def tallies(scored: DataFrame, decided: Iterable[str], depth: int, min_hits: int) -> dict[str, Tally]:
    """Pages and hits of the folders with at least `min_hits`, without what decided prefixes hold."""
    known = Prefixes(decided)

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return tally_batches(batches, known, depth)

    counted = scored.mapInArrow(count, from_arrow_schema(TALLIES)).groupBy("prefix")
    summed = counted.agg(F.sum("pages").alias("pages"), F.sum("hits").alias("hits"))
    rows = summed.where(F.col("hits") >= min_hits).collect()
    return {row["prefix"]: Tally(row["pages"], row["hits"]) for row in rows}


def examples(scored: DataFrame, texts: DataFrame, prefixes: Iterable[str]) -> dict[str, tuple[Example, ...]]:
    """Up to five pages of each prefix, drawn by their ids: hits first, then pages that were missed."""
    inside = marked(scored, dict.fromkeys(prefixes, "")).where("prefix <> ''")
    order = Window.partitionBy("prefix", "hit").orderBy(F.sha2("id", 256), *_PLACE)
    drawn = inside.withColumn("at", F.row_number().over(order)).where(F.col("at") <= EXAMPLES)
    found: dict[str, list[Row]] = {}
    for row in sorted(_told(drawn, texts), key=lambda r: (r["prefix"], not r["hit"], r["at"])):
        found.setdefault(row["prefix"], []).append(row)
    chosen: dict[str, tuple[Example, ...]] = {}
    for prefix, rows in found.items():
        hits, missed = [r for r in rows if r["hit"]], [r for r in rows if not r["hit"]]
        of_hits = max(OF_HITS, EXAMPLES - len(missed))
        chosen[prefix] = tuple(_example(r) for r in [*hits[:of_hits], *missed][:EXAMPLES])
    return chosen


def sample(
    scored: DataFrame, texts: DataFrame, prefixes: Iterable[str], number: int, seed: int
) -> list[Example]:
    """A fixed sample of the hits that are under none of the prefixes."""
    if not number:
        return []
    others = marked(scored, dict.fromkeys(prefixes, "")).where("prefix = '' and hit")
    order = F.sha2(F.concat_ws("\x1f", F.lit(str(seed)), "id"), 256)
    drawn = others.orderBy(order, *_PLACE).limit(number)
    return [_example(row) for row in sorted(_told(drawn, texts), key=lambda row: (row["url"], row["id"]))]


def _proposed(
    spark: SparkSession, config: RoundsConfig, found: Round, known: Known, bounds: Bounds
) -> dict[str, Any]:
    scored, texts = read_table(spark, found.scores, SCORED.name), read_table(spark, *found.texts)
    counted = tallies(scored, known.prefixes, config.max_depth, config.min_hits)
    proposed = propose(counted, bounds, config.most_prefixes)
    shown = examples(scored, texts, proposed) if proposed else {}
    asked = sample(scored, texts, [*known.prefixes, *proposed], config.sample, config.seed)
    entries = [Entry(prefix, tally, shown.get(prefix, ())) for prefix, tally in proposed.items()]
    return {"entries": [asdict(entry) for entry in entries], "sample": [asdict(page) for page in asked]}


def _from_plain(data: Mapping[str, Any]) -> tuple[tuple[Entry, ...], tuple[Asked, ...]]:
    entries = tuple(
        Entry(e["prefix"], Tally(**e["tally"]), tuple(Example(**x) for x in e["examples"]))
        for e in data["entries"]
    )
    return entries, tuple(Asked(Example(**page)) for page in data["sample"])


def _told(pages: DataFrame, texts: DataFrame) -> list[Row]:
    """The pages with title and beginning of their texts. Addresses with signs that an editor would obey are
    left out: cleaned, they would be others."""
    begin = F.substring("text", 1, 4 * SNIPPET).alias("snippet")
    rows = pages.join(texts.select(*_PLACE, "title", begin), _PLACE, "left").collect()
    return [row for row in rows if row["url"].isprintable()]


def _example(row: Row) -> Example:
    title, snippet = plain(row["title"] or "", TITLE), plain(row["snippet"] or "", SNIPPET)
    return Example(row["url"], round(float(row["agent_score"]), 4), title, snippet)
