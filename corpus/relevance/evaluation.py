"""How good a classifier is on sites that it never saw, and which threshold to use. Plain numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FPRS = (0.001, 0.005, 0.01, 0.02)
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
    per_site: list[dict[str, Any]] = []
    names = np.array(list(sites), dtype=object)
    for site in sorted(set(sites)):
        for label, flag in (("agent", True), ("general", False)):
            chosen = (names == site) & (wanted == flag)
            if chosen.any():
                right = (scores[chosen] >= threshold) == flag
                per_site.append(
                    {"site": site, "label": label, "pages": int(chosen.sum()), "right": float(right.mean())}
                )
    of_agents = [entry["right"] for entry in per_site if entry["label"] == "agent"]
    return {
        "pages": len(wanted),
        "agent_pages": int(wanted.sum()),
        "sites": len(set(sites)),
        "auc": auc(wanted, scores),
        **at_threshold(wanted, scores, threshold),
        "recall_at_fpr": {f"{fpr:g}": recall_at_fpr(wanted, scores, fpr) for fpr in FPRS},
        "macro_recall": float(np.mean(of_agents)) if of_agents else math.nan,
        "worst_sites": sorted(per_site, key=lambda e: (e["right"], e["site"], e["label"]))[:10],
    }


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
