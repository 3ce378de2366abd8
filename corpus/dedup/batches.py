"""The work on Arrow batches: what the executors run. No Spark here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.dedup.components import connected_components
from corpus.dedup.config import DedupConfig
from corpus.dedup.leaders import Leaders
from corpus.dedup.minhash import Banding, MinHasher
from corpus.dedup.normalise import normalise, text_key
from corpus.dedup.shingles import Hashes, shingle_set
from corpus.dedup.verify import compare

Batches = Iterator[pa.RecordBatch]
BatchFunction = Callable[[Batches], Batches]

_TEXT, _LONG, _REAL = pa.string(), pa.int64(), pa.float64()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


# A rank sorts pages from the best to the last: higher score, then longer text, then smaller id.
RANK = pa.struct(list(_schema(score=_REAL, length=_LONG, id=_TEXT)))
SKETCH = _schema(
    id=_TEXT,
    url=_TEXT,
    agent_score=pa.float32(),
    digest=_TEXT,
    length=_LONG,
    text_key=_TEXT,
    shingles=_LONG,
    bands=pa.list_(_LONG),
)
SHINGLES = _schema(id=_TEXT, hashes=pa.binary())
EDGES = _schema(a=_TEXT, b=_TEXT, a_rank=RANK, b_rank=RANK, jaccard=_REAL, containment=_REAL)
REMOVED = _schema(removed=_TEXT, kept_id=_TEXT, jaccard=_REAL, containment=_REAL)
ROOTS = _schema(id=_TEXT, root=_TEXT)


@lru_cache(maxsize=4)
def _hasher(banding: Banding, seed: int) -> MinHasher:
    return MinHasher(banding, seed)


def _shingles_of(normalised: str, config: DedupConfig) -> Hashes:
    return shingle_set(normalised, config.shingle_size, least=config.min_words, most=config.max_words)


def sketch(config: DedupConfig) -> BatchFunction:
    """(id, url, agent_score, digest, text) to SKETCH: the key of the text and the hashes of its bands."""

    def run(batches: Batches) -> Batches:
        hasher = _hasher(config.banding(), config.seed)
        for batch in batches:
            keys, lengths, sizes, bands = [], [], [], []
            for value in batch.column("text"):
                text = value.as_py()
                normalised = normalise(text)
                shingles = _shingles_of(normalised, config)
                keys.append(text_key(normalised))
                lengths.append(len(text))
                sizes.append(len(shingles))
                bands.append(hasher.bands(shingles))
            passed: dict[str, Any] = {
                name: batch.column(name) for name in ("id", "url", "agent_score", "digest")
            }
            passed |= {"length": lengths, "text_key": keys, "shingles": sizes, "bands": bands}
            yield pa.RecordBatch.from_pydict(passed, schema=SKETCH)

    return run


def shingle(config: DedupConfig) -> BatchFunction:
    """(id, text) to SHINGLES: the sorted 64-bit hashes as bytes, which Spark moves without unpacking them."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            texts = (value.as_py() for value in batch.column("text"))
            hashes = [_shingles_of(normalise(text), config).tobytes() for text in texts]
            yield pa.RecordBatch.from_pydict({"id": batch.column("id"), "hashes": hashes}, schema=SHINGLES)

    return run


def verify(config: DedupConfig) -> BatchFunction:
    """Candidate pairs with both shingle sets (a_hashes, b_hashes) to the EDGES that reach the threshold."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            rows, jaccards, containments = [], [], []
            pairs = zip(batch.column("a_hashes"), batch.column("b_hashes"))
            for row, (first, second) in enumerate(pairs):
                found = compare(_as_hashes(first), _as_hashes(second))
                if found.jaccard >= config.threshold:
                    rows.append(row)
                    jaccards.append(found.jaccard)
                    containments.append(found.containment)
            taken = pa.array(rows, pa.int64())
            columns: dict[str, Any] = {
                name: batch.column(name).take(taken) for name in ("a", "b", "a_rank", "b_rank")
            }
            columns |= {"jaccard": jaccards, "containment": containments}
            yield pa.RecordBatch.from_pydict(columns, schema=EDGES)

    return run


def remove(batches: Batches) -> Batches:
    """Sorted edges (component, a, b, jaccard, containment) to REMOVED; `leaders.Leaders` says the order."""
    leaders = Leaders()
    for batch in batches:
        names = zip(*(batch.column(name).to_pylist() for name in ("component", "a", "b")))
        taken = pa.array([row for row, edge in enumerate(names) if leaders.removes(*edge)], pa.int64())
        columns = [batch.column(name).take(taken) for name in ("b", "a", "jaccard", "containment")]
        yield pa.RecordBatch.from_arrays(columns, schema=REMOVED)


def solve(edges: pa.Table) -> tuple[pa.Table, pa.Table]:
    """EDGES in any order to (REMOVED, ROOTS), in memory; equal to what the DataFrames make of them."""
    rows = edges.to_pylist()
    roots = connected_components((row["a"], row["b"]) for row in rows)
    rows.sort(
        key=lambda row: (roots[row["a"]], *(tuple(row[name].values()) for name in ("a_rank", "b_rank")))
    )
    leaders = Leaders()
    taken = [row for row in rows if leaders.removes(roots[row["a"]], row["a"], row["b"])]
    renamed = {"removed": "b", "kept_id": "a", "jaccard": "jaccard", "containment": "containment"}
    removed = pa.table({new: [row[old] for row in taken] for new, old in renamed.items()}, schema=REMOVED)
    return removed, pa.table({"id": list(roots), "root": list(roots.values())}, schema=ROOTS)


def _as_hashes(value: Any) -> Hashes:
    """The numbers in a binary value, without a copy."""
    data: Hashes = np.frombuffer(value.as_buffer(), np.uint64)
    return data
