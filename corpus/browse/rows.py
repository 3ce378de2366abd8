"""Single rows out of Parquet files: drawn by a seed, or by their numbers, without reading whole files."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.errors import UserError

BATCH_ROWS = 2048


@dataclass(frozen=True)
class Group:
    """One row group: its file, its number there, the number of its first row, its rows."""

    path: str
    number: int
    first: int
    rows: int


@dataclass(frozen=True)
class Row:
    """One row with its place: file and number of the row in it."""

    path: str
    number: int
    values: dict[str, Any]


def groups_of(paths: Sequence[str]) -> list[Group]:
    """The row groups of files, from their footers. Raises UserError for a file that is no Parquet."""
    found = []
    for path in paths:
        first = 0
        with open_parquet(path) as parquet:
            for number in range(parquet.metadata.num_row_groups):
                rows = parquet.metadata.row_group(number).num_rows
                found.append(Group(path, number, first, rows))
                first += rows
    return found


def open_parquet(path: str) -> Any:
    """The file as pyarrow's ParquetFile, a context manager. Raises UserError where it cannot be read."""
    try:
        return pq.ParquetFile(storage.open_input(path), pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"cannot read {storage.redact(path)} as Parquet: {storage.reason_of(error)}."
        ) from error


def draw(
    paths: Sequence[str],
    count: int,
    seed: int,
    columns: Sequence[str] | None = None,
    *,
    most_groups: int = 0,
) -> Iterator[Row]:
    """`count` rows drawn by the seed, in the order of the files; all, where there are no more.

    Every row has the same chance. With `most_groups` they come from so many row groups, drawn first: what a
    sample costs does then not grow with the table.
    """
    rng = random.Random(seed)
    groups = [group for group in groups_of(paths) if group.rows]
    if most_groups and len(groups) > most_groups:
        groups = sorted(rng.sample(groups, most_groups), key=lambda group: (group.path, group.number))
    total = sum(group.rows for group in groups)
    wanted = sorted(rng.sample(range(total), min(count, total)))
    yield from _pick(groups, wanted, columns)


def take(
    paths: Sequence[str], places: Sequence[tuple[str, int]], columns: Sequence[str] | None = None
) -> Iterator[Row]:
    """The rows at (file, number of the row), in the order of the files."""
    by_file: dict[str, set[int]] = {}
    for path, number in places:
        by_file.setdefault(path, set()).add(number)
    for path in paths:
        if path in by_file:
            yield from _pick(groups_of([path]), sorted(by_file[path]), columns)


def _pick(groups: Sequence[Group], wanted: Sequence[int], columns: Sequence[str] | None) -> Iterator[Row]:
    """Rows by their numbers among all rows of `groups`; `wanted` is sorted."""
    waiting, before = list(wanted), 0
    for group in groups:
        mine = []
        while waiting and waiting[0] < before + group.rows:
            mine.append(waiting.pop(0) - before)
        before += group.rows
        if mine:
            yield from _of_group(group, mine, columns)


def _of_group(group: Group, wanted: list[int], columns: Sequence[str] | None) -> Iterator[Row]:
    with open_parquet(group.path) as parquet:
        there = parquet.schema_arrow.names
        names = there if columns is None else [name for name in columns if name in there]
        start = 0
        for batch in parquet.iter_batches(
            BATCH_ROWS, row_groups=[group.number], columns=names, use_threads=False
        ):
            end = start + batch.num_rows
            mine = [number - start for number in wanted if start <= number < end]
            for number, values in zip(
                mine, batch.take(pa.array(mine, pa.int64())).to_pylist() if mine else ()
            ):
                yield Row(group.path, group.first + start + number, values)
            start = end
            if start > wanted[-1]:
                return
