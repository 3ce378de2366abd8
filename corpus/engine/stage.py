"""A stage's output folder: opened, written table by table through Spark, checked, and published.

Tables are written by the executors with pyarrow under names that depend on the partition number
alone, so the same rows give the same files, a retried or speculative task changes nothing, and object
stores need no committer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, cast

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_type
from pyspark.sql.types import DataType, TimestampType

from corpus.engine import claim, manifest, storage
from corpus.engine.config import JobConfig, to_dict
from corpus.engine.errors import UserError
from corpus.engine.ledger import Count, check_conservation, check_limits, funnel, total
from corpus.engine.manifest import Manifest, OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.session import get_session, watch
from corpus.engine.tables import LEDGER, TIME, Table

PART_BYTES = 64 << 20  # input bytes per output file: parts follow from the input, never from the cores
MOST_PARTS = 8192  # beyond it, a shuffle's bookkeeping costs more than larger parts cost in memory
SCRATCH = "_work"
_COLUMNS: list[tuple[str, pa.DataType]] = [("path", pa.string()), ("rows", pa.int64())]
_WRITTEN = pa.schema([*_COLUMNS, ("bytes", pa.int64()), ("sha256", pa.string())])


class Stage:
    """One run of one stage. Make it with `Stage.open`; if `finished` is set there is nothing left to do."""

    def __init__(self, name: str, config: JobConfig, inputs: Sequence[Mapping[str, Any]]) -> None:
        self.name, self.config, self.inputs = name, config, list(inputs)
        self.folder = storage.absolute(config.output)
        self.settings = cast("dict[str, Any]", manifest.redacted(to_dict(config, with_volatile=False)))
        self.fingerprint = manifest.fingerprint(name, self.settings, self.inputs)
        self.finished: Manifest | None = None
        self.tables: dict[str, list[OutputFile]] = {}
        self._claim = ""
        size = sum(max(int(i.get("bytes", 0)), 0) for i in self.inputs)
        self.parts = min(max(1, -(-size // PART_BYTES)), MOST_PARTS)
        self._started = time.monotonic()

    @classmethod
    def open(
        cls,
        name: str,
        config: JobConfig,
        inputs: Sequence[Mapping[str, Any]],
        *,
        keep_unfinished: bool = False,
    ) -> Stage:
        """Take the output folder.

        A finished run of the same fingerprint is taken as it is; one of another fingerprint is a UserError
        that names what differs; what an unfinished run left is removed unless `keep_unfinished` (the stage
        then knows how to go on from it).
        """
        stage = cls(name, config, inputs)
        if manifest.is_finished(stage.folder):
            stage._adopt(manifest.read(stage.folder))
            return stage
        if not keep_unfinished and storage.exists(stage.folder):
            stage._clear()
        stage._claim = claim.take(stage.folder)
        return stage

    @contextmanager
    def spark(self) -> Iterator[SparkSession]:
        """The session, with progress shown while the block runs."""
        session = get_session(self.name, self.config.master)
        with watch(session, self.name):
            yield session

    def scratch(self, df: DataFrame, name: str) -> DataFrame:
        """`df` as Parquet beside the output, until the stage is finished.

        Unlike a cached DataFrame it cuts the lineage and outlives a lost executor.
        """
        path = storage.spark_path(storage.join(self.folder, SCRATCH, name))
        df.write.mode("overwrite").parquet(path)
        return df.sparkSession.read.schema(df.schema).parquet(path)

    def write(
        self,
        df: DataFrame,
        table: Table,
        *,
        folder: str | None = None,
        partition_by: str = "",
        parts: int | None = None,
    ) -> int:
        """Write `df` as one table of this stage and return the rows committed.

        Columns are checked, ordered as declared, and rows sorted by the table's order within hash
        partitions of the first sort column; the other columns break ties, so that rows have one order
        whatever order they came in. `parts` is the number of files where it does not follow from the input.
        """
        name = folder or table.name
        schema = output_schema(df, table)
        rest = [f.name for f in schema if f.name not in table.sort_by and not pa.types.is_map(f.type)]
        keys = [F.col(key) for key in (*table.sort_by, *rest)]
        number = min(parts or self.parts, MOST_PARTS)
        spread = df.repartition(number, F.col(partition_by or table.sort_by[0])).sortWithinPartitions(*keys)
        written = write_parts(spread.select(*schema.names), schema, storage.join(self.folder, name))
        self.tables[name] = [OutputFile(f"{name}/{f.path}", f.rows, f.bytes, f.sha256) for f in written]
        return sum(f.rows for f in written)

    def counts(self, spark: SparkSession) -> list[Count]:
        """The ledger's committed rows by outcome and reason."""
        return read_counts(spark, storage.join(self.folder, LEDGER.name))

    def finish(
        self,
        spark: SparkSession,
        *,
        records_in: int,
        kept_rows: int,
        facts: Mapping[str, Any] | None = None,
        extra_files: Mapping[str, Sequence[OutputFile]] | None = None,
    ) -> Manifest:
        """Check the conservation law and the limits, then publish the manifest and `_SUCCESS`."""
        counts = self.counts(spark)
        check_conservation(self.name, records_in, counts, kept_rows)
        check_limits(self.name, counts, self.config.max_failed_fraction)
        self.tables.update({name: list(files) for name, files in (extra_files or {}).items()})
        result = Manifest(
            stage=self.name,
            fingerprint=self.fingerprint,
            config=self.settings,
            inputs=self.inputs,
            counts={
                "records_in": records_in,
                "kept": total(counts, "kept"),
                "dropped": total(counts, "dropped"),
                "failed": total(counts, "failed"),
                "by_reason": [asdict(count) for count in sorted(counts)],
                "funnel": funnel(records_in, counts),
            },
            tables=self.tables,
            seconds=round(time.monotonic() - self._started, 2),
            facts=dict(facts or {}),
            versions=manifest.versions(),
            folder=self.folder,
        )
        if self._claim:
            claim.check(self.folder, self._claim)
        storage.remove(storage.join(self.folder, SCRATCH))
        self._sweep()
        manifest.write(self.folder, result)
        claim.release(self.folder)
        return result

    def _adopt(self, found: Manifest) -> None:
        if found.fingerprint != self.fingerprint:
            changed = manifest.difference(found.config, self.settings)
            changed = changed or manifest.other_inputs(found.inputs, self.inputs) or ["the code version"]
            raise UserError(
                f"{self.folder} holds a finished {found.stage} run made with other settings "
                f"({'; '.join(changed[:3])}); choose another output= or remove that folder."
            )
        self.finished = found

    def _sweep(self) -> None:
        """Remove what killed and speculative attempts left under temporary names."""
        filesystem, _ = storage.resolve(self.folder)
        for info in storage.list_files(self.folder):
            if info.base_name.startswith(storage.TEMPORARY):
                filesystem.delete_file(info.path)

    def _clear(self) -> None:
        """Remove what an interrupted run of a stage left; refuse a folder that no stage has made."""
        if not storage.is_folder(self.folder):
            raise UserError(f"{self.folder} is a file; output= names a folder.")
        found = storage.list_files(self.folder)
        if found and not claim.is_there(self.folder):  # each stage leaves its claim before it writes
            inside = found[0].path[len(storage.resolve(self.folder)[1]) :].lstrip("/")
            raise UserError(
                f"{self.folder} holds files of something else ({inside}); choose an empty output=."
            )
        storage.clear(self.folder)


def output_schema(df: DataFrame, table: Table) -> pa.Schema:
    """The Arrow schema that `df` is written with: declared columns, then (open tables) the others by name.

    Raises TypeError if a declared column is missing or of another type, or an undeclared one is there.
    """
    there = {field.name: field.dataType for field in df.schema}
    declared = from_arrow_schema(table.schema)
    for field in declared:
        if field.name not in there:
            raise TypeError(f"table '{table.name}' lacks the declared column '{field.name}'")
        if there[field.name].simpleString() != field.dataType.simpleString():
            found, wanted = there[field.name].simpleString(), field.dataType.simpleString()
            raise TypeError(f"column '{field.name}' of table '{table.name}' is {found}, declared is {wanted}")
    extra = sorted(set(there) - set(table.schema.names) - set(table.sort_by))
    if extra and not table.open:
        raise TypeError(f"table '{table.name}' does not declare the columns {', '.join(extra)}")
    passed = [pa.field(name, _arrow_type(there[name])) for name in extra if table.open]
    return pa.schema([*table.schema, *passed])


def _arrow_type(kind: DataType) -> pa.DataType:
    """`to_arrow_type` asks for a time zone in some versions of Spark and does not take one in others."""
    return TIME if isinstance(kind, TimestampType) else to_arrow_type(kind)


def write_parts(df: DataFrame, schema: pa.Schema, folder: str) -> list[OutputFile]:
    """Write each partition of `df` as `part-NNNNN.parquet`; return what was committed, sorted by name."""

    def write_partition(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        number = context.partitionId() if context else 0
        with PartWriter(folder, f"part-{number:05d}.parquet", schema) as writer:
            for batch in batches:
                writer.write(batch)
        if writer.result is not None:
            yield pa.RecordBatch.from_pylist([asdict(writer.result)], schema=_WRITTEN)

    rows = df.mapInArrow(write_partition, from_arrow_schema(_WRITTEN)).collect()
    files = sorted((OutputFile(**row.asDict()) for row in rows), key=lambda file: file.path)
    if not files:  # a table without rows still has a schema to read
        with PartWriter(folder, "part-00000.parquet", schema) as writer:
            pass
        files = [writer.result] if writer.result else []
    return files


def read_counts(spark: SparkSession, ledger_folder: str) -> list[Count]:
    ledger = spark.read.parquet(storage.spark_path(ledger_folder)).fillna("", ["outcome", "reason"])
    rows = ledger.groupBy("outcome", "reason").count().collect()
    return sorted(Count(row["outcome"], row["reason"], row["count"]) for row in rows)


def read_table(spark: SparkSession, folder: str, table: str) -> DataFrame:
    """One table of a finished stage. Raises UserError if that is not finished or its files are not whole."""
    manifest.require_whole(manifest.read(folder), table)
    return spark.read.parquet(storage.spark_path(storage.join(folder, table)))


def stage_input(folder: str, table: str) -> dict[str, Any]:
    """The identity of a finished stage's table as an input: a hash of its content.

    So a rebuilt but equal stage upstream leaves the stages behind it valid.
    """
    found = manifest.read(folder)
    files = manifest.require_whole(found, table)
    digest = manifest.hash_of(sorted((f.path, f.sha256) for f in files))
    return {"table": f"{found.stage}/{table}", "bytes": sum(f.bytes for f in files), "sha256": digest}
