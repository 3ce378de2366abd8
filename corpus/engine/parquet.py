"""Writing Parquet so that the same rows give the same bytes, and hashing it on the way out."""

from __future__ import annotations

import contextlib
import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.manifest import OutputFile

ROW_GROUP_BYTES = 64 << 20


class PartWriter:
    """One Parquet file (zstd), published under its name only when it is whole.

    Row groups are cut by the bytes of the rows and by nothing else, so that the file depends on its rows
    alone and not on the batches they came in. Two attempts at the same part write the same bytes, so the
    later rename changes nothing. `no_dictionary` names columns whose values hardly repeat.
    """

    def __init__(
        self,
        folder: str,
        name: str,
        schema: pa.Schema,
        *,
        row_group_bytes: int | None = None,
        no_dictionary: Sequence[str] = (),
    ) -> None:
        self.path = storage.join(folder, name)
        self.schema = schema
        self._group_bytes = row_group_bytes or ROW_GROUP_BYTES
        self._temporary = storage.temporary_name(self.path)
        filesystem, inner = storage.resolve(self._temporary)
        filesystem.create_dir(posixpath.dirname(inner), recursive=True)
        self._sink = _HashingSink(filesystem.open_output_stream(inner))
        stream = pa.PythonFile(cast(Any, self._sink), mode="w")
        dictionary = [n for n in schema.names if n not in no_dictionary] if no_dictionary else True
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd", use_dictionary=dictionary)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self.rows = 0
        self.result: OutputFile | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; columns are taken by name and cast to the declared types."""
        if batch.num_rows == 0:
            return
        arrays = [batch.column(name).cast(self.schema.field(name).type) for name in self.schema.names]
        aligned = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        self.rows += aligned.num_rows
        start = 0
        for end in self._cuts(np.cumsum(row_bytes(aligned))):
            self._waiting.append(aligned.slice(start, end - start))
            self._flush()
            start = end
        if start < aligned.num_rows:
            self._waiting.append(aligned.slice(start))

    def _cuts(self, ends: npt.NDArray[np.int64]) -> Iterator[int]:
        """Where rows that end at the bytes `ends` fill a row group; what is left over is carried on."""
        base = -self._waiting_bytes
        while (at := int(np.searchsorted(ends, base + self._group_bytes))) < len(ends):
            base = int(ends[at])
            yield at + 1
        self._waiting_bytes = int(ends[-1]) - base

    def _flush(self) -> None:
        if self._waiting:
            # one chunk per column: pages and dictionaries would else follow the chunks
            table = pa.Table.from_batches(self._waiting, self.schema).combine_chunks()
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._waiting = []

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            self._flush()
            self._writer.close()
            self._sink.close()
            storage.rename(self._temporary, self.path)
        except BaseException:  # a full disk, a signal: leave nothing behind, then let it through
            self._abandon()
            raise
        name = posixpath.basename(self.path)
        self.result = OutputFile(name, self.rows, self._sink.size, self._sink.hash.hexdigest())

    def _abandon(self) -> None:
        for step in (self._writer.close, self._sink.close):
            with contextlib.suppress(Exception):  # the first error is the one to tell
                step()
        with contextlib.suppress(Exception):
            storage.remove(self._temporary)


def row_bytes(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """Bytes of each row before compression, shape (rows,): a function of the row's values alone."""
    total = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        total += _value_bytes(column)
    return total


def _value_bytes(array: Any) -> npt.NDArray[np.int64]:
    kind = array.type
    if pa.types.is_struct(kind):
        return sum((_value_bytes(field) for field in array.flatten()), np.zeros(len(array), np.int64))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        ends = np.cumsum(_int64(pc.list_value_length(array)))
        upto = np.concatenate([[0], np.cumsum(_value_bytes(pc.list_flatten(array)))])
        return np.diff(upto[ends], prepend=0) + 4
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
        return _int64(pc.binary_length(array)) + 4
    try:
        width = max(kind.bit_width // 8, 1)
    except ValueError:  # maps, dictionaries and other nested types, of which no table has any
        width = 64
    return np.full(len(array), width, np.int64)


def _int64(lengths: Any) -> npt.NDArray[np.int64]:
    return np.asarray(pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False), np.int64)


class _HashingSink:
    """A file object that counts and hashes what passes through it to `target`."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.hash.update(view)
        self.size += view.nbytes
        self._target.write(view)
        return view.nbytes

    def flush(self) -> None:
        self._target.flush()

    def tell(self) -> int:
        return self.size

    def close(self) -> None:
        if not self._target.closed:
            self._target.close()

    @property
    def closed(self) -> bool:
        return bool(self._target.closed)
