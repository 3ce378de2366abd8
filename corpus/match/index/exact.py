"""The nearest seeds, found exactly.

Vectors are stored as float16 and compared as whole numbers held in float32. With a scale of 4,000 no partial
sum of two unit vectors reaches 2^24, so every product is exact: scores depend neither on the order of
summation nor on the sizes of the blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SCALE = 4000.0
_BLOCK = 8192  # seeds per block of the product: what is unpacked from the file at one time
_PAGES = 512  # pages per block: a product takes 16 MiB
Half = npt.NDArray[np.float16]
Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Skip = npt.NDArray[np.int64] | npt.NDArray[np.bool_]


def whole_numbers(vectors: Vectors | Half) -> Vectors:
    """Unit vectors times SCALE, rounded: whole numbers as float32."""
    scaled: Vectors = np.rint(np.asarray(vectors, np.float32) * np.float32(SCALE))
    return scaled


def as_cosine(products: Vectors) -> Vectors:
    return (products / np.float32(SCALE * SCALE)).round(4)


def nearest(seeds: Half, pages: Vectors, k: int, skip: Skip | None = None) -> tuple[Rows, Vectors]:
    """(rows of the k nearest seeds, cosines) [pages, k], highest first, of equals the lower row first.

    Where there are fewer than k seeds the rest is row -1 and cosine -inf. `skip`: either a mask of seeds that
    do not count, or for each page the row of one that does not.
    """
    found = [
        _nearest(seeds, pages[at : at + _PAGES], k, _part(skip, at)) for at in range(0, len(pages), _PAGES)
    ]
    if not found:
        return np.empty((0, k), np.int64), np.empty((0, k), np.float32)
    return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])


def _part(skip: Skip | None, at: int) -> Skip | None:
    return skip if skip is None or skip.dtype == np.bool_ else skip[at : at + _PAGES]


def _nearest(seeds: Half, pages: Vectors, k: int, skip: Skip | None) -> tuple[Rows, Vectors]:
    queries = whole_numbers(pages)
    rows = np.full((len(pages), k), -1, np.int64)
    best = np.full((len(pages), k), -np.inf, np.float32)
    for start in range(0, len(seeds), _BLOCK):
        scores = queries @ whole_numbers(seeds[start : start + _BLOCK]).T
        _leave_out(scores, skip, start)
        at = _top(scores, k)
        rows, best = merged(
            np.concatenate([rows, at + start], axis=1),
            np.concatenate([best, np.take_along_axis(scores, at, axis=1)], axis=1),
            k,
        )
    return rows, as_cosine(best)


def _leave_out(scores: Vectors, skip: Skip | None, start: int) -> None:
    if skip is None:
        return
    if skip.dtype == np.bool_:
        scores[:, skip[start : start + scores.shape[1]]] = -np.inf
    else:
        here = np.flatnonzero((skip >= start) & (skip < start + scores.shape[1]))
        scores[here, skip[here] - start] = -np.inf


def _top(scores: Vectors, k: int) -> Rows:
    """Columns of the k highest scores of each row, in any order. Of equal scores lower columns are taken."""
    width = scores.shape[1]
    if width <= k:
        return np.broadcast_to(np.arange(width, dtype=np.int64), scores.shape)
    if k == 1:
        return np.asarray(scores.argmax(axis=1)[:, None], np.int64)
    # a score has 24 bits and a column 13: together they are one exact double, and no two are equal
    keys = np.arange(width, dtype=np.float64) - scores.astype(np.float64) * _BLOCK
    found: Rows = np.argpartition(keys, k - 1, axis=1)[:, :k].astype(np.int64)
    return found


def merged(rows: Rows, scores: Vectors, k: int) -> tuple[Rows, Vectors]:
    """The k best of each line: highest score first, of equals the lower row. No seed, row -1, scores -inf."""
    rows = np.where(np.isneginf(scores), -1, rows)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
