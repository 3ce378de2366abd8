"""Lines of features as sparse rows, the choice of tokens to learn from, and the linear model over them.
Numpy alone.

fastText with two labels is a linear model over the mean of a line's tokens. Gradient descent without a
penalty, as fastText trains it, learns sites by heart: what it fits best are words that one site has. Here
the same model is fitted to its optimum, with a penalty, over tokens that several sites vouch for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.relevance.evaluation import Flags, Floats

Indices = npt.NDArray[np.int64]
_ENGLISH = frozenset(("the", "of", "and", "is", "in", "this"))
_ENOUGH_ENGLISH = 3  # different ones of them in a page
_MEMORY, _STEPS, _STILL = 10, 200, 1e-4


@dataclass(frozen=True)
class Bags:
    """Rows `starts[i]` to `starts[i + 1]` of `columns` and `values`: which of the `tokens`, how often."""

    tokens: list[str]
    starts: Indices
    columns: Indices
    values: Floats

    @staticmethod
    def of(lines: Sequence[str]) -> Bags:
        index: dict[str, int] = {}
        starts, columns, values = np.zeros(len(lines) + 1, np.int64), [], []
        for number, line in enumerate(lines):
            counts = Counter(line.split())
            columns.append(np.array([index.setdefault(token, len(index)) for token in counts], np.int64))
            values.append(np.array(list(counts.values()), np.float64))
            starts[number + 1] = starts[number] + len(counts)
        empty = np.zeros(0)
        return Bags(
            list(index),
            starts,
            np.concatenate([empty.astype(np.int64), *columns]),
            np.concatenate([empty, *values]),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def rows(self, chosen: Indices) -> Bags:
        """Some of the rows, in the order given."""
        sizes = np.diff(self.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        places = np.arange(starts[-1]) + np.repeat(self.starts[chosen] - starts[:-1], sizes)
        return Bags(self.tokens, starts, self.columns[places], self.values[places])

    def only(self, tokens: Indices) -> Bags:
        """Some of the tokens, in the order given; rows stay, if empty."""
        number = np.full(len(self.tokens), -1, np.int64)
        number[tokens] = np.arange(len(tokens))
        columns = number[self.columns]
        kept = columns >= 0
        starts = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)[self.starts]
        return Bags([self.tokens[n] for n in tokens], starts, columns[kept], self.values[kept])

    def normed(self) -> Bags:
        """Rows of length 1."""
        lengths = np.sqrt(np.bincount(self._row(), self.values**2, len(self)))
        values = self.values / np.repeat(np.maximum(lengths, 1e-9), np.diff(self.starts))
        return Bags(self.tokens, self.starts, self.columns, values)

    def dot(self, weights: Floats) -> Floats:
        found: Floats = np.bincount(self._row(), self.values * weights[self.columns], len(self)).astype(float)
        return found

    def dot_back(self, each: Floats) -> Floats:
        """One number per row to one per token."""
        values = self.values * each[self._row()]
        found: Floats = np.bincount(self.columns, values, len(self.tokens)).astype(float)
        return found

    def _row(self) -> Indices:
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def english(self) -> Flags:
        """Whether a row is of a page in English, told by its commonest words."""
        known = np.array([token in _ENGLISH for token in self.tokens], dtype=bool)
        found: Flags = np.bincount(self._row(), known[self.columns], len(self)) >= _ENOUGH_ENGLISH
        return found


def vouched(bags: Bags, wanted: Flags, sites: Sequence[str], least_sites: int, evidence: float) -> Indices:
    """The tokens that tell the classes apart from site to site, and not only on a few of them.

    For each token, the share of a site's pages that hold it is one observation, whatever the site's size;
    what counts is Welch's t between the sites of the two classes. Where there are few sites, fewer must
    hold it.
    """
    groups = [f"{site}\x1f{int(flag)}" for site, flag in zip(sites, wanted)]
    names, group = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)
    of_wanted = np.array([name.endswith("1") for name in names], dtype=bool)
    width = len(bags.tokens)
    cells, pages = np.unique(group[bags._row()] * width + bags.columns, return_counts=True)
    site, token = cells // width, cells % width
    share = pages / np.bincount(group)[site]
    spread = np.bincount(token, minlength=width)
    ends = []
    for flag in (True, False):
        mine, count = of_wanted[site] == flag, int((of_wanted == flag).sum())
        mean = np.bincount(token[mine], share[mine], width) / max(count, 1)
        square = np.bincount(token[mine], share[mine] ** 2, width) / max(count, 1)
        ends.append((mean, np.maximum(square - mean**2, 0) / max(count, 1)))
    (mean, noise), (other, other_noise) = ends
    t = np.abs(mean - other) / np.sqrt(noise + other_noise + 1e-5)
    least = max(min(least_sites, len(names) // 4), 1)
    return np.flatnonzero((spread >= least) & (t >= evidence))


def fit(bags: Bags, wanted: Flags, weight: Floats, strength: float) -> tuple[Floats, float]:
    """Weights and bias of the least L2-penalised weighted logistic loss.

    Half the squared weights plus `strength` times the loss, as LIBLINEAR has it (Fan and others, JMLR
    2008); by L-BFGS (Nocedal and Wright, algorithm 7.5), so equal inputs give equal weights.
    """
    sign = np.where(wanted, 1.0, -1.0)
    scale = strength * weight

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = sign * (bags.dot(at[:-1]) + at[-1])
        chance = 1 / (1 + np.exp(np.clip(margin, -500, 500)))
        slope = -scale * sign * chance
        value = 0.5 * float(at @ at) + float((scale * np.logaddexp(0, -margin)).sum())
        return value, at + np.append(bags.dot_back(slope), slope.sum())

    found = _minimum(loss, np.zeros(len(bags.tokens) + 1))
    return found[:-1], float(found[-1])


def _minimum(loss: Callable[[Floats], tuple[float, Floats]], at: Floats) -> Floats:
    value, slope = loss(at)
    first = max(float(np.linalg.norm(slope)), 1e-12)
    steps: list[tuple[Floats, Floats]] = []
    for _ in range(_STEPS):
        if float(np.linalg.norm(slope)) < _STILL * first:
            break
        direction = -_curved(slope, steps)
        length, downhill = 1.0 if steps else 1.0 / first, float(slope @ direction)
        while True:
            there, other = loss(at + length * direction)
            if there <= value + 1e-4 * length * downhill or length < 1e-10:
                break
            length /= 2
        step, change = length * direction, other - slope
        if float(step @ change) > 1e-12:
            steps = [*steps[1 - _MEMORY :], (step, change)]
        at, value, slope = at + step, there, other
    return at


def _curved(slope: Floats, steps: Sequence[tuple[Floats, Floats]]) -> Floats:
    """The slope times the approximate inverse of the curvature (two-loop recursion)."""
    found, shares = slope.copy(), []
    for step, change in reversed(steps):
        shares.append(float(step @ found) / float(step @ change))
        found -= shares[-1] * change
    if steps:
        step, change = steps[-1]
        found *= float(step @ change) / float(change @ change)
    for (step, change), share in zip(steps, reversed(shares)):
        found += (share - float(change @ found) / float(step @ change)) * step
    return found
