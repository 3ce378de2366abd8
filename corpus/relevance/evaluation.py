"""How good a classifier is on sites that it never saw, and which threshold to use. Plain numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FPRS = (0.001, 0.005, 0.01, 0.02)
LEAST_PAGES = 20  # wanted pages of a site whose recall is worth a line
_DRAWS = 300
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def auc(wanted: Flags, scores: Floats) -> float:
    """Area under the ROC curve (Mann-Whitney, ties count half); nan without both classes."""
    positives, negatives = int(wanted.sum()), int((~wanted).sum())
    if not positives or not negatives:
        return math.nan
    order = np.argsort(scores, kind="stable")
    _, first, counts = np.unique(scores[order], return_index=True, return_counts=True)
    ranks = np.empty(len(scores))
    ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    return float((ranks[wanted].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def threshold_at_fpr(wanted: Flags, scores: Floats, fpr: float) -> float:
    """The lowest threshold t at which at most `fpr` of the negatives have score >= t."""
    negatives = np.sort(scores[~wanted])[::-1]
    if not len(negatives):
        return 0.5
    allowed = math.floor(fpr * len(negatives))
    if allowed >= len(negatives):
        return 0.0
    return float(np.nextafter(negatives[allowed], 2.0))


def recall_at_fpr(wanted: Flags, scores: Floats, fpr: float) -> float:
    """Share of the positives at or above the threshold for `fpr`; nan without positives."""
    return (
        float((scores[wanted] >= threshold_at_fpr(wanted, scores, fpr)).mean()) if wanted.any() else math.nan
    )


def at_threshold(wanted: Flags, scores: Floats, threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall, F1 and false-positive rate of `score >= threshold`."""
    passed = scores >= threshold
    hits = float((passed & wanted).sum())
    precision = hits / passed.sum() if passed.any() else 0.0
    recall = hits / wanted.sum() if wanted.any() else 0.0
    return {
        "accuracy": float((passed == wanted).mean()) if len(wanted) else 0.0,
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0,
        "false_positive_rate": float((passed & ~wanted).sum() / max((~wanted).sum(), 1)),
    }


def report(wanted: Flags, scores: Floats, sites: Sequence[str], threshold: float) -> dict[str, Any]:
    """All figures over pages whose sites were held out.

    `worst_sites` lists the lowest shares of right answers.
    """
    per_site = by_site(wanted, scores, sites, threshold)
    of_agents = [entry["right"] for entry in per_site if entry["label"] == "agent"]
    of_others = [entry["right"] for entry in per_site if entry["label"] == "general"]
    return {
        "pages": len(wanted),
        "agent_pages": int(wanted.sum()),
        "sites": len(set(sites)),
        "auc": auc(wanted, scores),
        **at_threshold(wanted, scores, threshold),
        "recall_at_fpr": {f"{fpr:g}": recall_at_fpr(wanted, scores, fpr) for fpr in FPRS},
        "macro_recall": float(np.mean(of_agents)) if of_agents else math.nan,
        "macro_accuracy": float(np.mean(of_agents + of_others)) if per_site else math.nan,
        "worst_sites": sorted(per_site, key=lambda e: (e["right"], e["site"], e["label"]))[:10],
    }


def by_site(wanted: Flags, scores: Floats, sites: Sequence[str], threshold: float) -> list[dict[str, Any]]:
    """The share of right answers on the wanted and on the other pages of each site."""
    found: list[dict[str, Any]] = []
    names = np.array(list(sites), dtype=object)
    for site in sorted(set(sites)):
        for label, flag in (("agent", True), ("general", False)):
            chosen = (names == site) & (wanted == flag)
            if chosen.any():
                right = (scores[chosen] >= threshold) == flag
                found.append(
                    {"site": site, "label": label, "pages": int(chosen.sum()), "right": float(right.mean())}
                )
    return found


def worst_recall(
    wanted: Flags, scores: Floats, sites: Sequence[str], threshold: float, least: int = LEAST_PAGES
) -> dict[str, Any] | None:
    """The site with the lowest recall among those with at least `least` wanted pages; None without any."""
    entries = [e for e in by_site(wanted, scores, sites, threshold) if e["label"] == "agent"]
    large = [e for e in entries if e["pages"] >= least]
    if not large:
        return None
    worst = min(large, key=lambda e: (e["right"], e["site"]))
    return {"site": worst["site"], "pages": worst["pages"], "recall": worst["right"]}


def recall_intervals(
    wanted: Flags, scores: Floats, sites: Sequence[str], fprs: Sequence[float] = FPRS, seed: int = 0
) -> dict[str, list[float]]:
    """95 % intervals of `recall_at_fpr`, by drawing whole sites with replacement (Efron's percentiles).

    Pages of one site are alike, so drawing single pages would give intervals that are far too narrow.
    """
    if not wanted.any() or wanted.all():
        return {}
    _, site = np.unique(np.array(list(sites), dtype=object).astype(str), return_inverse=True)
    count = int(site.max()) + 1
    good, bad = np.flatnonzero(wanted), np.flatnonzero(~wanted)
    bad = bad[np.argsort(-scores[bad], kind="stable")]
    random = np.random.default_rng(seed)
    drawn: dict[float, list[float]] = {fpr: [] for fpr in fprs}
    for _ in range(_DRAWS):
        times = np.bincount(random.integers(0, count, count), minlength=count)
        heavy, passed = times[site[good]].astype(float), np.cumsum(times[site[bad]])
        if not heavy.sum() or not passed[-1]:
            continue
        for fpr in fprs:
            first = int(np.searchsorted(passed, math.floor(fpr * passed[-1]), side="right"))
            kept = scores[good] > scores[bad[min(first, len(bad) - 1)]]
            drawn[fpr].append(float((heavy * kept).sum() / heavy.sum()))
    return {
        f"{fpr:g}": [float(v) for v in np.quantile(values, (0.025, 0.975))]
        for fpr, values in drawn.items()
        if values
    }


def precision_at(prevalence: float, recall: float, false_positive_rate: float) -> float:
    """The precision where only that share of all pages is wanted, as on the web."""
    kept = prevalence * recall + (1 - prevalence) * false_positive_rate
    return prevalence * recall / kept if kept else math.nan


def calibration(wanted: Flags, chances: Floats, bins: int = 10) -> dict[str, Any]:
    """How often pages of each said chance are wanted, and the expected calibration error (Guo 2017)."""
    place = np.minimum((chances * bins).astype(int), bins - 1)
    rows = []
    for number in range(bins):
        here = place == number
        if here.any():
            rows.append(
                {
                    "from": number / bins,
                    "pages": int(here.sum()),
                    "said": float(chances[here].mean()),
                    "wanted": float(wanted[here].mean()),
                }
            )
    error = sum(row["pages"] * abs(row["said"] - row["wanted"]) for row in rows) / max(len(wanted), 1)
    return {"bins": rows, "expected_error": float(error)}


def valley(scores: Floats) -> float:
    """The threshold between two groups of scores that keeps their spread within smallest (Otsu 1979)."""
    values = np.sort(scores)
    if len(values) < 2 or values[0] == values[-1]:
        return 0.5
    below = np.arange(1, len(values))
    sums = np.cumsum(values)
    apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / (len(values) - below)
    best = int(np.argmax(below * (len(values) - below) * apart**2))
    return float((values[best] + values[best + 1]) / 2)
