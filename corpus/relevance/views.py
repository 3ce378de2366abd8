"""The scores of held-out pages, measured in several ways: by the site's label, by page, by language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.relevance.evaluation import (
    FPRS,
    Flags,
    Floats,
    at_threshold,
    auc,
    calibration,
    precision_at,
    recall_at_fpr,
    recall_intervals,
    report,
    threshold_at_fpr,
    worst_recall,
)
from corpus.relevance.labels import AGENT, GENERAL, STUB, Label

READ_FPRS = (0.01, 0.05, 0.1)
CLEAN_FPR = 0.01  # the share of negatives that passes where stubs and the worst site are looked at
_LEAST_GROUP = 10  # pages of a language or genre that are worth a line


@dataclass(frozen=True)
class Pages:
    """What is known of the pages that are measured, one entry for each.

    `label` is what counts for a page; `by_site` what the labels without a verdict said of it. `read` pages
    were judged one by one. `mixed`: pages of sites that hold both kinds, whose label says little of a page.
    """

    url: list[str]
    site: list[str]
    label: list[str]
    by_site: list[str]
    read: Flags
    mixed: Flags
    genre: list[str]
    language: list[str]

    @property
    def wanted(self) -> Flags:
        return np.array([label == AGENT for label in self.label], dtype=bool)

    @property
    def stub(self) -> Flags:
        return np.array([label == STUB for label in self.label], dtype=bool)

    @property
    def clean(self) -> Flags:
        """Pages whose label is sure enough to measure on: no stubs, and of mixed sites those read alone."""
        general = np.array([label == GENERAL for label in self.label], dtype=bool)
        return ~self.stub & ~(general & self.mixed & ~self.read)

    @staticmethod
    def of(
        urls: Sequence[str],
        sites: Sequence[str],
        given: Sequence[str],
        labels: Mapping[str, Label],
        mixed_genres: Sequence[str],
    ) -> Pages:
        """`given`: the labels that the pages were trained with, for those that `labels` does not know."""
        known = [labels.get(url) or Label(label, site) for url, site, label in zip(urls, sites, given)]
        mixed = [label.mixed or label.genre in mixed_genres for label in known]
        return Pages(
            list(urls),
            list(sites),
            list(given),
            [label.by_site for label in known],
            np.array([label.read for label in known], dtype=bool),
            np.array(mixed, dtype=bool),
            [label.genre for label in known],
            [label.language.replace("_", "-").partition("-")[0].lower() for label in known],
        )


def measure(
    pages: Pages,
    scores: Floats,
    chances: Floats,
    threshold: float,
    *,
    shown: Flags | None = None,
    prevalence: float,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of one scorer. `chances` are its calibrated scores; `scores` may be on any scale.

    What is measured at the threshold takes pages that are not `shown` to the scorer for dropped; curves over
    all thresholds do not, since another threshold would show it others.
    """
    clean, wanted = pages.clean, pages.wanted
    some, sites = scores[clean], _of(pages.site, clean)
    curves = {
        "auc": auc(wanted[clean], some),
        "recall_at_fpr": {f"{fpr:g}": recall_at_fpr(wanted[clean], some, fpr) for fpr in FPRS},
        "recall_intervals": recall_intervals(wanted[clean], some, sites, seed=seed),
        "by_site_labels": _by_site_labels(pages, scores, seed),
        "read": _read(pages, scores),
    }
    if shown is not None:
        scores = np.where(shown, scores, -np.inf)
        some = scores[clean]
    found = report(wanted[clean], some, sites, threshold)
    return {
        **found,
        **curves,
        "threshold": threshold,
        "worst_site": worst_recall(wanted[clean], some, sites, threshold),
        "precision_at_prevalence": {
            "prevalence": prevalence,
            "precision": precision_at(prevalence, found["recall"], found["false_positive_rate"]),
        },
        "calibration": calibration(wanted[clean], chances[clean]),
        "stubs": _kept(pages.stub, scores, threshold),
        "by_language": _groups(pages, pages.language, scores, threshold),
        "by_genre": _groups(pages, pages.genre, scores, threshold),
    }


def clean_threshold(pages: Pages, scores: Floats, fpr: float) -> float:
    """The threshold that lets at most that share of the sure negatives pass."""
    return threshold_at_fpr(pages.wanted[pages.clean], scores[pages.clean], fpr)


def prefix_recall(
    urls: Sequence[str], scores: Floats, threshold: float, prefix_of: Callable[[str], str]
) -> list[dict[str, Any]]:
    """For each vetted prefix the share of its pages that is kept. `prefix_of` gives "" for other pages."""
    groups: dict[str, list[bool]] = {}
    for url, score in zip(urls, scores):
        if prefix := prefix_of(url):
            groups.setdefault(prefix, []).append(bool(score >= threshold))
    return [
        {"prefix": prefix, "pages": len(kept), "kept": sum(kept) / len(kept)}
        for prefix, kept in sorted(groups.items())
    ]


def _by_site_labels(pages: Pages, scores: Floats, seed: int) -> dict[str, Any]:
    """As the labels by site have it, whatever was read since; without the negatives of mixed sites."""
    said = np.array(pages.by_site, dtype=object)
    known = (said == AGENT) | ((said == GENERAL) & ~pages.mixed)
    wanted, some, sites = said[known] == AGENT, scores[known], _of(pages.site, known)
    if not wanted.any() or wanted.all():
        return {}
    threshold = threshold_at_fpr(wanted, some, CLEAN_FPR)
    return {
        "pages": int(known.sum()),
        "agent_pages": int(wanted.sum()),
        "auc": auc(wanted, some),
        "recall_at_fpr": {f"{fpr:g}": recall_at_fpr(wanted, some, fpr) for fpr in FPRS},
        "recall_intervals": recall_intervals(wanted, some, sites, seed=seed),
        "worst_site": worst_recall(wanted, some, sites, threshold),
        "threshold": threshold,
    }


def _read(pages: Pages, scores: Floats) -> dict[str, Any]:
    """On the pages that were read one by one: yes against no, and the stubs among them.

    `stubs_kept` is at the threshold that lets 1 % of all sure negatives pass, `stubs_kept_hard` at the one
    that lets 1 % of the read ones pass.
    """
    told = pages.read & ~pages.stub
    wanted, some, stubs = pages.wanted[told], scores[told], scores[pages.read & pages.stub]
    if not wanted.any() or wanted.all():
        return {}
    return {
        "yes": int(wanted.sum()),
        "no": int((~wanted).sum()),
        "stubs": len(stubs),
        "auc": auc(wanted, some),
        "recall_at_fpr": {f"{fpr:g}": recall_at_fpr(wanted, some, fpr) for fpr in READ_FPRS},
        "recall_intervals": recall_intervals(wanted, some, _of(pages.site, told), READ_FPRS),
        "stubs_kept": _share(stubs >= clean_threshold(pages, scores, CLEAN_FPR)),
        "stubs_kept_hard": _share(stubs >= threshold_at_fpr(wanted, some, CLEAN_FPR)),
    }


def _groups(pages: Pages, names: Sequence[str], scores: Floats, threshold: float) -> list[dict[str, Any]]:
    """Recall and false positives of each language or genre, the largest first."""
    clean, wanted, column = pages.clean, pages.wanted, np.array(names, dtype=object)
    found = []
    for name in sorted({name for name, sure in zip(names, clean) if name and sure}):
        here = clean & (column == name)
        if here.sum() < _LEAST_GROUP:
            continue
        at = at_threshold(wanted[here], scores[here], threshold)
        agents = int(wanted[here].sum())
        found.append(
            {
                "name": name,
                "pages": int(here.sum()),
                "agent_pages": agents,
                "recall": at["recall"] if agents else None,
                "false_positive_rate": at["false_positive_rate"] if agents < here.sum() else None,
            }
        )
    return sorted(found, key=lambda row: (-row["pages"], row["name"]))


def _kept(chosen: Flags, scores: Floats, threshold: float) -> dict[str, Any]:
    return {"pages": int(chosen.sum()), "kept": _share(scores[chosen] >= threshold)}


def _share(flags: Flags) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _of(values: Sequence[str], chosen: Flags) -> list[str]:
    return [value for value, flag in zip(values, chosen) if flag]
