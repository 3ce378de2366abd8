"""Writing with Spark: rows to their files by ranges of a hash, each file sorted by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from operator import add

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine.manifest import OutputFile
from corpus.engine.stage import Stage
from corpus.engine.tables import Table
from corpus.shards.writing import layout
from corpus.shards.writing.layout import ShardFile, Source
from corpus.shards.writing.writer import FILE, write_files

_ROW_BYTES = 64  # of the columns that are not counted one by one
_WRITTEN = pa.schema(
    [("path", pa.string()), ("rows", pa.int64()), ("bytes", pa.int64()), ("sha256", pa.string())]
)
_KEYS = ("set", "mix", "slice")


def write_sets(
    stage: Stage, rows: DataFrame, table: Table, *, file_bytes: int, group_bytes: int
) -> list[ShardFile]:
    """Write rows with the columns `set`, `mix` (name of the source) and those of `table`.

    Files lie in SET/SOURCE/ and hold the rows in the order of the first column that the table is sorted by, a
    hash of 64 bits, which goes on from file to file. Returns the files planned; what was written stands in
    `stage.tables`, by folder.
    """
    placed = rows.select("set", "mix", *table.schema.names, F.col(table.sort_by[0]).alias("place"))
    planned, numbered = plan_files(placed, file_bytes, group_bytes)
    written = _write(numbered, planned, table.schema, stage.folder) if planned else []
    for file in planned:
        stage.tables[file.source.folder] = []
    for done in sorted(written, key=lambda one: one.path):
        stage.tables[done.path.rpartition("/")[0]].append(done)
    return planned


def plan_files(placed: DataFrame, file_bytes: int, group_bytes: int) -> tuple[list[ShardFile], DataFrame]:
    """The files of all sets and sources, and the rows with the number of their file.

    Both depend on the rows alone: neither on partitions nor on the sizes of the input files.
    """
    sized = placed.select("set", "mix", "place", row_bytes(placed).alias("bytes")).persist()
    range_of = [F.sum("bytes"), F.min("place"), F.max("place")]
    totals = {
        Source(name, mix): (int(total), layout.Span(first, last))
        for name, mix, total, first, last in sized.groupBy("set", "mix").agg(*range_of).collect()
    }
    found = {source: layout.sizes(total, file_bytes, group_bytes) for source, (total, _) in totals.items()}
    slices = {
        source: span.slices(layout.slices_log2(total, found[source].file))
        for source, (total, span) in totals.items()
    }
    sums: dict[Source, dict[int, int]] = {source: {} for source in totals}
    sliced = sized.withColumn("slice", slice_of(slices)).groupBy(*_KEYS).agg(F.sum("bytes").alias("n"))
    for row in sliced.collect():
        sums[Source(row["set"], row["mix"])][row["slice"]] = int(row["n"])
    sized.unpersist()
    ordered = sorted(totals, key=lambda source: source.folder)
    planned = [file for source in ordered for file in layout.files_of(source, sums[source], found[source])]
    if not planned:
        return [], placed
    keys = [
        (file.source.set, file.source.name, number, n)
        for n, file in enumerate(planned)
        for number in sums[file.source]
        if file.first <= number <= file.last
    ]
    lookup = placed.sparkSession.createDataFrame(keys, f"set string, mix string, slice int, {FILE} int")
    numbered = placed.withColumn("slice", slice_of(slices)).join(F.broadcast(lookup), list(_KEYS))
    return planned, numbered.drop("slice")


def slice_of(slices: Mapping[Source, layout.Slices]) -> Column:
    """The slice of a place: its distance from the first one of its source, in widths of a slice."""

    def of_source(source: Source, cut: layout.Slices) -> Column:
        half = F.shiftright("place", 1) - F.lit(cut.first >> 1)  # of half the places: 64 bits cannot overflow
        mine = (F.col("set") == source.set) & (F.col("mix") == source.name)
        return F.when(mine, F.shiftright(half, cut.shift))

    ordered = sorted(slices.items(), key=lambda item: item[0].folder)
    return F.coalesce(*(of_source(*item) for item in ordered), F.lit(0)).cast("int")


def row_bytes(rows: DataFrame) -> Column:
    """About the bytes of a row before compression."""
    lengths = [F.lit(_ROW_BYTES).cast("long")]
    for name, kind in rows.dtypes:
        if kind in ("string", "binary"):
            lengths.append(F.coalesce(F.octet_length(name), F.lit(0)).cast("long"))
        elif kind.startswith(("array", "struct", "map")):
            lengths.append(F.coalesce(F.octet_length(F.to_json(name)), F.lit(0)).cast("long"))
    return reduce(add, lengths)


def _write(
    numbered: DataFrame, planned: Sequence[ShardFile], schema: pa.Schema, root: str
) -> list[OutputFile]:
    files = dict(enumerate(planned))

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for done in write_files(batches, files, root, schema):
            yield pa.RecordBatch.from_pylist([asdict(done)], schema=_WRITTEN)

    ties = ["place", *(name for name in ("id", "repetition") if name in schema.names)]
    if hasattr(numbered, "repartitionById"):  # Spark 4.1: exactly one file per partition
        spread = numbered.repartitionById(len(planned), F.col(FILE)).sortWithinPartitions(*ties)
    else:  # a partition may get several files, which it then writes one after the other
        spread = numbered.repartition(len(planned), F.col(FILE)).sortWithinPartitions(FILE, *ties)
    columns = [FILE, *schema.names]
    rows = spread.select(*columns).mapInArrow(write, from_arrow_schema(_WRITTEN)).collect()
    return [OutputFile(**row.asDict()) for row in rows]
