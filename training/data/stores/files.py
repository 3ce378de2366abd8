"""Shard files and what their footers say, read without the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.errors import UserError
from training.data.stores.cache import ShardCache
from training.data.stores.finding import FoundFile
from training.data.stores.footers import footer_hash

IDS, TEXT, CHAT = "ids", "text", "chat"  # what documents are made of: input_ids, text, messages
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class ShardFile:
    """One Parquet file; `name` is its path below the set, `footer` a hash of its Parquet footer.

    `group_tokens` is exact for input_ids but for empty documents, which count one each; else an estimate.
    `sha256` is what the manifest of the stage lists, if there is one.
    """

    path: str
    name: str
    bytes: int
    footer: str
    group_rows: tuple[int, ...]
    group_tokens: tuple[int, ...]
    columns: tuple[str, ...]
    sha256: str | None = None

    @property
    def rows(self) -> int:
        return sum(self.group_rows)

    @property
    def tokenised(self) -> bool:
        return self.kind == IDS

    @property
    def kind(self) -> str:
        return IDS if "input_ids" in self.columns else CHAT if "messages" in self.columns else TEXT


def open_files(files: Sequence[FoundFile], cache: ShardCache) -> tuple[ShardFile, ...]:
    with ThreadPoolExecutor(8) as pool:  # footers far away are waited for together
        return tuple(pool.map(lambda file: _open(file, cache), files))


def _open(found: FoundFile, cache: ShardCache) -> ShardFile:
    name = storage.redact(found.path)
    try:
        tail = cache.tail(found.path, found.bytes, found.sha256)
        metadata = pq.read_metadata(pa.BufferReader(tail))
    except FileNotFoundError:
        raise UserError(f"{name} is not there, though it is listed; run the shard job again.") from None
    except (OSError, pa.ArrowException) as error:
        cache.forget(found.path, found.bytes, found.sha256)
        words = str(error).splitlines()[0].rstrip(".")
        raise UserError(f"{name} is no readable Parquet file ({words}); write it again.") from error
    schema = metadata.schema.to_arrow_schema()
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    return ShardFile(
        path=found.path,
        name=found.name,
        bytes=found.bytes,
        footer=footer_hash(tail),
        group_rows=tuple(group.num_rows for group in groups),
        group_tokens=tuple(_tokens(group) for group in groups),
        columns=tuple(schema.names),
        sha256=found.sha256,
    )


def _tokens(group: Any) -> int:
    """Tokens of a row group, by its footer."""
    sizes = {"input_ids": 0, "text": 0, "messages": 0}
    for number in range(group.num_columns):
        column = group.column(number)
        top = column.path_in_schema.partition(".")[0]
        if top in sizes:
            whole = column.num_values if top == "input_ids" else column.total_uncompressed_size
            sizes[top] += int(whole)
    return sizes["input_ids"] or (sizes["messages"] or sizes["text"]) // _CHARACTERS_PER_TOKEN


def facts_of(files: Iterable[ShardFile]) -> dict[str, list[Any]]:
    """Size, rows and footer hash of each file: its content without reading it."""
    return {file.name: [file.bytes, file.rows, file.footer] for file in files}
