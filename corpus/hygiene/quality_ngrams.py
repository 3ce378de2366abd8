"""Repetition of n-grams, in one pass from short to long.

An n-gram that repeats is made of shorter ones that do. So the places that are looked at shrink with every
length, and most of the work is done at two words.
"""

from __future__ import annotations

import numpy as np

from corpus.hygiene.quality_text import Numbers, Text

MOST_WORDS = 20_000  # n-grams are taken from this many words: more do not change the shares and cost time
TOP = (2, 3, 4)
REPEATED = (5, 10)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that keys of two words never collide


def shares(text: Text) -> tuple[dict[int, float], dict[int, float]]:
    """Shares of characters: for each n of `TOP` in the commonest n-gram (Gopher: at most .2, .18, .16), for
    each of `REPEATED` in n-grams that stood there before, each character once (Gopher: at most .15, .1).
    """
    found = text.vocabulary
    ids = found.ids[:MOST_WORDS]
    sizes = found.sizes[ids] if len(ids) else ids
    every = max(int(sizes.sum()), 1)
    until = np.concatenate(([0], np.cumsum(sizes)))
    top, repeated = dict.fromkeys(TOP, 0.0), dict.fromkeys(REPEATED, 0.0)
    places = np.arange(len(ids))
    keys = ids.astype(np.uint64)
    for n in range(2, REPEATED[-1] + 1):
        places, keys = _longer(places, keys, ids, n)
        order = np.argsort(keys)
        places, keys = places[order], keys[order]
        starts, counts = _groups(keys)
        if not len(starts) or int(counts.max()) < 2:
            break
        if n in top:
            most = counts == counts.max()
            at = places[starts[most]]
            top[n] = min(1.0, int(counts.max()) * int((until[at + n] - until[at]).max()) / every)
        if n in repeated:
            repeated[n] = _covered(places, starts, counts, n, sizes) / every
        again = np.repeat(counts > 1, counts)
        places, keys = places[again], keys[again]
    return top, repeated


def _longer(places: Numbers, keys: Numbers, ids: Numbers, n: int) -> tuple[Numbers, Numbers]:
    """The n-grams that begin where the (n-1)-grams do; those that the text ends in are gone."""
    fits = places + n <= len(ids)
    places, keys = places[fits], keys[fits]
    return places, keys * _MIX + ids[places + n - 1].astype(np.uint64)


def _groups(keys: Numbers) -> tuple[Numbers, Numbers]:
    """Where each run of equal keys starts in the sorted keys, and how long it is."""
    if not len(keys):
        return keys[:0].astype(np.int64), keys[:0].astype(np.int64)
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return starts, np.diff(np.append(starts, len(keys)))


def _covered(places: Numbers, starts: Numbers, counts: Numbers, n: int, sizes: Numbers) -> int:
    """Characters in n-grams that are not the first of their kind."""
    first = np.repeat(np.minimum.reduceat(places, starts), counts)
    again = places[places != first]
    edges = np.zeros(len(sizes) + 1, dtype=np.int64)
    edges[: len(sizes)] += np.bincount(again, minlength=len(sizes))
    edges -= np.bincount(again + n, minlength=len(sizes) + 1)
    return int(sizes[np.cumsum(edges[:-1]) > 0].sum())
