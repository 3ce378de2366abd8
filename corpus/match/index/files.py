"""The index as files of the stage folder, and as every process opens it: mapped from a local disk.

`vectors.npy` (float16 [seeds, dimensions]) and `seeds.parquet` have a row for each seed, in the same order.
`ivfpq.faiss` is there where the seeds are too many to be compared one by one; `index.json` says how to ask
it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import OutputFile
from corpus.match.encoding import cache
from corpus.match.encoding.names import sha256_of
from corpus.match.index import approximate, exact
from corpus.match.index.approximate import Search
from corpus.match.index.exact import Half, Rows, Skip, Vectors
from corpus.match.score.schema import SEED_ROWS

FOLDER = "index"
VECTORS, SEEDS, GRAPH, ABOUT = "vectors.npy", "seeds.parquet", "ivfpq.faiss", "index.json"
AUTO, EXACT, APPROXIMATE = SEARCHES = ("auto", "exact", "approximate")
MOST_EXACT = 50_000  # seeds up to which `auto` compares a page with every one: below a fifth of its encoding


@dataclass(frozen=True)
class SeedIndex:
    """Vectors [seeds, dimensions], what is known of each seed (SEED_ROWS), and how they are searched."""

    vectors: Half
    seeds: pa.Table
    search: Search | None = None
    graph: Any = None

    def nearest(self, pages: Vectors, k: int, skip: Skip | None = None) -> tuple[Rows, Vectors]:
        """(rows of the k nearest seeds, cosines) [pages, k]; see exact.nearest."""
        if self.search is None or not len(pages):
            return exact.nearest(self.vectors, pages, k, skip)
        return approximate.nearest(self.graph, self.search, self.vectors, pages, k, skip=skip)


def write_index(
    folder: str,
    parts: Iterable[tuple[pa.Table, Half]],
    *,
    count: int,
    width: int,
    search: str = AUTO,
) -> list[OutputFile]:
    """Publish the index below the stage folder `folder`; the files for its manifest.

    `parts` yields SEED_ROWS and vectors in the order of seed_row, `count` rows of `width` dimensions in all;
    no more than a part is held in memory. Too few seeds to train an approximate index are searched exactly.
    """
    with tempfile.TemporaryDirectory(prefix="hephaestus-index-") as name:
        local = Path(name)
        vectors = np.lib.format.open_memmap(
            str(local / VECTORS), mode="w+", dtype=np.float16, shape=(count, width)
        )
        at = 0
        with pq.ParquetWriter(local / SEEDS, SEED_ROWS, compression="zstd") as writer:
            for table, half in parts:
                vectors[at : at + len(half)] = half
                writer.write_table(table.select(SEED_ROWS.names).cast(SEED_ROWS))
                at += len(half)
        vectors.flush()
        if at != count:
            raise ValueError(f"{at} seeds came, {count} were announced")
        asked = None
        least = {AUTO: MOST_EXACT + 1, APPROXIMATE: approximate.LEAST}.get(search)
        if least is not None and count >= least:
            asked = approximate.build(vectors, local / GRAPH)
        about = {"seeds": count, "dimensions": width, "search": asdict(asked) if asked else None}
        names = [VECTORS, SEEDS, *([GRAPH] if asked else [])]
        about["sha256"] = {name: sha256_of(local / name) for name in names}
        (local / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
        del vectors
        rows = dict.fromkeys((VECTORS, SEEDS), count)
        return [_published(local / name, folder, rows.get(name, 0)) for name in [*names, ABOUT]]


def _published(path: Path, folder: str, rows: int) -> OutputFile:
    """Copy a file to the store, whole or not at all."""
    target = storage.join(folder, FOLDER, path.name)
    with _written(target) as stream, open(path, "rb") as source:
        shutil.copyfileobj(source, stream, 1 << 20)
    return OutputFile(f"{FOLDER}/{path.name}", rows, path.stat().st_size, sha256_of(path))


@contextmanager
def _written(target: str) -> Iterator[Any]:
    temporary = storage.temporary_name(target)
    filesystem, inner = storage.resolve(temporary)
    filesystem.create_dir(inner.rpartition("/")[0], recursive=True)
    try:
        with filesystem.open_output_stream(inner) as stream:
            yield stream
        storage.rename(temporary, target)
    except BaseException:
        storage.remove(temporary)
        raise


def read_index(folder: str) -> SeedIndex:
    """The index of a stage folder, once per process. From a store it is copied to the local disk once."""
    return _read_index(folder, storage.read_bytes(storage.join(folder, FOLDER, ABOUT)))


@lru_cache(maxsize=2)
def _read_index(folder: str, written: bytes) -> SeedIndex:
    """`written`: what index.json holds, with the hashes of all files, so that a new index is read anew."""
    about = json.loads(written)
    local = local_folder(storage.join(folder, FOLDER), about["sha256"])
    vectors = np.load(local / VECTORS, mmap_mode="r", allow_pickle=False)
    seeds = pq.read_table(local / SEEDS, memory_map=True)
    if about["search"] is None:
        return SeedIndex(vectors, seeds)
    return SeedIndex(vectors, seeds, Search(**about["search"]), approximate.open_index(local / GRAPH))


def local_folder(folder: str, sha256: dict[str, str]) -> Path:
    """Where the files of `folder` (name to sha256) lie on a local disk: there, or as a verified copy."""
    if "://" not in folder:
        return Path(folder).absolute()
    key = hashlib.sha256(json.dumps(sha256, sort_keys=True).encode()).hexdigest()
    return cache.built("copy", key, partial(_copy, folder, sha256))


def _copy(folder: str, sha256: dict[str, str], local: Path) -> None:
    for name, wanted in sha256.items():
        with storage.open_input(storage.join(folder, name)) as source, open(local / name, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        if sha256_of(local / name) != wanted:
            raise UserError(f"{storage.redact(folder)}/{name} is not the file that was written; match again.")
