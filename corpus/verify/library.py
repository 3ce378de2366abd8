"""Ids of tables that checks compare with: read once in a run, whoever asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from corpus.engine import manifest, storage
from corpus.verify.gather import Gathered
from corpus.verify.keys import Keys, keys_of
from corpus.verify.scan import BATCH_ROWS
from corpus.verify.sets import KeySet, Spill


class Library:
    """What has been gathered of the folders of this run, and ids of the tables that these came from."""

    def __init__(self, spill: Spill, threads: int) -> None:
        self.spill, self.threads = spill, threads
        self._gathered: dict[str, Gathered] = {}
        self._read: dict[tuple[str, str], KeySet] = {}

    def add(self, folder: str, gathered: Gathered) -> None:
        self._gathered[storage.absolute(folder)] = gathered

    def ids(self, folder: str, table: str) -> KeySet:
        """The ids of a table of a finished stage, whole or not."""
        gathered = self._gathered.get(storage.absolute(folder))
        if gathered is not None and (table, "id") in gathered.keys:
            return gathered.keys[table, "id"]
        return self.ids_of(paths_of(folder, table))

    def ids_of(self, paths: Sequence[str], column: str = "id") -> KeySet:
        """The ids of Parquet files, from one column of theirs."""
        key = ("\n".join(paths), column)
        if key not in self._read:
            keys = self._read[key] = KeySet(self.spill)
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(lambda path: _read_into(keys, path, column), paths))
        return self._read[key]


def paths_of(folder: str, table: str) -> list[str]:
    """The Parquet files of a table of a finished stage."""
    files = manifest.read(folder).tables.get(table, ())
    return [storage.join(folder, file.path) for file in files if file.path.endswith(".parquet")]


def columns_of(path: str) -> list[str]:
    with storage.open_input(path) as stream:
        return list(pq.read_schema(stream).names)


def batches(path: str, columns: Sequence[str], rows: int = BATCH_ROWS) -> Iterator[Any]:
    """Some columns of one file, a bounded number of rows at a time."""
    with storage.open_input(path) as stream:
        yield from pq.ParquetFile(stream, pre_buffer=False).iter_batches(
            rows, columns=list(columns), use_threads=False
        )


def _read_into(keys: KeySet, path: str, column: str) -> None:
    for batch in batches(path, [column]):
        ids = batch.column(0)
        keys.add(keys_of(ids), ids.null_count)


def names_of(paths: Sequence[str], column: str, wanted: Keys) -> Counter[str]:
    """The ids behind hashes, and how often each of them occurs: what was found is confirmed on the ids."""
    ordered, found = np.unique(wanted), Counter[str]()
    if len(ordered):
        for path in paths:
            for batch in batches(path, [column]):
                ids = batch.column(0)
                keys = keys_of(ids)
                at = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
                hits = np.flatnonzero(ordered[at] == keys)
                found.update(str(ids[int(number)].as_py()) for number in hits)
    return found
