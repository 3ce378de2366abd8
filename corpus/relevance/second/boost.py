"""Boosted shallow trees in numpy: a few hundred small trees over some dozen numbers.

Newton boosting of the logistic loss over binned features, as XGBoost and LightGBM do it (Chen and Guestrin,
KDD 2016; Ke and others, NIPS 2017). Trees of depth 2 are additive in pairs of features, which is what carries
over to sites that they never saw. Own code because the model has to be the same on every run, to be stored as
plain arrays, and to need no further package on the workers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BINS = 32
_TOGETHER = 4096  # rows that go through all trees at once


@dataclass(frozen=True)
class Settings:
    rounds: int = 200
    depth: int = 2
    rate: float = 0.08
    l2: float = 5.0
    least: float = 20.0  # rows in a leaf, by their weights
    columns: float = 0.3  # share of the features that a tree may look at
    seed: int = 7


@dataclass(frozen=True)
class Forest:
    """Complete binary trees: `feature`, `cut` [trees, 2^depth - 1]; `value` [trees, 2^depth].

    `base` is the logit to which the trees add theirs. A row goes right where its feature is above the cut.
    """

    feature: npt.NDArray[np.int32]
    cut: npt.NDArray[np.float32]
    value: npt.NDArray[np.float32]
    base: float

    def logits(self, x: Floats) -> Floats:
        """One logit for each row of x [rows, features]; rows do not depend on each other."""
        x = x.astype(np.float32)
        trees, inner = np.arange(len(self.feature)), self.feature.shape[1]
        out = np.empty(len(x))
        for start in range(0, len(x), _TOGETHER):
            some = x[start : start + _TOGETHER]
            rows = np.arange(len(some))[:, None]
            node = np.zeros((len(some), len(trees)), dtype=np.int64)
            while node.size and node[0, 0] < inner:  # all trees are equally deep
                node = 2 * node + 1 + (some[rows, self.feature[trees, node]] > self.cut[trees, node])
            out[start : start + _TOGETHER] = self.base + self.value[trees, node - inner].sum(
                1, dtype=np.float64
            )
        return out


def fit(x: Floats, wanted: npt.NDArray[np.bool_], weight: Floats, settings: Settings) -> Forest:
    """Trees that tell rows of x [rows, features] by `wanted`; `weight` has a mean of about 1."""
    edges = _edges(x.astype(np.float32))
    binned = np.stack([np.searchsorted(e, x[:, n].astype(np.float32)) for n, e in enumerate(edges)], 1)
    share = float((weight * wanted).sum() / weight.sum())
    base = float(np.log(share / (1 - share)))
    margin = np.full(len(x), base)
    random = np.random.default_rng(settings.seed)
    taken = max(1, round(settings.columns * x.shape[1]))
    features, cuts, values = [], [], []
    for _ in range(settings.rounds):
        chance = 1 / (1 + np.exp(-margin))
        gradient, curve = weight * (chance - wanted), weight * chance * (1 - chance)
        columns = np.sort(random.permutation(x.shape[1])[:taken])
        grown = _grow(binned, edges, gradient, curve, weight, columns, settings)
        features.append(grown[0])
        cuts.append(grown[1])
        values.append(grown[2].astype(np.float32))
        margin += values[-1][grown[3]]
    return Forest(np.stack(features), np.stack(cuts), np.stack(values), base)


def _edges(x: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """The cuts between the bins of each feature: quantiles of its different values' rows."""
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    return [np.unique(np.quantile(column, inner, method="lower")) for column in x.T]


def _grow(  # noqa: PLR0917 - arrays of one set of rows
    binned: npt.NDArray[np.int64],
    edges: list[npt.NDArray[np.float32]],
    gradient: Floats,
    curve: Floats,
    weight: Floats,
    columns: npt.NDArray[np.int64],
    settings: Settings,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32], Floats, npt.NDArray[np.int64]]:
    """A tree: features, cuts, leaf values, and the leaf of each row."""
    inner = (1 << settings.depth) - 1
    feature, cut = np.zeros(inner, np.int32), np.full(inner, np.inf, np.float32)
    node = np.zeros(len(binned), dtype=np.int64)
    seen = binned[:, columns] + np.arange(len(columns)) * BINS
    for number in range(inner):
        rows = np.flatnonzero(node == number)
        best = _split(seen[rows], gradient[rows], curve[rows], weight[rows], len(columns), settings)
        right = np.zeros(len(rows), dtype=bool)
        if best is not None:
            column, place = columns[best[0]], best[1]
            if place < len(edges[column]):
                feature[number], cut[number] = column, edges[column][place]
                right = binned[rows, column] > place
        node[rows] = 2 * number + 1 + right
    leaf = node - inner
    leaves = 1 << settings.depth
    down = np.bincount(leaf, gradient, leaves)
    value = -settings.rate * down / (np.bincount(leaf, curve, leaves) + settings.l2)
    return feature, cut, value, leaf


def _split(  # noqa: PLR0917 - arrays of one set of rows
    seen: npt.NDArray[np.int64],
    gradient: Floats,
    curve: Floats,
    weight: Floats,
    columns: int,
    settings: Settings,
) -> tuple[int, int] | None:
    """The column and bin behind which to split for the largest gain; None where no split gains anything."""
    size = columns * BINS
    flat = seen.ravel()
    left, bend, heavy = (
        np.bincount(flat, np.repeat(values, columns), size).reshape(columns, BINS).cumsum(1)
        for values in (gradient, curve, weight)
    )
    total, bent, all_ = left[:, -1:], bend[:, -1:], heavy[:, -1:]
    gain = left**2 / (bend + settings.l2) + (total - left) ** 2 / (bent - bend + settings.l2)
    gain -= total**2 / (bent + settings.l2)
    gain[(heavy < settings.least) | (all_ - heavy < settings.least)] = 0.0
    best = int(np.argmax(gain))
    return (best // BINS, best % BINS) if gain.flat[best] > 1e-9 else None
