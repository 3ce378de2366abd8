"""Rows of Parquet files and of Arrow files (the form of Hugging Face data sets on disk), a few at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.shards.sources.lines import Record
from corpus.shards.sources.streams import DAMAGED

_ARROW_FILE = b"ARROW1"
_BATCH_BYTES, _BATCH_ROWS = 8 << 20, 1000
_PAGES_AT_ONCE = 1 << 20  # read row groups through a buffer: they may be larger than an executor's memory


def parquet_schema(path: str) -> pa.Schema:
    """The schema of a Parquet file. Raises UserError for a file that is none."""
    return _schema(path, "Parquet", pq.read_schema)


def arrow_schema(path: str) -> pa.Schema:
    """The schema of an Arrow stream or file. Raises UserError for a file that is none."""
    return _schema(path, "Arrow", lambda stream: _open_arrow(stream, None)[0])


def _schema(path: str, form: str, read: Any) -> pa.Schema:
    try:
        with storage.open_input(path) as stream:
            return read(stream)
    except (pa.ArrowException, OSError) as error:
        name, why = storage.redact(path), storage.reason_of(error)
        raise UserError(f"cannot read {name} as {form}: {why}.") from error


def read_parquet(path: str, columns: Collection[str], start: int = 0, stop: int = -1) -> Iterator[Record]:
    """The rows of the row groups that begin in bytes [start, stop) of the file; `offset` is the row's number.

    Only the named top-level columns are read. Damage ends the reading with a record that says so.
    """
    row = 0
    try:
        with storage.open_input(path) as stream:
            file = pq.ParquetFile(stream, buffer_size=_PAGES_AT_ONCE, pre_buffer=False)
            wanted = [name for name in file.schema_arrow.names if name in columns]
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                if _begins_in(group, start, stop):
                    at = row
                    size = max(group.total_byte_size // max(group.num_rows, 1), 1)
                    rows = max(1, min(_BATCH_ROWS, _BATCH_BYTES // size))
                    for batch in file.iter_batches(rows, row_groups=[number], columns=wanted):
                        yield from _records(batch, at)
                        at += batch.num_rows
                row += group.num_rows
    except (pa.ArrowException, OSError) as error:
        yield _damage(error, row)


def read_arrow(path: str, columns: Collection[str]) -> Iterator[Record]:
    """The rows of an Arrow stream or file; `offset` is the row's number."""
    row = 0
    try:
        with storage.open_input(path) as stream:
            schema, _ = _open_arrow(stream, None)
            stream.seek(0)
            wanted = [at for at, name in enumerate(schema.names) if name in columns]
            for batch in _open_arrow(stream, wanted)[1]:
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    yield from _records(batch.slice(start, _BATCH_ROWS), row + start)
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        yield _damage(error, row)


def _begins_in(group: Any, start: int, stop: int) -> bool:
    if group.num_columns == 0:
        return start == 0
    first = group.column(0)
    # some writers leave the dictionary's place at 0; read by two tasks, the group would come twice
    dictionary = first.dictionary_page_offset if first.has_dictionary_page else 0
    begin = dictionary or first.data_page_offset
    return bool(start <= begin and (stop < 0 or begin < stop))


def _open_arrow(stream: Any, wanted: list[int] | None) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    options = pa.ipc.IpcReadOptions(included_fields=wanted or [])
    if stream.read(len(_ARROW_FILE)) == _ARROW_FILE:
        file = pa.ipc.open_file(stream, options=options)
        return file.schema, (file.get_batch(number) for number in range(file.num_record_batches))
    stream.seek(0)
    reader = pa.ipc.open_stream(stream, options=options)
    return reader.schema, iter(reader)


def _records(batch: pa.RecordBatch, first: int) -> Iterator[Record]:
    for number, value in enumerate(batch.to_pylist()):
        yield Record(first + number, value)


def _damage(error: Exception, row: int) -> Record:
    """Damaged bytes are the data's fault, and Arrow tells them so; a store that fails has an error number."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return Record(row, None, DAMAGED)
