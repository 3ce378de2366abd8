"""Which rows are shown: drawn by a seed from all, or from those that a condition is true of."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads

from corpus.browse.rows import Group, Row, draw, groups_of, open_parquet, take
from corpus.browse.where import Condition
from corpus.engine import storage

BATCH_ROWS = 1 << 16
_NUMBER = "__row__"
Place = tuple[str, int]  # file, and number of the row in it


def choose(
    paths: Sequence[str],
    count: int,
    seed: int | None,
    condition: Condition | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[Row]:
    """`count` rows, each as likely as any other; without a seed the first ones. In the order of the files.

    No table is held: without a condition only the row groups with a chosen row are read, with one its columns
    of the row groups whose statistics allow it.
    """
    if condition is None and seed is not None:
        return draw(paths, count, seed, columns)
    matches = _matches(paths, condition) if condition else _all(paths)
    places = _first(matches, count) if seed is None else reservoir(matches, count, seed)
    return take(paths, places, columns)


def _all(paths: Sequence[str]) -> Iterator[Place]:
    for group in groups_of(paths):
        yield from ((group.path, group.first + number) for number in range(group.rows))


def _first(places: Iterator[Place], count: int) -> list[Place]:
    return [place for place, _ in zip(places, range(count))]


def reservoir(places: Iterator[Place], count: int, seed: int) -> list[Place]:
    """A uniform sample of a stream of unknown length, by skips (Li 1994, algorithm L)."""
    rng = random.Random(seed)
    chosen = [place for _, place in zip(range(count), places)]
    if len(chosen) < count:
        return chosen
    weight = 1.0
    while True:
        weight *= math.exp(math.log(1 - rng.random()) / count)
        skip = math.floor(math.log(1 - rng.random()) / math.log1p(-weight)) if weight < 1 else 0
        for _ in range(skip):
            if next(places, None) is None:
                return chosen
        place = next(places, None)
        if place is None:
            return chosen
        chosen[rng.randrange(count)] = place


def _matches(paths: Sequence[str], condition: Condition) -> Iterator[Place]:
    """The places of the rows of which the condition is true, in the order of the files."""
    columns = list(condition.columns)
    for path in paths:
        for group in possible(path, condition.expression):
            yield from _of_group(group, condition.expression, columns)


def possible(path: str, expression: Any) -> list[Group]:
    """The row groups of a file in which, by their statistics, a row could fulfil the expression."""
    filesystem, inner = storage.resolve(path)
    dataset = pads.dataset(inner, filesystem=filesystem, format="parquet")
    numbers = {
        info.id
        for fragment in dataset.get_fragments()
        for part in fragment.split_by_row_group(filter=expression, schema=dataset.schema)
        for info in part.row_groups
    }
    return [group for group in groups_of([path]) if group.number in numbers]


def _of_group(group: Group, expression: Any, columns: list[str]) -> Iterator[Place]:
    start = group.first
    with open_parquet(group.path) as parquet:
        for batch in parquet.iter_batches(
            BATCH_ROWS, row_groups=[group.number], columns=columns, use_threads=False
        ):
            numbers = pa.array(range(start, start + batch.num_rows), pa.int64())
            table = pa.Table.from_batches([batch]).append_column(_NUMBER, numbers)
            for number in table.filter(expression)[_NUMBER].to_pylist():
                yield group.path, number
            start += batch.num_rows
