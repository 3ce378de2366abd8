"""The seeds as vectors in one file, and the nearest of them, found exactly.

Vectors are stored as float16 (`embeddings.npy`, rows as in `seeds.parquet`) and compared as whole numbers
held in float32. With a scale of 4,000 no partial sum of two unit vectors reaches 2^24, so every product is
exact: scores depend neither on the order of summation nor on the sizes of the blocks.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.tables import INDEX
from corpus.match.encoder import Vectors

VECTORS, SEEDS = "embeddings.npy", "seeds.parquet"
SCALE = 4000.0
_BLOCK = 8192  # seeds per block of the product: what is unpacked from the file at one time
Half = npt.NDArray[np.float16]


def whole_numbers(vectors: Vectors | Half) -> Vectors:
    """Unit vectors times SCALE, rounded: whole numbers as float32."""
    scaled: Vectors = np.rint(np.asarray(vectors, np.float32) * np.float32(SCALE))
    return scaled


@dataclass(frozen=True)
class SeedIndex:
    """Vectors [seeds, dimensions] beside what is known of each seed, both in the order of the seeds' ids."""

    vectors: Half
    seeds: pa.Table

    def nearest(
        self, pages: Vectors, skip: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.int64], Vectors]:
        """(row of the nearest seed, cosine similarity) for each page vector; of equals the first seed.

        `skip` names one seed per page that does not count: itself, when seeds are compared with each other.
        """
        best = np.full(len(pages), -np.inf, np.float32)
        rows = np.zeros(len(pages), np.int64)
        if not len(pages):
            return rows, best
        queries = whole_numbers(pages)
        for start in range(0, len(self.vectors), _BLOCK):
            scores = queries @ whole_numbers(self.vectors[start : start + _BLOCK]).T
            if skip is not None:
                here = np.flatnonzero((skip >= start) & (skip < start + scores.shape[1]))
                scores[here, skip[here] - start] = -np.inf
            at = scores.argmax(axis=1)
            found = scores[np.arange(len(pages)), at]
            better = found > best
            best[better], rows[better] = found[better], at[better] + start
        return rows, (best / np.float32(SCALE * SCALE)).round(4)


def write_index(folder: str, seeds: pa.Table, vectors: Half) -> list[OutputFile]:
    """Publish the index below the stage folder `folder`; the files for its manifest."""
    target = storage.join(folder, INDEX.name)
    buffer = io.BytesIO()
    np.save(buffer, vectors, allow_pickle=False)
    data = buffer.getvalue()
    storage.write_bytes(storage.join(target, VECTORS), data)
    with PartWriter(target, SEEDS, INDEX.schema) as writer:
        for batch in seeds.to_batches():
            writer.write(batch)
    assert writer.result is not None
    listed = OutputFile(VECTORS, len(vectors), len(data), hashlib.sha256(data).hexdigest())
    return [OutputFile(f"{INDEX.name}/{f.path}", f.rows, f.bytes, f.sha256) for f in (listed, writer.result)]


@lru_cache(maxsize=2)
def read_index(folder: str) -> SeedIndex:
    """The index of a stage folder, once per process; local vectors are mapped, not read."""
    path = storage.join(folder, INDEX.name, VECTORS)
    if "://" in path:
        vectors = np.load(io.BytesIO(storage.read_bytes(path)), allow_pickle=False)
    else:
        vectors = np.load(os.path.abspath(path), mmap_mode="r", allow_pickle=False)
    with storage.open_input(storage.join(folder, INDEX.name, SEEDS)) as stream:
        return SeedIndex(vectors, pq.read_table(stream))
