"""Many seeds: an inverted file of product-quantised vectors (faiss) proposes, the stored vectors decide.

Candidates are scored again with the exact product, so a score never depends on how a seed was found. How many
lists are probed and how many candidates are taken follows from the recall measured when the index is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.engine.errors import UserError
from corpus.match.index import exact
from corpus.match.index.exact import Half, Rows, Skip, Vectors

WANTED_RECALL, RECALL_AT = 0.98, 10
_MARGIN = 0.005  # what the sample of queries may err
_QUERIES = 256
_CODE_DIMENSIONS = (6, 3, 2)  # of a vector that one byte of its code stands for, coarsest first
_TRAIN_PER_LIST = 48
LEAST = 39 * 256  # seeds; faiss wants 39 examples for each of a code's 256 values
_ADD = 65_536
_PAGES = 32  # per block of the second scoring


@dataclass(frozen=True)
class Search:
    """How an index is asked: lists probed, and candidates that are scored again."""

    probes: int
    candidates: int
    recall: float


def faiss_module() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise UserError(
            "an approximate index needs faiss-cpu, which is not there; install hephaestus-forge[embed], or "
            "take search=exact."
        ) from error
    return faiss


def build(vectors: Half, path: Path) -> Search:
    """Train, fill and write an index of all vectors [seeds, dimensions]; returns how it is to be asked.

    There are LEAST vectors or more. Codes are made finer until the recall is reached.
    """
    faiss = faiss_module()
    count, width = vectors.shape
    lists = int(2 ** round(np.log2(max(np.sqrt(count), 1))))
    rows = _spread(count, max(_TRAIN_PER_LIST * lists, LEAST))
    train = np.asarray(vectors[rows], np.float32)
    for dimensions in _CODE_DIMENSIONS:
        codes = next(m for m in range(max(width // dimensions, 1), 0, -1) if width % m == 0)
        quantiser = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFPQ(quantiser, width, lists, codes, 8, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.niter = 1, 10
        index.train(train)
        for start in range(0, count, _ADD):
            index.add(np.asarray(vectors[start : start + _ADD], np.float32))
        search = _tuned(index, vectors)
        if search.recall >= WANTED_RECALL + _MARGIN:
            break
    faiss.write_index(index, str(path))
    return search


def open_index(path: Path) -> Any:
    """The index with its lists mapped from the file, not read."""
    faiss = faiss_module()
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP)


def nearest(
    index: Any, search: Search, vectors: Half, pages: Vectors, k: int, *, skip: Skip | None = None
) -> tuple[Rows, Vectors]:
    """Like exact.nearest, among the candidates that the index proposes."""
    if not len(pages):
        return np.empty((0, k), np.int64), np.empty((0, k), np.float32)
    index.nprobe = search.probes
    wanted = max(search.candidates, 4 * k)
    _, rows = index.search(np.ascontiguousarray(pages, np.float32), min(wanted, len(vectors)))
    scores = np.concatenate(
        [
            _scores(vectors, pages[at : at + _PAGES], rows[at : at + _PAGES])
            for at in range(0, len(pages), _PAGES)
        ]
    )
    scores[rows < 0] = -np.inf
    if skip is not None:
        gone = skip[np.maximum(rows, 0)] if skip.dtype == np.bool_ else rows == skip[:, None]
        scores[gone] = -np.inf
    if rows.shape[1] < k:
        room = ((0, 0), (0, k - rows.shape[1]))
        rows = np.pad(rows, room, constant_values=-1)
        scores = np.pad(scores, room, constant_values=-np.inf)
    found, best = exact.merged(rows.astype(np.int64), scores, k)
    return found, exact.as_cosine(best)


def _scores(vectors: Half, pages: Vectors, rows: Rows) -> Vectors:
    seeds = exact.whole_numbers(vectors[np.maximum(rows, 0)])
    products: Vectors = np.matmul(seeds, exact.whole_numbers(pages)[:, :, None])[:, :, 0]
    return products


def _tuned(index: Any, vectors: Half) -> Search:
    """The fewest probes and candidates whose recall@10 reaches what is wanted, with seeds as the queries."""
    rows = _spread(len(vectors), _QUERIES)
    queries = np.asarray(vectors[rows], np.float32)
    truth, _ = exact.nearest(vectors, queries, RECALL_AT, skip=rows)
    best = Search(index.nlist, 100 * RECALL_AT, 0.0)
    for candidates in (10 * RECALL_AT, 30 * RECALL_AT, 100 * RECALL_AT):
        probes = 4
        while probes <= index.nlist:
            tried = Search(probes, candidates, 0.0)
            found, _ = nearest(index, tried, vectors, queries, RECALL_AT, skip=rows)
            recall = recall_of(found, truth)
            if recall >= WANTED_RECALL + _MARGIN:
                return Search(probes, candidates, recall)
            best = max(best, Search(probes, candidates, recall), key=lambda search: search.recall)
            probes *= 2
    return best


def recall_of(found: Rows, truth: Rows) -> float:
    """The mean share of the true neighbours that were found."""
    hits = [len(set(one[one >= 0]) & set(other[other >= 0])) for one, other in zip(found, truth)]
    there = int((truth >= 0).sum())
    return round(sum(hits) / there, 4) if there else 1.0


def _spread(count: int, most: int) -> Rows:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round()).astype(np.int64)
