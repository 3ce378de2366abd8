"""Rules about what decided: the classifier, deduplication and matching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from corpus.report.counters import share
from corpus.report.markup import count, decimal, percent
from corpus.report.warnings.finding import CAUTION, PROBLEM, Facts, Finding, Found, said

RATE = "0.01"  # the false-positive rate at which the classifier's recall is asked for


def classifier_measured(facts: Facts) -> Found:
    """Whether the classifier has a measure at all, and one that may be believed."""
    found = facts.stats["classifier"]
    if not found:
        return
    if not found["metrics"]:
        text = "The classifier was not measured: its metrics.json is missing or empty."
        yield Finding(PROBLEM, text, "classifier", weight=0.8)
    if _unread(found):
        text = (
            "The classifier was measured on noisy labels: pages of the crawl stand in for general pages "
            "without having been read, so some that count as false positives are wanted ones. "
            "Give labels= for a true measure."
        )
        yield Finding(CAUTION, text, "classifier", "classifier", 0.4)


def classifier_recall(facts: Facts) -> Found:
    found = facts.stats["classifier"]
    if not found or _unread(found):
        return
    for name, scorer in list(_scorers(found["metrics"]).items())[-1:]:  # the last one decides
        recall = (scorer.get("recall_at_fpr") or {}).get(RATE)
        if isinstance(recall, (int, float)) and recall < facts.limits.classifier_recall:
            text = (
                f"The classifier ({name}) finds {percent(recall)} of wanted pages at 1 % false positives; "
                f"the target is {percent(facts.limits.classifier_recall)}."
            )
            yield Finding(
                CAUTION, text, "classifier", "recall_at_fpr", facts.limits.classifier_recall - recall
            )


def deduplication(facts: Facts) -> Found:
    """Recall and precision on a sample that was compared pair by pair; where there is none, the curve's."""
    found = (facts.stats["duplicates"] or {}).get("facts") or {}
    sample = found.get("sample") or {}
    recall, how = sample.get("recall"), "measured pair by pair on a sample"
    if recall is None:
        recall, how = found.get("recall_at_threshold"), "by its collision curve"
    if recall is not None and recall < facts.limits.dedup_recall:
        text = (
            f"Deduplication finds {percent(recall)} of the pairs above its threshold, {how}; "
            f"the target is {percent(facts.limits.dedup_recall)}."
        )
        yield Finding(CAUTION, text, "duplicates", "collision", facts.limits.dedup_recall - recall)
    precision = sample.get("precision")
    if precision is not None and precision < facts.limits.dedup_precision:
        text = (
            f"{percent(1 - precision)} of the pages removed from deduplication's sample are no duplicates "
            f"by its own threshold; at most {percent(1 - facts.limits.dedup_precision)} is wanted."
        )
        yield Finding(PROBLEM, text, "duplicates", "duplicates", 1 - precision)


def busy_seeds(facts: Facts) -> Found:
    """Seeds that are nearest to too many pages draw the corpus to themselves."""
    found = facts.stats["matches"]
    if not found or not found["pages"]:
        return
    large = [
        row
        for row in found["top_seeds"]
        if share(row["pages"] or 0, found["pages"]) > facts.limits.seed_share
    ]
    if large:
        names = said(
            [
                f"'{row['title'] or row['seed_id']}' ({percent(share(row['pages'], found['pages']))})"
                for row in large
            ]
        )
        text = (
            f"Seeds that are nearest to more than {percent(facts.limits.seed_share)} of the pages: {names}."
        )
        yield Finding(CAUTION, text, "matching", "top_seeds", share(large[0]["pages"], found["pages"]))


def idle_seeds(facts: Facts) -> Found:
    """Sources whose seeds find nothing in this crawl: of another subject, or of a form like no page."""
    found = facts.stats["matches"]
    used = ((found or {}).get("facts") or {}).get("seeds_used_by_source")
    if not found or not isinstance(used, Mapping):
        return
    busy = {row["source"]: row["with_pages"] for row in found["hits_by_source"]}
    idle = [
        (name, seeds, seeds - min(busy.get(name, 0), seeds))
        for name, seeds in sorted(used.items())
        if isinstance(seeds, int) and seeds > 0
    ]
    idle = [row for row in idle if row[2] / row[1] > facts.limits.idle_seeds]
    if idle:
        names = said([f"{name} ({count(without)} of {count(seeds)})" for name, seeds, without in idle])
        text = f"Sources whose seeds found hardly any page: {names}."
        weight = sum(without for *_, without in idle) / max(
            sum(n for n in used.values() if isinstance(n, int)), 1
        )
        yield Finding(CAUTION, text, "matching", "seed_hits", weight / 2)


def embedding_map(facts: Facts) -> Found:
    """A map on which kept and dropped pages lie together says that matching does not part them."""
    auc = ((facts.stats["matches"] or {}).get("map") or {}).get("auc")
    if auc is not None and auc < 0.6:
        text = f"Kept and dropped pages are hardly apart on the map: AUC {decimal(auc)}, and 0.5 is chance."
        yield Finding(CAUTION, text, "matching", weight=0.3)


def _scorers(metrics: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Figures by scorer, the deciding one last; without labels those of the only one."""
    given = metrics.get("scorers")
    if isinstance(given, Mapping) and given:
        order = [name for name in ("fasttext", "second", "both") if name in given]
        return {name: given[name] for name in order}
    held_out = metrics.get("held_out")
    return {"fasttext": held_out} if isinstance(held_out, Mapping) else {}


def _unread(found: Mapping[str, Any]) -> bool:
    """Whether pages of the crawl stand in for general ones without having been read."""
    return "crawl" in {row["given_by"] for row in found["given_by"]}


RULES = (classifier_measured, classifier_recall, deduplication, busy_seeds, idle_seeds, embedding_map)
