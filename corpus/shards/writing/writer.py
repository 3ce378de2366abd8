"""A stream of sorted rows to files, one after the other: no more than a row group is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
import pyarrow as pa

from corpus.engine import storage
from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter
from corpus.shards.writing.layout import ShardFile

FILE = "file"  # column with the number of the row's file
PACKED = "input_ids"  # travels as bytes: Spark would copy a list number by number
NO_DICTIONARY = ("id", "url", "text")  # no value comes twice


def write_files(
    batches: Iterable[pa.RecordBatch], files: Mapping[int, ShardFile], root: str, schema: pa.Schema
) -> Iterator[OutputFile]:
    """Write rows that are sorted by their file, below `root`; yields each file once it is published."""
    for number, runs in groupby(_runs(batches), key=lambda run: run[0]):
        plan = files[number]
        folder = storage.join(root, plan.source.folder)
        with PartWriter(
            folder, plan.name, schema, row_group_bytes=plan.group_bytes, no_dictionary=NO_DICTIONARY
        ) as writer:
            for _, rows in runs:
                writer.write(unpacked(rows))
        if writer.result is not None:
            yield replace(writer.result, path=plan.path)


def _runs(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(file, rows) for each run of rows of the same file."""
    for batch in batches:
        numbers = np.asarray(batch.column(FILE).to_numpy(zero_copy_only=False))
        edges: Sequence[int] = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(edges):
            if start < end:
                yield int(numbers[start]), batch.slice(start, end - start)


def packed(ids: pa.ListArray) -> pa.BinaryArray:
    """list<int32> as the bytes of each list. Raises OverflowError beyond 2^31 bytes."""
    offsets = np.asarray(ids.offsets.to_numpy(), np.int64) * 4
    if offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError(f"{offsets[-1]:,} bytes of ids in one batch")
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), ids.values.buffers()[1]]
    return pa.Array.from_buffers(pa.binary(), len(ids), buffers)


def unpacked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its packed column as list<int32>; the ids are not copied."""
    at = batch.schema.get_field_index(PACKED)
    if at < 0 or not pa.types.is_binary(batch.schema.field(at).type):
        return batch
    column = batch.column(at)
    _, offset_buffer, data = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[column.offset : column.offset + len(column) + 1] // 4
    count = data.size // 4 if data is not None else 0
    values = pa.Array.from_buffers(pa.int32(), count, [None, data if data is not None else pa.py_buffer(b"")])
    lists = pa.ListArray.from_arrays(pa.array(offsets), values)
    return batch.set_column(at, PACKED, lists)
