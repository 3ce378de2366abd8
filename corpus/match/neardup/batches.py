"""The search for near-duplicates on Arrow batches: what the executors run. No Spark here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from corpus.match.index.exact import SCALE, Vectors, whole_numbers
from corpus.match.neardup.cells import nearest_cells, unpack
from corpus.match.neardup.leaders import Cell

Batches = Iterator[pa.RecordBatch]
BatchFunction = Callable[[Batches], Batches]
_LONG = pa.int64()
PAGES = pa.schema([("node", _LONG), ("vector", pa.binary())])
MEMBERS = pa.schema([("cell", _LONG), ("node", _LONG), ("vector", pa.binary())])
# The edges of corpus.dedup.graph: `a` is the better page; the cosine stands in the place of `jaccard`.
EDGES = pa.schema([("a", _LONG), ("b", _LONG), ("jaccard", pa.float64()), ("containment", pa.float64())])


def assign(pivots: Vectors, probes: int) -> BatchFunction:
    """PAGES to MEMBERS: each page in the cells of its nearest pivots."""

    def run(batches: Batches) -> Batches:
        for batch in batches:
            if not batch.num_rows:
                continue
            cells = nearest_cells(unpack(batch.column("vector").to_pylist()), pivots, probes)
            rows = pa.array(np.repeat(np.arange(len(cells)), cells.shape[1]))
            columns = [pa.array(cells.ravel()), *(batch.column(name).take(rows) for name in PAGES.names)]
            yield pa.RecordBatch.from_arrays(columns, schema=MEMBERS)

    return run


def lead(threshold: float) -> BatchFunction:
    """MEMBERS sorted by (cell, node) to EDGES: in each cell a star around each page that leads."""

    def run(batches: Batches) -> Batches:
        current, cell = None, Cell(threshold)
        for batch in batches:
            found: list[tuple[int, int, float]] = []
            numbers = batch.column("cell").to_numpy(zero_copy_only=False)
            ends = [*(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
            start = 0
            for end in ends if len(numbers) else []:
                if numbers[start] != current:
                    current, cell = int(numbers[start]), Cell(threshold)
                some = batch.slice(start, end - start)
                vectors = unpack(some.column("vector").to_pylist())
                found += cell.near(some.column("node").to_pylist(), vectors)
                start = end
            arrays = [pa.array([row[n] for row in found], EDGES.field(n).type) for n in range(3)]
            arrays.append(pa.array(np.zeros(len(found))))
            yield pa.RecordBatch.from_arrays(arrays, schema=EDGES)

    return run


def seen(sample: dict[int, bytes], threshold: float) -> BatchFunction:
    """PAGES to a row (node) for each page of the sample that has a better page of this task beside it.

    Every page is compared with every one of the sample: this is what the cells are measured against.
    """
    nodes = np.array(sorted(sample), np.int64)
    vectors = whole_numbers(unpack([sample[int(node)] for node in nodes]))
    least = np.float32(np.ceil(np.float64(threshold) * SCALE * SCALE))

    def run(batches: Batches) -> Batches:
        met = np.zeros(len(nodes), bool)
        for batch in batches:
            if batch.num_rows:
                better = batch.column("node").to_numpy()[:, None] < nodes[None, :]
                scores = whole_numbers(unpack(batch.column("vector").to_pylist())) @ vectors.T
                met |= ((scores >= least) & better).any(axis=0)
        yield pa.RecordBatch.from_arrays([pa.array(nodes[met])], names=["node"])

    return run
