"""Spark's part of comparing: votes to labels, conflicts counted, agreement of each two givers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Row, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.labels.agreement import Agreement, agreement
from corpus.labels.config import LEAVE_OUT, LabelConfig
from corpus.labels.votes import RANDOM, Resolved, Vote, resolve

_TEXTS = ("given_by", "label", "verdict", "kind", "rationale", "site")
VOTES = pa.schema(
    [("url", pa.string())] + [(name, pa.string()) for name in _TEXTS] + [("confidence", pa.float32())]
)
_RESOLVED = pa.schema(
    [*VOTES, ("votes", pa.int32()), ("conflict", pa.bool_()), ("against", pa.list_(pa.string()))]
)
_EXAMPLES = 20  # disagreements of two givers that the manifest shows
_SHOWN = ("url", "verdict", "label", "rationale")
_WORDS = ("verdict", "other_verdict", "label", "other_label")


def row_of(url: str, vote: Vote) -> dict[str, Any]:
    return {"url": url, **vars(vote)}


def decide(votes: DataFrame, config: LabelConfig, places: Mapping[str, int]) -> DataFrame:
    """_RESOLVED: one row for each address that has a vote."""
    order, ambiguous = config.order, config.conflicts == LEAVE_OUT
    fields = [F.col(name) for name in VOTES.names if name != "url"]
    grouped = votes.groupBy("url").agg(F.collect_list(F.struct(*fields)).alias("votes"))

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = []
            for row in batch.to_pylist():
                found = resolve([Vote(**v) for v in row["votes"]], order, places, ambiguous=ambiguous)
                rows.append(_row(row["url"], found))
            yield pa.RecordBatch.from_pylist(rows, schema=_RESOLVED)

    return grouped.mapInArrow(work, from_arrow_schema(_RESOLVED))


def _row(url: str, found: Resolved) -> dict[str, Any]:
    more = {"votes": found.votes, "conflict": bool(found.against), "against": list(found.against)}
    return {**row_of(url, found.vote), **more}


def counts_of(resolved: DataFrame) -> dict[str, Any]:
    """Labels by giver, and conflicts by who won against whom."""
    labels: dict[str, dict[str, int]] = {}
    for row in sorted(resolved.groupBy("given_by", "label").count().collect()):
        labels.setdefault(row["given_by"], {})[row["label"]] = row["count"]
    lost = resolved.select("given_by", F.explode("against").alias("other"))
    conflicts = [
        {"counts": row["given_by"], "against": row["other"], "pages": row["count"]}
        for row in sorted(lost.groupBy("given_by", "other").count().collect())
    ]
    return {"labels": labels, "conflicts": conflicts}


def agreements(votes: DataFrame) -> list[tuple[Agreement, list[dict[str, Any]]]]:
    """For each two givers with pages in common: how far they agree, and examples of where they do not.

    They are compared by verdicts where both give them on all of these pages, else by labels.
    """
    pairs = _pairs(votes).persist()
    counts: dict[tuple[str, str], list[Row]] = {}
    for row in pairs.groupBy("giver", "other", *_WORDS).count().collect():
        counts.setdefault((row["giver"], row["other"]), []).append(row)
    apart: dict[tuple[str, str], list[Row]] = {}
    for row in _differences(pairs).collect():
        apart.setdefault((row["giver"], row["other"]), []).append(row)
    pairs.unpersist()
    found = []
    for (one, other), rows in sorted(counts.items()):
        by = "verdict" if all(row["verdict"] and row["other_verdict"] for row in rows) else "label"
        table: dict[tuple[str, str], int] = {}
        for row in rows:
            said = (row[by], row[f"other_{by}"])
            table[said] = table.get(said, 0) + row["count"]
        found.append((agreement(one, other, table), _examples(apart.get((one, other), []), by)))
    return found


def _pairs(votes: DataFrame) -> DataFrame:
    """The votes of two givers on one address. Rules count as one giver, and so do all seeds."""
    kind = F.split("given_by", ":")[0]
    named = kind.isin("endpoint", "file")
    votes = votes.where(kind != RANDOM).withColumn("giver", F.when(named, F.col("given_by")).otherwise(kind))
    votes = votes.dropDuplicates(["url", "giver"]).select("giver", *_SHOWN)
    others = votes.select(
        "url", *(F.col(c).alias(f"other_{c}") for c in _SHOWN if c != "url"), F.col("giver").alias("other")
    )
    return votes.join(others, "url").where(F.col("giver") < F.col("other"))


def _differences(pairs: DataFrame) -> DataFrame:
    """Some of the pages on which the labels or the verdicts of two givers differ, in a fixed order."""
    verdicts = F.coalesce(F.col("verdict") != F.col("other_verdict"), F.lit(False))
    differ = pairs.where((F.col("label") != F.col("other_label")) | verdicts)
    order = Window.partitionBy("giver", "other").orderBy(F.sha2("url", 256), "url")
    return differ.withColumn("_n", F.row_number().over(order)).where(F.col("_n") <= _EXAMPLES).orderBy("_n")


def _examples(rows: Sequence[Row], by: str) -> list[dict[str, Any]]:
    return [
        {
            "url": row["url"],
            row["giver"]: [row[by], row["rationale"]],
            row["other"]: [row[f"other_{by}"], row["other_rationale"]],
        }
        for row in rows
        if row[by] != row[f"other_{by}"]
    ]


def one_vote_for_each_giver(votes: DataFrame) -> DataFrame:
    """Several seeds, or the same giver twice, may name one address: the first by all columns stays."""
    rest = [name for name in VOTES.names if name not in ("url", "given_by")]
    first = Window.partitionBy("url", "given_by").orderBy(*rest)
    return votes.withColumn("_n", F.row_number().over(first)).where("_n = 1").drop("_n")
