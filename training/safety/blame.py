"""Which documents make a loss that is not finite, found by passing a bad batch again in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.data.arrays import IGNORE, Int32
from training.data.loader import Batch
from training.parallel import World

# Summed loss of each row; collective: every rank must call it equally often
Probe = Callable[[Int32, Int32, Int32], npt.NDArray[np.float64]]
_NAMED = 3  # bad rows of a rank that are looked into


class Rows(NamedTuple):
    """Rows for a pass, each [rows, length]; labels are IGNORE where there is no loss."""

    ids: Int32
    positions: Int32
    labels: Int32


@dataclass(frozen=True)
class Blame:
    """`places` name source, file and row of what is to blame; `rows` of `total` rows were bad."""

    places: list[str]
    rows: int
    total: int

    def __str__(self) -> str:
        if not self.rows:
            return "No row alone has such a loss, so the step was too large: lower optimiser.lr."
        if 2 * self.rows > self.total:
            return (
                f"{self.rows} of {self.total} rows have such a loss, so the weights have run away: "
                "lower optimiser.lr, or raise schedule.warmup."
            )
        return f"It comes from {'; '.join(self.places)}."


def blame(batch: Batch, probe: Probe, world: World, micro_rows: int) -> Blame:
    """Pass the micro-batches again, then each row of the bad ones alone, then its documents. Collective.

    What shares a pass with something not finite may come out not finite too, so only what is alone is judged.
    """
    whole, total = Rows(batch.ids, batch.positions, labels_of(batch)), len(batch.ids) * world.size
    suspects: list[int] = []
    for start in range(0, len(batch.ids), micro_rows):
        losses = probe(*(part[start : start + micro_rows] for part in whole))
        if not np.isfinite(losses).all():
            suspects += range(start, start + micro_rows)
    alone = [Rows(*(part[row : row + 1] for part in whole)) for row in suspects]
    bad = [suspects[at] for at in _bad(alone, batch, probe, world, micro_rows)]
    rows = sum(world.gather(len(bad)))
    if not rows or 2 * rows > total:
        return Blame([], rows, total)
    documents = [document for row in bad[:_NAMED] for document in _documents(batch, row)]
    found = _bad([alone for _, alone in documents], batch, probe, world, micro_rows)
    named = [name for part in world.gather([documents[at][0] for at in found]) for name in part]
    # Where no document shows it alone, a row is named by all that it holds.
    whole_rows = world.gather([str(batch.origin(row)) for row in bad[:_NAMED]])
    return Blame(named or [name for part in whole_rows for name in part], rows, total)


def _bad(parts: Sequence[Rows], batch: Batch, probe: Probe, world: World, micro_rows: int) -> list[int]:
    """Which of this rank's parts, of one row each, have a loss that is not finite. Collective."""
    bad, nothing = [], _nothing(batch, 1)
    for number in range(max(world.gather(len(parts)))):
        part = parts[number] if number < len(parts) else nothing
        if not np.isfinite(probe(*padded(part, micro_rows))[0]):
            bad.append(number)
    return bad


def labels_of(batch: Batch) -> Int32:
    """The labels of a batch, those that it leaves unsaid too."""
    if batch.labels is not None:
        return batch.labels
    return np.where(batch.positions == 0, np.int32(IGNORE), batch.ids).astype(np.int32)


def places_of(batch: Batch, row: int) -> list[tuple[int, int, str]]:
    """(first token, end, source with file and row) of each document in a row, in order."""
    origin, length = batch.origin(row), batch.ids.shape[1]
    starts = np.flatnonzero(batch.positions[row] == 0).tolist()
    names = [f"source '{origin.source}' file {file} row {at}" for file, rows in origin.parts for at in rows]
    if len(names) != len(starts):
        names = [str(origin)] * len(starts)
    return list(zip(starts, [*starts[1:], length], names))


def padded(rows: Rows, count: int) -> Rows:
    """The rows with rows of nothing behind them: one shape for all passes, as a compiled model wants it."""
    short, length = count - len(rows[0]), rows[0].shape[1]
    if not short:
        return rows
    return Rows(
        *(
            np.concatenate([part, np.full((short, length), fill, np.int32)])
            for part, fill in zip(rows, (0, 0, IGNORE))
        )
    )


def _documents(batch: Batch, row: int) -> Iterator[tuple[str, Rows]]:
    """(name, the document alone in a row) of each document in a row."""
    labels = labels_of(batch)
    for start, stop, name in places_of(batch, row):
        alone = _nothing(batch, 1)
        for part, whole in zip(alone, (batch.ids, batch.positions, labels)):
            part[0, : stop - start] = whole[row, start:stop]
        yield name, alone


def _nothing(batch: Batch, rows: int) -> Rows:
    """Rows of one-token documents without labels."""
    shape = (rows, batch.ids.shape[1])
    return Rows(np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.full(shape, IGNORE, np.int32))
