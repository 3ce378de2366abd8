"""Documents of a row group as one array of ids and offsets: no Python object per token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.engine.errors import DataError
from training.data.arrays import Bool, Int32, Int64
from training.data.shards import CHAT, IDS, TEXT, ShardFile
from training.data.stores.cache import ShardCache
from training.data.tokens import Tokenizer

if TYPE_CHECKING:
    from training.data.chat.render import Renderer

_COLUMNS = {IDS: ["input_ids"], TEXT: ["text"], CHAT: ["messages", "tools"]}
_SHOULD = {"input_ids": "list<int32>", "text": "string", "messages": "list<struct<role, content, ...>>"}


def _is_list_of(is_item: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda kind: (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and is_item(kind.value_type)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


_IS = {
    "input_ids": _is_list_of(pa.types.is_integer),
    "text": _is_text,
    "messages": _is_list_of(pa.types.is_struct),
}


@dataclass(frozen=True)
class Documents:
    """Document i is values[offsets[i] : offsets[i + 1]]; it may be empty. `loss` marks targets; None: all."""

    values: Int32
    offsets: Int64
    loss: Bool | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1


class Reader:
    """Reads row groups of shards and says in its errors which file and row is at fault.

    Threads may share it.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        vocabulary: int | None,
        cache: ShardCache | None = None,
        length: int | None = None,
    ) -> None:
        """`length` bounds conversations, which are not spread over rows."""
        self._tokenizer, self._vocabulary, self._length = tokenizer, vocabulary, length
        self.cache = cache or ShardCache()
        self.left_out: Counter[str] = Counter()
        self._renderer: Renderer | None = None
        self._metadata: dict[str, Any] = {}

    def read(self, file: ShardFile, group: int, start: int = 0, stop: int | None = None) -> Documents:
        """Rows start..stop of one row group as they lie. Raises DataError for what cannot be trained on."""
        stop = file.group_rows[group] if stop is None else stop
        table = self.table(file, group).slice(start, stop - start)
        first = sum(file.group_rows[:group]) + start
        if file.kind == IDS:
            return self.ids(table, file, first)
        return self.encode(table, file, np.arange(first, first + len(table)))

    def table(self, file: ShardFile, group: int) -> Any:
        """The columns of one row group that documents are made of, as an Arrow table."""
        return self._column(file, group, _COLUMNS[file.kind])

    def text_bytes(self, file: ShardFile, group: int) -> Int64:
        """UTF-8 bytes of the column text for each row of a row group; 0 where there is none."""
        if "text" not in file.columns:
            return np.zeros(file.group_rows[group], np.int64)
        lengths = pc.binary_length(self._column(file, group, ["text"])["text"])
        return np.asarray(pc.fill_null(lengths, 0).to_numpy(), dtype=np.int64)

    def sizes(self, table: Any, file: ShardFile) -> Int64:
        """What each row of a table that is not tokenised weighs when the table is cut: bytes of its text."""
        column = table["text"] if file.kind != CHAT else pc.list_value_length(table["messages"])
        lengths = pc.binary_length(column) if file.kind != CHAT else column
        return np.asarray(pc.fill_null(lengths, 0).to_numpy(), dtype=np.int64)

    def ids(self, table: Any, file: ShardFile, first: int) -> Documents:
        """Documents of a column input_ids, whose row 0 is row `first` of the file."""
        values, offsets = _lists(table["input_ids"])
        self._check(values, offsets, file, first)
        return Documents(values, offsets)

    def encode(self, table: Any, file: ShardFile, rows: Int64) -> Documents:
        """Documents of texts or conversations; `rows` are their numbers in the file, for errors."""
        if file.kind == CHAT:
            found = self.renderer.encode(table, [f"{file.path} row {row}" for row in rows.tolist()])
        else:
            texts = pc.fill_null(table["text"], "").to_pylist()
            found = Documents(*self._tokenizer.encode(texts))
        if self._vocabulary is not None and len(found.values) and found.values.max() >= self._vocabulary:
            raise DataError(
                f"the tokenizer {self._tokenizer.path} gives ids beyond the model's "
                f"{self._vocabulary:,} embedding rows."
            )
        return found

    @property
    def renderer(self) -> Renderer:
        """Conversations through the tokenizer's chat template; loaded by the first source that needs it."""
        if self._renderer is None:
            from training.data.chat.render import Renderer

            self._renderer = Renderer(self._tokenizer, self._length, self.left_out)
        return self._renderer

    def _column(self, file: ShardFile, group: int, names: list[str]) -> Any:
        first = sum(file.group_rows[:group])
        where = f"{file.path} row group {group} (rows {first}-{first + file.group_rows[group] - 1})"
        with self.cache.opened(file) as path:
            try:
                with pq.ParquetFile(path, metadata=self._metadata.get(file.path)) as opened:
                    self._metadata[file.path] = opened.metadata
                    table = opened.read_row_group(group, columns=names, use_threads=False)
            except (OSError, pa.ArrowException) as error:
                words = str(error).splitlines()[0].rstrip(".")
                raise DataError(f"{where} cannot be read: {words}; write the file again.") from error
        for name in names[:1]:
            if not _IS[name](table[name].type):
                raise DataError(
                    f"{where} has a column {name} of type {table[name].type}; write it as {_SHOULD[name]}."
                )
        return table

    def _check(self, values: Int32, offsets: Int64, file: ShardFile, first: int) -> None:
        """Ids fit the model, and each document ends with one separator.

        Two separators once cost a public run 1.5T tokens.
        """

        def row_at(token: int) -> int:
            return first + int(np.searchsorted(offsets, token, "right")) - 1

        most = np.iinfo(np.int32).max if self._vocabulary is None else self._vocabulary
        # As unsigned numbers, negative ones are the largest: one pass finds both kinds.
        if len(values) and int(values.view(np.uint32).max()) >= most:
            at = int(np.flatnonzero((values < 0) | (values >= most))[0])
            raise DataError(
                f"{file.path} row {row_at(at)} holds the token id {values[at]}, which is outside the model's "
                f"{most:,} embedding rows."
            )
        eos, lengths = self._tokenizer.eos, np.diff(offsets)
        if eos is None:
            return
        last = offsets[1:][lengths > 0] - 1
        wrong = last[values[last] != eos]
        if len(wrong):
            raise DataError(
                f"{file.path} row {row_at(int(wrong[0]))} does not end with the separator {eos}; "
                "shard it again."
            )
        before = offsets[1:][lengths > 1] - 2
        # Text may quote the separator, so a few doubles are no fault; a majority means that two writers
        # added it.
        if len(before) > 1 and (values[before] == eos).mean() > 0.5:
            row = row_at(int(before[values[before] == eos][0]))
            raise DataError(
                f"{file.path} row {row} and most others end with the separator {eos} twice; shard it again."
            )


def _lists(column: Any) -> tuple[Int32, Int64]:
    """A list<int32> column as values and offsets [rows + 1], without a copy where it is one piece."""
    array: Any = (
        column.chunk(0)
        if column.num_chunks == 1
        else pa.concat_arrays(column.chunks or [pa.array([], column.type)])
    )
    offsets = array.offsets.to_numpy().astype(np.int64)
    values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    if values.null_count:
        values = pc.fill_null(values, -1)  # which is outside every vocabulary
    ids = values.to_numpy(zero_copy_only=False)
    if ids.dtype != np.int32:
        wide = ids.astype(np.int64)  # ids that do not fit become -1, too
        ids = np.where((wide < 0) | (wide > np.iinfo(np.int32).max), -1, wide).astype(np.int32)
    return ids, offsets - offsets[0]
