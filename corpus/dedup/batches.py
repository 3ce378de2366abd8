"""The work on Arrow batches: what the executors run. No Spark here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.dedup.address import payload_key, url_key
from corpus.dedup.components import connected_components
from corpus.dedup.config import DedupConfig
from corpus.dedup.leaders import Leaders
from corpus.dedup.minhash import Banding, MinHasher
from corpus.dedup.prefix import Common, leads, prefix
from corpus.dedup.shingles import Hashes, digest, pack, unpack
from corpus.dedup.verify import compare

Batches = Iterator[pa.RecordBatch]
BatchFunction = Callable[[Batches], Batches]

_TEXT, _LONG, _INT, _REAL = pa.string(), pa.int64(), pa.int32(), pa.float64()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


# What a page is compared by. The table `index` holds the same for later runs.
SKETCH = _schema(
    id=_TEXT,
    url=_TEXT,
    score=pa.float32(),
    digest=_TEXT,
    date=_LONG,
    length=_LONG,
    text_key=_TEXT,
    url_key=_LONG,
    shingles=_INT,
    bands=pa.list_(_LONG),
    hashes=pa.binary(),
    sample_key=_LONG,
)
# A page in a bucket. `position` counts from 1 among the page's rare shingles, 0 where the bucket is a band;
# `leads` says that it must be compared with the larger pages there.
MEMBERS = _schema(bucket=_LONG, node=_LONG, shingles=_INT, position=_INT, leads=pa.bool_())
TOKENS = _schema(token=_LONG)
EDGES = _schema(a=_LONG, b=_LONG, jaccard=_REAL, containment=_REAL)
REMOVED = _schema(removed=_LONG, survivor=_LONG, jaccard=_REAL, containment=_REAL)
ROOTS = _schema(node=_LONG, root=_LONG)


@lru_cache(maxsize=4)
def _hasher(banding: Banding, seed: int) -> MinHasher:
    return MinHasher(banding, seed)


def sketch(config: DedupConfig) -> BatchFunction:
    """(id, url, score, digest, date, text) to SKETCH.

    Beside the hashes of its bands a page with shingles lies in a bucket of its address and one of its
    payload: captures of one page and readings of one payload are always compared, however unlike their texts
    are.
    """

    def run(batches: Batches) -> Batches:
        for batch in batches:
            rows: dict[str, list[Any]] = {
                name: []
                for name in ("length", "text_key", "url_key", "shingles", "bands", "hashes", "sample_key")
            }
            columns = (batch.column(name) for name in ("url", "digest", "text"))
            for url, payload, value in zip(*columns):
                sketched = _sketch(value.as_py(), url.as_py(), payload.as_py(), config)
                for name, cell in sketched.items():
                    rows[name].append(cell)
            passed: dict[str, Any] = {
                name: batch.column(name) for name in ("id", "url", "score", "digest", "date")
            }
            yield pa.RecordBatch.from_pydict(passed | rows, schema=SKETCH)

    return run


def _sketch(text: str, url: str, payload: str | None, config: DedupConfig) -> dict[str, Any]:
    hasher = _hasher(config.banding(), config.seed)
    found = digest(text, config.shingle_size, least=config.min_words, most=config.max_words)
    bands: list[int] = hasher.bands(found.shingles).tolist()
    address = url_key(url)
    if bands:
        bands += [key for key in (address, payload_key(payload)) if key is not None]
    return {
        "length": len(text),
        "text_key": found.key,
        "url_key": address,
        "shingles": len(found.shingles),
        "bands": bands,
        "hashes": pack(found.shingles),
        "sample_key": hasher.sample_key(found.shingles),
    }


def tokens(batches: Batches) -> Batches:
    """(hashes) to TOKENS: one row for each shingle."""
    for batch in batches:
        for value in batch.column("hashes"):
            yield pa.RecordBatch.from_arrays([pa.array(_hashes(value).astype(np.int64))], schema=TOKENS)


def prefixes(config: DedupConfig, common: Common) -> BatchFunction:
    """(node, shingles, hashes) to MEMBERS, with the rarest shingles of each page as its buckets."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            found = [
                prefix(_hashes(value), config.threshold, common).astype(np.int64)
                for value in batch.column("hashes")
            ]
            times = np.array([len(one) for one in found], np.int64)
            rows = pa.array(np.repeat(np.arange(len(found)), times))
            sizes = batch.column("shingles").take(rows)
            position = np.concatenate(
                [np.empty(0, np.int32), *(np.arange(1, n + 1, dtype=np.int32) for n in times)]
            )
            columns = [
                pa.array(np.concatenate([np.empty(0, np.int64), *found])),
                batch.column("node").take(rows),
                sizes,
                pa.array(position, pa.int32()),
                pa.array(leads(position, sizes.to_numpy(), config.threshold)),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=MEMBERS)

    return run


def verify(config: DedupConfig) -> BatchFunction:
    """Sorted (a, b, hashes) to the EDGES that suffice.

    For each `a` the first row has no `b` and holds the hashes of `a` itself, the rows behind it those of the
    pages that are compared with it: so the set of a page moves once, however many it is compared with.
    """

    def run(batches: Batches) -> Batches:
        page, of_page = None, np.empty(0, np.uint64)
        for batch in batches:
            rows: list[tuple[int, int, float, float]] = []
            for a, b, value in zip(
                batch.column("a").to_pylist(), batch.column("b").to_pylist(), batch.column("hashes")
            ):
                if b is None:
                    page, of_page = a, _hashes(value)
                    continue
                if a != page:
                    raise AssertionError(f"the hashes of page {a} did not come before its pairs")
                found = compare(of_page, _hashes(value))
                if found.suffices(config.threshold, config.containment):
                    rows.append((a, b, found.jaccard, found.containment))
            columns: list[Sequence[Any]] = list(zip(*rows)) or [[]] * len(EDGES)
            yield pa.RecordBatch.from_arrays(
                [pa.array(cells, field.type) for cells, field in zip(columns, EDGES)], schema=EDGES
            )

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
    edges = edges.sort_by([("a", "ascending"), ("b", "ascending")])
    pairs = list(zip(edges["a"].to_pylist(), edges["b"].to_pylist()))
    roots = connected_components(pairs)
    leaders = Leaders()  # all pages have one order, so one pass serves all components
    taken = edges.take(pa.array([row for row, pair in enumerate(pairs) if leaders.removes(0, *pair)], _LONG))
    removed = taken.select(["b", "a", "jaccard", "containment"]).rename_columns(REMOVED.names)
    return removed.cast(REMOVED), pa.table({"node": list(roots), "root": list(roots.values())}, schema=ROOTS)


def _hashes(value: Any) -> Hashes:
    return unpack(value.as_buffer())
