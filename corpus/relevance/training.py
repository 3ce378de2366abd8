"""Training with labels, and without: from examples to a model, held-out scores and a threshold.

Everything is held out by site. Without labels the crawl is unlabelled, not negative: it may hold
many wanted pages. Rocchio gives a first ranking, its ends become examples, and rounds of training
and ranking (each page scored by a model that never saw its site) clean them; the pages between the
ends are not trained on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from corpus.relevance import fasttext_model
from corpus.relevance.bags import Bags, Indices
from corpus.relevance.evaluation import Flags, Floats, report, threshold_at_fpr, valley
from corpus.relevance.fasttext_model import Scorer, Settings
from corpus.relevance.labels import AGENT, GENERAL
from corpus.relevance.rocchio import similarity

SEED_SHARE = 0.3  # seeds beside labelled pages: at most this many per labelled positive
# Shares of the crawl, by rank, that a round without labels trains on at most. Ranks count pages and not
# sites: weighted by site, a crawl whose large sites are the wanted ones gave too few general pages to learn
# from (AUC 0.77 instead of 0.90 on 13,700 real pages).
SURE_AGENT, SURE_GENERAL = 0.20, 0.35
SEEDS_BESIDE = 0.2  # seeds for each sure page: more would teach the form of seeds, not the subject


@dataclass(frozen=True)
class Example:
    """A page or a seed as the classifier sees it. `site` is a host, a label's group, or a seed's source.

    `read`: somebody judged this very page, and not only its site.
    """

    id: str
    url: str
    site: str
    label: str
    line: str
    given_by: str = ""
    read: bool = False


@dataclass
class Trained:
    """A model and what is known of it.

    `scores[i]` and `folds[i]` belong to `pages[i]`; `used` holds the ids that the final
    model was trained on.
    """

    model: bytes
    threshold: float
    scores: Floats
    folds: list[int]
    labels: list[str]
    used: set[str]
    metrics: dict[str, Any] = field(default_factory=dict)


def hash_order(text: str, seed: int) -> bytes:
    """A key that shuffles in a fixed way."""
    return hashlib.blake2b(f"{seed}\x1f{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def folds_of(sites: Sequence[str], labels: Sequence[str], count: int, seed: int) -> list[int]:
    """The fold of each example: whole sites go into one fold, those of each label spread evenly over all."""
    by_site: dict[str, Counter[str]] = {}
    for site, label in zip(sites, labels):
        by_site.setdefault(site, Counter())[label] += 1
    fold: dict[str, int] = {}
    seen: Counter[str] = Counter()
    for site in sorted(by_site, key=lambda s: hash_order(s, seed)):
        main = max(sorted(by_site[site]), key=lambda label: by_site[site][label])
        fold[site] = seen[main] % count
        seen[main] += 1
    return [fold[site] for site in sites]


def train_with_labels(
    pages: Sequence[Example], seeds: Sequence[Example], settings: Settings, *, folds: int, target_fpr: float
) -> Trained:
    """Labelled pages, and some seeds as further positives. Metrics are over pages of sites held out whole."""
    wanted = np.array([page.label == AGENT for page in pages], dtype=bool)
    extra = list(seeds[: int(SEED_SHARE * wanted.sum())])
    sites = [page.site for page in pages]
    fold = folds_of(sites, [page.label for page in pages], folds, settings.seed)
    lessons = Lessons.of([*pages, *extra], settings)
    scores = np.zeros(len(pages))
    everywhere = np.array([*fold, *([-1] * len(extra))])
    for number in sorted(set(fold)):
        inside, held = np.flatnonzero(everywhere != number), np.flatnonzero(everywhere == number)
        if {pages[i].label for i in inside.tolist() if i < len(pages)} >= {AGENT, GENERAL}:
            model = lessons.fit(inside)
            scores[held] = fasttext_model.scores(model, [pages[i].line for i in held.tolist()])
    threshold = threshold_at_fpr(wanted, scores, target_fpr)
    metrics = {"labels": "given labels, by page", "held_out": report(wanted, scores, sites, threshold)}
    return Trained(
        fasttext_model.to_bytes(lessons.fit(np.arange(len(lessons.examples)))),
        threshold,
        scores,
        fold,
        [page.label for page in pages],
        {example.id for example in lessons.examples},
        metrics,
    )


@dataclass(frozen=True)
class Lessons:
    """Examples and their tokens, of which models are made that see some of them."""

    examples: Sequence[Example]
    bags: Bags
    settings: Settings

    @staticmethod
    def of(examples: Sequence[Example], settings: Settings) -> Lessons:
        return Lessons(examples, Bags.of([example.line for example in examples]), settings)

    def fit(self, chosen: Indices, wanted: Flags | None = None) -> Scorer:
        """`wanted`, one flag for each chosen row, may say otherwise than the examples' labels."""
        some = [self.examples[i] for i in chosen.tolist()]
        if wanted is None:
            wanted = np.array([example.label == AGENT for example in some], dtype=bool)
        weight = np.array([self.settings.read_weight if example.read else 1.0 for example in some])
        sites = [example.site for example in some]
        return fasttext_model.learn(
            self.bags, chosen, wanted=wanted, sites=sites, weight=weight, settings=self.settings
        )


def train_without_labels(
    pages: Sequence[Example],
    seeds: Sequence[Example],
    settings: Settings,
    *,
    folds: int,
    rounds: int,
    wanted_share: float | None,
) -> Trained:
    """Seeds as positives and unlabelled pages.

    The metrics tell seeds from crawl and say so: they are no truth.
    """
    sites = [page.site for page in pages]
    fold = folds_of(sites, [GENERAL] * len(pages), folds, settings.seed)
    seed_fold = [number % folds for number in range(len(seeds))]
    lessons = Lessons.of([*pages, *seeds], settings)
    scores = similarity([p.line for p in pages], sites, [s.line for s in seeds], [s.site for s in seeds])
    share = wanted_share if wanted_share is not None else passing_share(scores, sites)
    history = [{"round": 0, "by": "rocchio", "wanted_share": round(float(share), 4)}]
    for number in range(1, rounds + 1):
        agent, general = sure(scores, share)
        beside = max(8, int(SEEDS_BESIDE * agent.sum()))
        wanted = np.concatenate([agent, np.arange(len(seeds)) < beside])
        used = np.flatnonzero(wanted | np.concatenate([general, np.zeros(len(seeds), dtype=bool)]))
        found = _held_out(lessons, used, wanted[used], np.array([*fold, *seed_fold]), folds)
        scores, seed_scores = found[: len(pages)], found[len(pages) :]
        history.append({"round": number, "agent": int(agent.sum()), "general": int(general.sum())})
    threshold = float(np.quantile(scores, 1 - share)) if wanted_share is not None else valley(scores)
    threshold = min(max(threshold, 0.05), 0.999)
    model = fasttext_model.to_bytes(lessons.fit(used, wanted[used]))
    metrics = {"rounds": history, **_metrics_against(seeds, seed_scores, sites, scores, threshold)}
    labels, ids = [GENERAL] * len(pages), {lessons.examples[i].id for i in used.tolist()}
    return Trained(model, threshold, scores, fold, labels, ids, metrics)


def _metrics_against(
    seeds: Sequence[Example], seed_scores: Floats, sites: Sequence[str], scores: Floats, threshold: float
) -> dict[str, Any]:
    """The figures that take every seed as wanted and every page of the crawl as not."""
    wanted = np.array([True] * len(seeds) + [False] * len(scores))
    both = np.concatenate([seed_scores, scores])
    return {
        "labels": "seeds vs crawl (unlabelled)",
        "note": "wanted pages of the crawl count as errors here; true figures need labels=",
        "passing_share": float((scores >= threshold).mean()),
        "held_out": report(wanted, both, [*(seed.site for seed in seeds), *sites], threshold),
    }


def sure(scores: Floats, share: float) -> tuple[Flags, Flags]:
    """The ends of the ranking: pages that are agent data, and that are not, as sure as can be."""
    rank = _ranks(scores)
    return rank > 1 - min(SURE_AGENT, 0.75 * share), rank <= min(SURE_GENERAL, 0.7 * (1 - share))


def passing_share(scores: Floats, sites: Sequence[str]) -> float:
    """Share of the crawl above the valley of its scores, held between 2 % and 60 %."""
    weights = _site_weights(sites)
    above = float(weights[scores >= valley(scores)].sum() / weights.sum())
    return min(max(above, 0.02), 0.6)


def _held_out(lessons: Lessons, used: Indices, wanted: Flags, fold: Indices, folds: int) -> Floats:
    """Scores of all examples by models that saw nothing of their fold.

    `wanted` belongs to the rows `used`."""
    scores = np.zeros(len(lessons.examples))
    for number in range(folds):
        inside = fold[used] != number
        if wanted[inside].all() or not wanted[inside].any():
            continue
        model = lessons.fit(used[inside], wanted[inside])
        held = np.flatnonzero(fold == number)
        scores[held] = fasttext_model.scores(model, [lessons.examples[i].line for i in held.tolist()])
    return scores


def _site_weights(sites: Sequence[str]) -> Floats:
    sizes = Counter(sites)
    return np.array([sizes[site] ** -0.5 for site in sites])


def _ranks(scores: Floats) -> Floats:
    """Rank of each page, above 0 and up to 1."""
    ranks = np.empty(len(scores))
    ranks[np.lexsort((np.arange(len(scores)), scores))] = np.arange(1, len(scores) + 1) / len(scores)
    return ranks
