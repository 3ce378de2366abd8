"""Documents of a row range as one array of ids and offsets: no Python object per token, few per document."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine.errors import DataError
from training.arrays import Int32, Int64
from training.shards import ShardFile
from training.tokens import Tokenizer


@dataclass(frozen=True)
class Documents:
    """Document i is values[offsets[i] : offsets[i + 1]]; it may be empty. `where` names it in errors."""

    values: Int32
    offsets: Int64
    where: str

    def __len__(self) -> int:
        return len(self.offsets) - 1


class Reader:
    """Reads row ranges of Parquet row groups; of the decoded ones it keeps the latest `cache_bytes`."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: int | None, *, cache_bytes: int = 512 << 20) -> None:
        self._tokenizer, self._vocabulary, self._limit = tokenizer, vocabulary, cache_bytes
        self._cache: OrderedDict[tuple[str, int], Any] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, file: ShardFile, group: int, start: int, stop: int) -> Documents:
        """Rows start..stop of one row group. Raises DataError that names the file for impossible ids."""
        where = f"{file.path} row group {group} rows {start}-{stop}"
        column = self._column(file, group).slice(start, stop - start)
        if file.tokenised:
            values, offsets = _lists(column)
        else:
            values, offsets = self._tokenizer.encode(["" if t is None else t for t in column.to_pylist()])
        documents = Documents(values, offsets, where)
        self._check(documents)
        return documents

    def _column(self, file: ShardFile, group: int) -> Any:
        key = (str(file.path), group)
        with self._lock:
            if key not in self._cache:
                name = "input_ids" if file.tokenised else "text"
                try:
                    self._cache[key] = (
                        pq.ParquetFile(file.path).read_row_group(group, columns=[name]).column(name)
                    )
                except (OSError, pa.ArrowException) as error:
                    raise DataError(
                        f"{file.path} row group {group} cannot be read: {str(error).splitlines()[0]}"
                    ) from error
            self._cache.move_to_end(key)
            while len(self._cache) > 1 and sum(c.nbytes for c in self._cache.values()) > self._limit:
                self._cache.popitem(last=False)
            return self._cache[key]

    def _check(self, documents: Documents) -> None:
        """Ids fit the model, and each document ends with one separator.

        Two separators once cost a public run 1.5T tokens.
        """
        values, offsets, eos = documents.values, documents.offsets, self._tokenizer.eos
        if (
            len(values)
            and self._vocabulary is not None
            and (values.min() < 0 or values.max() >= self._vocabulary)
        ):
            raise DataError(
                f"{documents.where} holds token ids outside the model's {self._vocabulary:,} embedding rows."
            )
        lengths = np.diff(offsets)
        ends = offsets[1:][lengths > 0]
        if eos is None or not len(ends):
            return
        if (values[ends - 1] != eos).any():
            raise DataError(
                f"{documents.where} holds documents that do not end with the separator {eos}; "
                "shard them again."
            )
        long_ends = offsets[1:][lengths > 1]
        # Text may quote the separator, so a few doubles are no fault; a majority means that two writers
        # added it.
        if len(long_ends) > 1 and (values[long_ends - 2] == eos).mean() > 0.5:
            raise DataError(
                f"{documents.where} holds documents that end with the separator {eos} twice; "
                "shard them again."
            )


def _lists(column: Any) -> tuple[Int32, Int64]:
    """A list<int32> column as values and offsets, copied out of the row group so that it can be freed."""
    array: Any = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    offsets = array.offsets.to_numpy().astype(np.int64)
    values = array.values.slice(offsets[0], offsets[-1] - offsets[0]).to_numpy(zero_copy_only=False)
    return np.array(values, dtype=np.int32), offsets - offsets[0]
