"""A first guess without labels: how near is a crawl page to the seeds, as bags of words?

Seeds are renderings of specifications and chats; pages are pages. A classifier that is trained to tell
the two apart learns that difference of form and ranks wanted pages no better than chance (AUC 0.40 to
0.62 on real pages). Cosine to the seeds' centroid (Rocchio; Li and Liu, IJCAI 2003, take it as the first
step of learning from positive and unlabelled examples) uses only tokens that both share and ranks them
well (0.78 to 0.86).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from corpus.relevance.evaluation import Floats

BACKGROUND = 0.2  # weight of the crawl's own centroid that is taken off


def similarity(
    pages: Sequence[str], sites: Sequence[str], seeds: Sequence[str], sources: Sequence[str]
) -> Floats:
    """Nearness of each page's line to the seeds. Tokens of one site only, or of no seed, do not count."""
    rows = [Counter(line.split()) for line in pages]
    seed_rows = [Counter(line.split()) for line in seeds]
    spread: dict[str, set[str]] = {}
    for row, site in zip(rows, sites):
        for token in row:
            spread.setdefault(token, set()).add(site)
    shared = {token for row in seed_rows for token in row}
    several = min(2, len(set(sites)))
    vocabulary = sorted(token for token, where in spread.items() if len(where) >= several and token in shared)
    total = len(set(sites)) + 1
    idf = {token: float(np.log(total / len(spread[token]))) + 1e-6 for token in vocabulary}
    index = {token: number for number, token in enumerate(vocabulary)}
    vectors = [_vector(row, index, idf) for row in rows]
    toward = _centroid([_vector(row, index, idf) for row in seed_rows], _weights(sources), len(index))
    away = _centroid(vectors, _weights(sites), len(index))
    direction = toward - BACKGROUND * away
    return np.array([float(values @ direction[where]) for where, values in vectors])


Vector = tuple["np.typing.NDArray[np.int64]", Floats]


def _vector(row: Counter[str], index: dict[str, int], idf: dict[str, float]) -> Vector:
    """Places and values of a sparse vector of length 1; counts enter by 1 + log."""
    known = sorted(token for token in row if token in index)
    values = np.array([(1 + np.log(row[token])) * idf[token] for token in known], dtype=np.float64)
    length = float(np.linalg.norm(values)) or 1.0
    return np.array([index[token] for token in known], dtype=np.int64), values / length


def _centroid(vectors: Sequence[Vector], weights: Floats, size: int) -> Floats:
    total = np.zeros(size)
    for (where, values), weight in zip(vectors, weights):
        total[where] += weight * values
    return total / (float(np.linalg.norm(total)) or 1.0)


def _weights(groups: Sequence[str]) -> Floats:
    """One over the square root of the group's size: large groups speak louder, but not by their number."""
    sizes = Counter(groups)
    return np.array([sizes[group] ** -0.5 for group in groups])
