"""Promises about figures on labelled pages whose sites were held out."""

import numpy as np
import pyarrow as pa
import pytest

from corpus.match.evaluation.labelled import Known, evaluate, held_out, targets
from corpus.match.evaluation.labels import known_pages
from corpus.match.evaluation.left_out import auc_of, left_out
from corpus.match.evaluation.summary import summary
from corpus.match.select.combine import FITTED, NAMES, Weights
from corpus.relevance.labels import Label
from tests.match.vectors import around, unit

SITES, PAGES = 12, 40


def planted(noise: float = 1.0, tell: tuple[str, ...] = ("classifier", "margin")) -> Known:
    """Sites of one kind each; what `tell` names says whether a page is wanted, the others are noise."""
    random = np.random.default_rng(7)
    labels: dict[str, Label] = {}
    rows = {name: [] for name in ("id", "url", "host", *NAMES)}
    for site in range(SITES):
        wanted = site % 2 == 0
        for page in range(PAGES):
            url = f"https://s{site}.example/{page}"
            word = "agent" if wanted else "general"
            labels[url] = Label(word, f"s{site}", read=page % 10 == 0, by_site=word)
            rows["id"].append(url)
            rows["url"].append(url)
            rows["host"].append(f"s{site}.example")
            for name in NAMES:
                told = (1.0 if wanted else -1.0) if name in tell else 0.0
                rows[name].append(told + noise * float(random.standard_normal()))
    return known_pages(pa.table(rows), labels, None, mixed_genres=(), folds=4, max_per_site=PAGES)


def test_the_parts_hold_whole_sites():
    known = planted()
    sites: dict[str, set[int]] = {}
    for site, fold in zip(known.pages.site, known.fold.tolist()):
        sites.setdefault(site, set()).add(fold)
    assert known.usable and all(len(folds) == 1 for folds in sites.values())
    assert len(known.fold) == SITES * PAGES


def test_both_together_are_better_than_either_where_both_have_something_to_say():
    found = evaluate(planted(), host=0.5, target_fpr=0.01, given=None, prevalence=0.01)
    figures = found.facts["figures"]
    assert figures["combined"]["auc"] > max(figures["classifier"]["auc"], figures["match"]["auc"])
    assert [row["better_than_classifier"] for row in found.facts["targets"]] == [True, True, True]
    assert found.facts["by_host_weight"][0]["host"] == 0.0
    assert Weights.of(found.facts["weights"]).plain() == found.weights.plain()


def test_it_is_said_where_both_together_are_no_better():
    figures = {
        name: {"by_site_labels": {"recall_at_fpr": {"0.001": value, "0.01": value}}, "read": {}}
        for name, value in (("classifier", 0.8), ("match", 0.1), ("combined", 0.7))
    }
    assert [row["better_than_classifier"] for row in targets(figures)] == [False, False, None]


def test_the_terminal_is_told_of_targets_weights_and_lonely_sources():
    found = evaluate(planted(), host=0.5, target_fpr=0.01, given=None, prevalence=0.01)
    lonely = [{"source": "odd", "reached": False}, {"source": "fine", "reached": True}]
    said = summary(
        {"evaluation": found.facts, "rule": {"thresholds": {"doc": 0.1}}, "sources_left_out": lonely}
    )
    assert "recall at 0.1 %" in said and '"margin"' in said and '"doc": 0.1' in said
    assert said.endswith("others: odd") and "no better" not in said
    for row in found.facts["targets"]:
        row["better_than_classifier"] = False
    assert summary({"evaluation": found.facts}).count("no better") == 3
    assert summary({"evaluation": None, "rule": {}}) == ""


def test_a_page_of_a_site_that_contradicts_all_others_is_not_learnt_from_its_own_site():
    known = planted(noise=0.05)
    odd = np.array([site == "s0" for site in known.pages.site])
    known.features[odd] *= -1
    found = held_out(known, FITTED, 0.0)
    assert (found[odd] < 0).all()


def test_the_threshold_lets_the_asked_share_of_negatives_pass():
    known = planted(noise=2.0)
    found = evaluate(known, host=0.0, target_fpr=0.05, given=None, prevalence=0.01)
    sums = held_out(known, FITTED, 0.0)
    passed = 1 / (1 + np.exp(-sums)) >= found.threshold
    assert passed[~known.pages.wanted].mean() <= 0.05 and passed[known.pages.wanted].any()


def test_what_the_coarse_pass_has_dropped_is_not_found():
    known = planted(noise=0.05)
    known.seen[np.flatnonzero(known.pages.wanted)[::2]] = False
    figures = evaluate(known, host=0.0, target_fpr=0.01, given=None, prevalence=0.01).facts["figures"]
    assert figures["combined"]["recall_at_fpr"]["0.01"] == pytest.approx(0.5, abs=0.01)
    assert figures["classifier"]["recall_at_fpr"]["0.01"] == 1.0


def test_given_weights_are_measured_and_not_fitted():
    given = Weights({"margin": 1.0}, host=0.2)
    found = evaluate(planted(), host=0.9, target_fpr=0.01, given=given, prevalence=0.01)
    assert found.weights == given and found.facts["weights_by"] == "config"


def test_held_out_scores_of_the_classifier_replace_those_of_the_pages():
    rows = {name: [1.0, 1.0] for name in NAMES} | {"id": ["a", "b"], "url": ["u", "v"], "host": ["h", "h"]}
    labels = {"u": Label("agent", "s"), "v": Label("general", "t"), "w": Label("general", "x")}
    known = known_pages(
        pa.table(rows), labels, {"u": (0.5, None, 3)}, mixed_genres=(), folds=2, max_per_site=9
    )
    assert known.pages.url == ["u"] and known.fold.tolist() == [3]
    assert known.features[0].tolist() == pytest.approx([0.0, 0.0, 1.0, 1.0])
    assert not known.usable


def test_ambiguous_pages_and_more_than_a_sites_share_are_left_out():
    urls = [f"u{n}" for n in range(30)]
    rows = {name: [0.0] * 30 for name in NAMES} | {"id": urls, "url": urls, "host": ["h"] * 30}
    labels = {url: Label("ambiguous" if n < 10 else "agent", "s") for n, url in enumerate(urls)}
    known = known_pages(pa.table(rows), labels, None, mixed_genres=(), folds=2, max_per_site=8)
    assert len(known.fold) == 8 and set(known.pages.url) <= set(urls[10:])


def test_a_left_out_source_whose_like_is_there_lies_above_general_pages_and_one_without_does_not():
    random = np.random.default_rng(9)
    topic, odd = random.standard_normal(32), random.standard_normal(32)
    seeds = np.concatenate(
        [around(topic, 30, 0.9, random), around(topic, 30, 0.9, random), around(odd, 30, 0.3, random)]
    )
    sources, kinds = ["a"] * 30 + ["b"] * 30 + ["odd"] * 30, ["doc"] * 60 + ["plan"] * 30
    general = unit(random.standard_normal((400, 32)))
    found = left_out(seeds.astype(np.float16), sources, kinds, general)
    rows = {row["source"]: row for row in found.rows}
    assert rows["a"]["reached"] and rows["b"]["reached"] and not rows["odd"]["reached"]
    assert found.kinds.count("plan") == 30 and len(found.margins) == 90


def test_one_source_and_no_general_pages_have_nothing_to_say():
    seeds = unit(np.eye(8)).astype(np.float16)
    assert left_out(seeds, ["a"] * 8, ["doc"] * 8, unit(np.eye(8))).rows == []
    rows = left_out(
        np.concatenate([seeds, seeds]), ["a"] * 8 + ["b"] * 8, ["doc"] * 16, np.empty((0, 8), np.float32)
    ).rows
    assert [row["source"] for row in rows] == ["a", "b"] and "median_rank" not in rows[0]


def test_an_auc_counts_ties_half():
    assert auc_of(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == 0.875
    assert auc_of(np.array([]), np.array([1.0])) is None
