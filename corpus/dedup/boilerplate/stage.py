"""Boilerplate on DataFrames: lines counted per host over the pages that stay, and taken out of the texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.dedup.config import DedupConfig
from corpus.dedup.graph.stage import Scratch
from corpus.dedup.lines import keys, strip

# In the JVM, so that texts need not go to Python for it: the host after scheme and user, without the port.
_HOST = "lower(regexp_extract(url, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:@]+)', 1))"
_PAGE = 0  # the key of the row that counts the page itself
_COUNTED = pa.schema([("host", pa.string()), ("key", pa.int64())])
_SEEN = pa.struct([("key", pa.int64()), ("line", pa.string()), ("removed", pa.bool_())])
_STRIPPED = pa.schema(
    [("id", pa.string()), ("host", pa.string()), ("stripped", pa.string()), ("seen", pa.list_(_SEEN))]
)


def without_boilerplate(
    kept: DataFrame, config: DedupConfig, scratch: Scratch
) -> tuple[DataFrame, DataFrame]:
    """(the kept pages, with boilerplate removed where the config says so; the rows of the table
    `boilerplate`).

    It is counted over the pages that stay, each once: else a page that was crawled often would be
    boilerplate.
    """
    texts = kept.select("id", F.expr(_HOST).alias("host"), "text").where("host <> ''")
    lines = large_hosts(texts, config).mapInArrow(_lines, from_arrow_schema(_COUNTED))
    counts = lines.groupBy("host", "key").count().where(f"count >= {config.boilerplate_pages}")
    counts = scratch.save(counts, "lines")
    hosts = counts.where(f"key = {_PAGE}").selectExpr("host", "count AS host_pages")
    often = counts.where(f"key <> {_PAGE}").join(hosts, "host")
    often = often.where(F.col("count") >= F.col("host_pages") * config.boilerplate_share)
    repeated = often.groupBy("host").agg(
        F.sort_array(F.collect_list("key")).alias("keys"), F.first("host_pages").alias("host_pages")
    )
    repeated = scratch.save(repeated, "repeated-lines")
    found = scratch.save(_stripped(texts, repeated), "stripped")
    report = (
        found.select("host", F.explode("seen").alias("line"))
        .groupBy("host", "line.key")
        .agg(
            F.min("line.line").alias("line"),
            F.count(F.lit(1)).alias("pages"),
            F.sum(F.col("line.removed").cast("bigint")).alias("removed_from"),
        )
    )
    report = scratch.save(report.join(repeated.select("host", "host_pages"), "host").drop("key"), "report")
    changed = found.where("stripped is not null").select("id", "stripped")
    scratch.facts.update(_facts(report, changed, config))
    if not config.boilerplate:
        return kept, report
    cleaned = kept.join(changed, "id", "left")
    return cleaned.withColumn("text", F.coalesce("stripped", "text")).drop("stripped"), report


def _facts(report: DataFrame, changed: DataFrame, config: DedupConfig) -> dict[str, object]:
    row = report.agg(F.count(F.lit(1)), F.countDistinct("host"), F.sum("removed_from")).first()
    lines, hosts, removed = row if row else (0, 0, 0)
    return {
        "boilerplate": {
            "removed": config.boilerplate,
            "hosts": hosts,
            "lines": lines,
            "pages_with_boilerplate": changed.count(),
            "line_occurrences": removed or 0,
        }
    }


def _stripped(texts: DataFrame, repeated: DataFrame) -> DataFrame:
    """The pages with repeated lines: which lines, and the text without them where it is another."""
    if repeated.isEmpty():
        return texts.sparkSession.createDataFrame([], from_arrow_schema(_STRIPPED))
    return texts.join(repeated.select("host", "keys"), "host").mapInArrow(
        _strip, from_arrow_schema(_STRIPPED)
    )


def large_hosts(texts: DataFrame, config: DedupConfig) -> DataFrame:
    """(host, text) of the hosts with enough pages to have boilerplate."""
    hosts = texts.groupBy("host").count().where(f"count >= {config.boilerplate_pages}").select("host")
    return texts.join(hosts, "host", "left_semi").select("host", "text")


def _lines(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        found = [[_PAGE, *keys(text.as_py())] for text in batch.column("text")]
        rows = pa.array(np.repeat(np.arange(len(found)), [len(one) for one in found]))
        hashed = pa.array(list(chain.from_iterable(found)), pa.int64())
        yield pa.RecordBatch.from_arrays([batch.column("host").take(rows), hashed], schema=_COUNTED)


def _strip(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        out: list[dict[str, object]] = []
        for row in batch.select(["id", "host", "text", "keys"]).to_pylist():
            text, seen = strip(row["text"], frozenset(row["keys"]))
            if seen:
                lines = [{"key": key, "line": line, "removed": removed} for key, line, removed in seen]
                changed = text if text != row["text"] else None
                out.append({"id": row["id"], "host": row["host"], "stripped": changed, "seen": lines})
        yield pa.RecordBatch.from_pylist(out, schema=_STRIPPED)
