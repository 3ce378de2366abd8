"""Loss on the held-out slice, per source, in nats and in bits per byte.

It is taken over the same rows in the same order each time.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.engine.errors import UserError
from training.arrays import Int32
from training.config import TrainConfig
from training.documents import Documents, Reader
from training.parallel import World
from training.shards import ShardFile, list_files, require_whole
from training.tokens import Tokenizer

# (ids, positions) [rows, length] -> summed loss in nats and number of predicted tokens, of this rank's rows
Measure = Callable[[Int32, Int32], tuple[float, int]]


@dataclass(frozen=True)
class HeldoutSource:
    """The first rows of one source. `tokens` and `bytes` count the documents that were read for them."""

    name: str
    ids: Int32
    positions: Int32
    tokens: int
    bytes: int


def open_heldout(config: TrainConfig, tokenizer: Tokenizer, vocabulary: int) -> list[HeldoutSource]:
    """Pack the held-out rows of every source, documents in file order; empty if there is no folder."""
    reader = Reader(tokenizer, vocabulary)
    found = (_pack(name, files, reader, config) for name, files in find_files(config).items())
    return [source for source in found if source.tokens]


def find_files(config: TrainConfig) -> dict[str, tuple[ShardFile, ...]]:
    """The files of each held-out source; empty if nothing is to be measured."""
    beside = Path(os.path.abspath(config.data)).parent / "heldout"
    folder = Path(os.path.abspath(config.heldout.path)) if config.heldout.path else beside
    if config.heldout.rows == 0 or (config.heldout.path is None and not folder.is_dir()):
        return {}
    if not folder.is_dir():
        raise UserError(f"heldout.path={folder} is no folder; set heldout.rows=0 to measure nothing.")
    require_whole(folder)
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(("_", ".")))
    return {name: list_files(folder / name, folder) for name in names}


def measure(
    source: HeldoutSource, config: TrainConfig, world: World, forward: Measure
) -> dict[str, float | int | str | None]:
    """The loss over all ranks as a row for metrics.jsonl.

    Collective: each rank does the same number of passes. bits_per_byte = mean loss in bits x tokens per
    byte of the documents read; it compares across tokenizers.
    """
    share = config.micro_rows * world.size
    passes = -(-len(source.ids) // share)
    total, count = 0.0, 0
    for number in range(passes):
        first = number * share + world.rank * config.micro_rows
        part = _padded(source, first, config.micro_rows)
        loss, tokens = forward(*part)
        total, count = total + loss, count + tokens
    sums = world.gather((total, count))
    predicted = sum(tokens for _, tokens in sums)
    loss = sum(part for part, _ in sums) / max(predicted, 1)
    bits = loss / math.log(2) * source.tokens / source.bytes if source.bytes else None
    return {"source": source.name, "loss": loss, "bits_per_byte": bits, "tokens": predicted}


def _padded(source: HeldoutSource, first: int, rows: int) -> tuple[Int32, Int32]:
    """Rows first .. first + rows; rows behind the end consist of one-token documents, which have no loss."""
    shape = (rows, source.ids.shape[1])
    ids, positions = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    have = source.ids[first : first + rows]
    ids[: len(have)], positions[: len(have)] = have, source.positions[first : first + rows]
    return ids, positions


def _pack(name: str, files: tuple[ShardFile, ...], reader: Reader, config: TrainConfig) -> HeldoutSource:
    room = config.heldout.rows * config.length
    ids, positions = np.zeros(room, np.int32), np.zeros(room, np.int32)
    at = tokens = size = 0
    for documents, sizes in _row_groups(files, reader):
        for row in range(len(documents)):
            start, stop = documents.offsets[row], documents.offsets[row + 1]
            count = int(min(stop - start, room - at))
            ids[at : at + count] = documents.values[start : start + count]
            positions[at : at + count] = np.arange(count)
            at, tokens, size = at + count, tokens + int(stop - start), size + int(sizes[row])
            if at == room:
                break
        if at == room:
            break
    rows = -(-at // config.length)
    shape = (-1, config.length)
    ids, positions = (
        ids[: rows * config.length].reshape(shape),
        positions[: rows * config.length].reshape(shape),
    )
    # A document that runs over the edge of a row begins again in the next one, as in training.
    run = np.maximum.accumulate(np.where(positions == 0, np.arange(config.length, dtype=np.int32), 0), axis=1)
    return HeldoutSource(name, ids, np.arange(config.length, dtype=np.int32) - run, tokens, size)


def _row_groups(files: tuple[ShardFile, ...], reader: Reader) -> Iterator[tuple[Documents, list[int]]]:
    for file in files:
        for group, rows in enumerate(file.group_rows):
            documents = reader.read(file, group, 0, rows)
            if "text" in file.columns:
                text = pq.ParquetFile(file.path).read_row_group(group, columns=["text"]).column("text")
                yield documents, pc.fill_null(pc.binary_length(text), 0).to_pylist()
            else:
                yield documents, [0] * rows
