"""The numbers of a run's decision, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from corpus.match.select.combine import Weights

Floats = npt.NDArray[np.float64]
FEWEST = 20  # items of a kind from which its threshold is taken


@dataclass(frozen=True)
class Rule:
    """A page is kept if it passes all of these; see `corpus.match.select.stage.decide` for their order.

    `thresholds` are margins by kind of seed, for the others `min_margin`. None stands for no limit.
    """

    min_score: float
    min_margin: float
    thresholds: Mapping[str, float]
    weights: Weights
    min_combined: float | None = None
    per_seed: int | None = None
    per_cluster: int | None = None
    per_host: int | None = None
    quotas: Mapping[str, int] = field(default_factory=dict)


def thresholds_by_kind(
    wanted: tuple[Sequence[str], Floats] | None,
    seeds: tuple[Sequence[str], Floats] | None,
    *,
    recall: float,
    default: float,
) -> dict[str, float]:
    """The margin of each kind that lets `recall` of both pass: of the labelled pages that are wanted and
    resemble a seed of that kind, and of the seeds of that kind whose own source was left out.

    Each is (kinds, margins). Without labels a threshold is `default`, or lower if left-out seeds ask for it.
    """
    by_label, by_seed = _quantiles(wanted, recall), _quantiles(seeds, recall)
    found = {}
    for kind in sorted({*by_label, *by_seed}):
        found[kind] = round(min(by_label.get(kind, default), by_seed.get(kind, np.inf)), 4)
    return found


def _quantiles(items: tuple[Sequence[str], Floats] | None, recall: float) -> dict[str, float]:
    if items is None:
        return {}
    kinds, margins = np.array(list(items[0]), dtype=object), np.asarray(items[1], np.float64)
    found = {}
    for kind in sorted(set(kinds.tolist())):
        here = margins[kinds == kind]
        if len(here) >= FEWEST:
            found[kind] = float(np.quantile(here, 1 - recall, method="lower"))
    return found
