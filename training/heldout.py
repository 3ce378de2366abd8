"""Loss on the held-out slice, per source, in nats and in bits per byte.

It is taken over the same rows in the same order each time.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.engine.errors import UserError
from training.config import TrainConfig
from training.data.arrays import IGNORE, Int32
from training.data.documents import Documents, Reader
from training.data.shards import ShardFile, list_sources
from training.data.stores.cache import ShardCache
from training.data.tokens import Tokenizer
from training.parallel import World
from training.safety.blame import Probe, Rows, padded


@dataclass(frozen=True)
class HeldoutSource:
    """The first rows of one source. `tokens` and `bytes` count the documents that were read for them."""

    name: str
    ids: Int32
    positions: Int32
    labels: Int32
    tokens: int
    bytes: int

    def rows(self, first: int, count: int) -> Rows:
        """Rows first .. first + count; those behind the end hold nothing that has a loss."""
        window = slice(min(first, len(self.ids)), first + count)
        return padded(Rows(self.ids[window], self.positions[window], self.labels[window]), count)


def open_heldout(config: TrainConfig, tokenizer: Tokenizer, vocabulary: int) -> list[HeldoutSource]:
    """Pack the held-out rows of every source, documents in file order; empty if there is no folder."""
    cache = ShardCache(config.store)
    reader = Reader(tokenizer, vocabulary, cache)
    found = (_pack(name, files, reader, config) for name, files in find_files(config, cache).items())
    return [source for source in found if source.tokens]


def find_files(config: TrainConfig, cache: ShardCache | None = None) -> dict[str, tuple[ShardFile, ...]]:
    """The files of each held-out source; empty if nothing is to be measured."""
    remote = "://" in config.data
    beside = config.data.rstrip("/").rpartition("/")[0] + "/heldout" if remote else None
    folder = config.heldout.path or beside or str(Path(os.path.abspath(config.data)).parent / "heldout")
    is_local = "://" not in folder
    if config.heldout.rows == 0 or (config.heldout.path is None and is_local and not Path(folder).is_dir()):
        return {}
    if is_local and not Path(folder).is_dir():
        raise UserError(f"heldout.path={folder} is no folder; set heldout.rows=0 to measure nothing.")
    return list_sources(folder, config.store, cache)


def measure(
    source: HeldoutSource, config: TrainConfig, world: World, row_losses: Probe
) -> dict[str, float | int | str | None]:
    """The loss over all ranks as a row for metrics.jsonl.

    Collective: each rank does the same number of passes. bits_per_byte = mean loss in bits x tokens per
    byte of the documents read; it compares across tokenizers.
    """
    share = config.micro_rows * world.size
    losses: list[float] = []
    for first in range(0, len(source.ids), share):
        losses += row_losses(*source.rows(first + world.rank * config.micro_rows, config.micro_rows)).tolist()
    # Summed in one order of rows, whatever the number of ranks: the last bit of the loss is theirs alone.
    passes = [losses[at : at + config.micro_rows] for at in range(0, len(losses), config.micro_rows)]
    total = math.fsum(loss for ranks in zip(*world.gather(passes)) for part in ranks for loss in part)
    predicted = int(np.count_nonzero(source.labels[:, 1:] != IGNORE))
    loss = total / max(predicted, 1)
    bits = loss / math.log(2) * source.tokens / source.bytes if source.bytes else None
    return {"source": source.name, "loss": loss, "bits_per_byte": bits, "tokens": predicted}


def _pack(name: str, files: tuple[ShardFile, ...], reader: Reader, config: TrainConfig) -> HeldoutSource:
    room = config.heldout.rows * config.length
    ids, positions = np.zeros(room, np.int32), np.zeros(room, np.int32)
    counted = np.zeros(room, np.bool_)
    at = tokens = size = 0
    for documents, row, bytes_ in _documents(files, reader):
        start, stop = int(documents.offsets[row]), int(documents.offsets[row + 1])
        count = min(stop - start, room - at)
        ids[at : at + count] = documents.values[start : start + count]
        positions[at : at + count] = np.arange(count)
        counted[at : at + count] = True if documents.loss is None else documents.loss[start : start + count]
        at, tokens, size = at + count, tokens + stop - start, size + bytes_
        if at == room:
            break
    shape = (-(-at // config.length), config.length)
    end = shape[0] * shape[1]
    # A document that runs over the edge of a row begins again in the next one, as in training.
    places = np.arange(config.length, dtype=np.int32)
    begins = np.where(positions[:end].reshape(shape) == 0, places, 0)
    restarted = places - np.maximum.accumulate(begins, axis=1)
    rows = ids[:end].reshape(shape)
    labels = np.where(counted[:end].reshape(shape) & (restarted > 0), rows, IGNORE).astype(np.int32)
    return HeldoutSource(name, rows, restarted, labels, tokens, size)


def _documents(files: tuple[ShardFile, ...], reader: Reader) -> Iterator[tuple[Documents, int, int]]:
    """(documents of a row group, number of one of them, bytes of its text), in file order."""
    for file in files:
        for group, rows in enumerate(file.group_rows):
            documents, sizes = reader.read(file, group), reader.text_bytes(file, group)
            yield from ((documents, row, int(sizes[row])) for row in range(rows))
