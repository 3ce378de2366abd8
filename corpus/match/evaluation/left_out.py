"""Seed sources left out in turn: do the items of a source find their like in the others? Plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.match.index.exact import SCALE, Vectors, whole_numbers
from corpus.match.select.background import LEAST_GENERAL, backgrounds

TARGET = 0.95
LEAST_ITEMS = 5  # of a source that is worth a line
PER_SOURCE = 200  # items of a source that are looked at
_BLOCK = 8192


@dataclass(frozen=True)
class LeftOut:
    """`rows`: figures by source. `kinds`, `margins`: of the items, against the seeds of other sources."""

    rows: list[dict[str, Any]]
    kinds: list[str]
    margins: npt.NDArray[np.float64]


def left_out(
    seeds: npt.NDArray[np.float16], sources: Sequence[str], kinds: Sequence[str], general: Vectors
) -> LeftOut:
    """The ranks of each source's items among general pages, both compared with the seeds of other sources.

    One half of the general pages gives the seeds' background, the other half is ranked.
    """
    column = np.array(list(sources), dtype=object)
    names = sorted(name for name in set(sources) if (column == name).sum() >= LEAST_ITEMS)
    if len(set(sources)) < 2 or not names:
        return LeftOut([], [], np.empty(0))
    half = len(general) // 2 if len(general) >= 2 * LEAST_GENERAL else 0
    background = backgrounds(seeds, general[:half])
    pages = general[half:]
    chosen = {name: _spread(np.flatnonzero(column == name), PER_SOURCE) for name in names}
    at = np.concatenate([chosen[name] for name in names])
    queries = np.concatenate([np.asarray(seeds[at], np.float32), pages]) if len(pages) else seeds[at]
    every = sorted(set(sources))
    best = _best(whole_numbers(queries), seeds, column, every, background)
    plain = _best(whole_numbers(queries), seeds, column, every, np.zeros_like(background))
    rows, found, start = [], np.empty(len(at)), 0
    for name in names:
        others = [number for number, source in enumerate(every) if source != name]
        end = start + len(chosen[name])
        found[start:end] = best[start:end][:, others].max(axis=1)
        row: dict[str, Any] = {"source": name, "items": end - start}
        if len(pages):
            ranks = _ranks(found[start:end], best[len(at) :][:, others].max(axis=1))
            by_cosine = _ranks(
                plain[start:end][:, others].max(axis=1), plain[len(at) :][:, others].max(axis=1)
            )
            row |= {
                "median_rank": round(float(np.median(ranks)), 4),
                "share_above": round(float((ranks > TARGET).mean()), 4),
                "median_rank_by_cosine": round(float(np.median(by_cosine)), 4),
                "reached": bool(np.median(ranks) > TARGET),
            }
        rows.append(row)
        start = end
    return LeftOut(rows, [kinds[int(row)] for row in at], found)


def auc_of(near: npt.NDArray[np.floating], far: npt.NDArray[np.floating]) -> float | None:
    """The chance that one of `near` is higher than one of `far`, ties counting half."""
    if not len(near) or not len(far):
        return None
    return round(float(_ranks(np.asarray(near), np.asarray(far)).mean()), 4)


def _best(
    queries: Vectors,
    seeds: npt.NDArray[np.float16],
    column: npt.NDArray[np.object_],
    sources: Sequence[str],
    background: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """The highest margin of each query (whole numbers) with a seed of each source [queries, sources]."""
    found = np.full((len(queries), len(sources)), -np.inf)
    for number, name in enumerate(sources):
        rows = np.flatnonzero(column == name)
        for start in range(0, len(rows), _BLOCK):
            some = rows[start : start + _BLOCK]
            scores = (queries @ whole_numbers(seeds[some]).T) / (SCALE * SCALE) - background[some]
            found[:, number] = np.maximum(found[:, number], scores.max(axis=1))
    return found


def _ranks(values: npt.NDArray[Any], among: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The share of `among` below each value, equals counting half."""
    order = np.sort(among)
    below, upto = np.searchsorted(order, values, "left"), np.searchsorted(order, values, "right")
    found: npt.NDArray[np.float64] = (below + upto) / (2 * len(order))
    return found


def _spread(rows: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """At most `most` of the rows, evenly spaced."""
    taken = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(np.int64))
    found: npt.NDArray[np.int64] = rows[taken]
    return found
