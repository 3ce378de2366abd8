"""Warnings: planted trouble is said in words with the place to look at, and numbers in order are met with silence."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.report import page
from corpus.report.config import ReportConfig
from corpus.report.parts import tables_of
from corpus.report.run import Report, located, measured, run
from corpus.report.warnings import RULES, Facts, Limits, find
from tests.report import synthetic

Stats = dict[str, Any]


def stage(name: str, came: int, kept: int, failed: int = 0) -> Stats:
    counts = {"records_in": came, "kept": kept, "dropped": came - kept - failed, "failed": failed}
    return {"stage": name, "purpose": "p", "state": "finished", **counts, "failed_share": failed / came}


def reason(name: str, outcome: str, why: str, records: int, came: int) -> Stats:
    return {"stage": name, "outcome": outcome, "reason": why, "records": records, "share": records / came}


def source(name: str, tokens: int, share: float) -> Stats:
    return {"source": name, "tokens": tokens, "share": share, "weight": 1.0, "declared": {"tokens": tokens}}


def point(tokens: int, loss: float, highest: float | None = None) -> Stats:
    return {"tokens": tokens, "loss": loss, "lowest": loss - 0.1, "highest": highest or loss + 0.1}


def calm() -> Stats:
    """The numbers of a run in which no rule finds anything."""
    return {
        "stages": [stage("pages", 1000, 600), stage("unique", 600, 500)],
        "funnel": [
            reason("pages", "kept", "", 600, 1000),
            reason("pages", "dropped", "language", 400, 1000),
            reason("unique", "kept", "", 500, 600),
            reason("unique", "dropped", "near", 100, 600),
        ],
        "archives": {"damaged_ranges": 0, "damaged_bytes": 0, "bytes": 10**6, "most_damaged": []},
        "pages": {
            "stage": "unique",
            "pages": 500,
            "hosts": {"top": [{"host": "a.example", "pages": 20, "share": 0.04, "word_share": 0.03}]},
            "languages": [{"language": "en", "pages": 490, "share": 0.98}, {"language": "de", "pages": 10, "share": 0.02}],
            "unlicensed": 0,
            "opted_out": 0,
            "fidelity": {"mean": 0.99},
        },
        "seeds": {"items": 100, "unlicensed": 0, "by_source": [{"source": "tldr", "items": 100, "unlicensed": 0}]},
        "classifier": {
            "given_by": [{"given_by": "site"}],
            "metrics": {"scorers": {"fasttext": {"recall_at_fpr": {"0.01": 0.5}}, "both": {"recall_at_fpr": {"0.01": 0.95}}}},
        },
        "duplicates": {"facts": {"recall_at_threshold": 0.95, "sample": {"recall": 0.96, "precision": 1.0}}},
        "matches": {
            "pages": 500,
            "top_seeds": [{"title": "ls", "seed_id": "s", "pages": 20}],
            "hits_by_source": [{"source": "tldr", "seeds": 140, "with_pages": 60}],
            "facts": {"seeds_used_by_source": {"tldr": 100}},
            "map": {"auc": 0.9},
        },
        "mixture": {"sets": {"stage1": {"sources": [source("agent", 500, 0.5), source("code", 500, 0.5)]}}},
        "training": {
            "stage1": {
                "steps": 30,
                "finite": True,
                "first_loss": 8.0,
                "last_loss": 4.0,
                "curve": [point(10, 8.0, 8.3), point(20, 5.0), point(30, 4.0)],
                "heldout": [{"source": "agent", "points": [{"loss": 8.0}, {"loss": 5.0}, {"loss": 5.01}]}],
            },
            "stage2": None,
        },
    }  # fmt: skip


def put(path: str, value: Any) -> Callable[[Stats], None]:
    """Plant one value; a number in the path is a place in a list."""

    def plant(stats: Stats) -> None:
        *way, last = [int(key) if key.isdigit() else key for key in path.split("/")]
        inner: Any = stats
        for key in way:
            inner = inner[key]
        inner[last] = value

    return plant


TROUBLE: list[tuple[str, Callable[[Stats], None], str]] = [
    ("road.parts", put("stages/0/state", "unfinished"), "pages has begun and not finished"),
    ("road.parts", put("stages/1", {"stage": "unique", "purpose": "p", "state": "missing"}), "unique is missing"),
    ("road.parts", put("stages/1", {"stage": "training/stage3", "purpose": "p", "state": "unfinished"}), "what it logged is shown"),
    ("road.counts_add_up", put("stages/0/dropped", 399), "1\u202f000 came in, 999 are accounted for"),
    ("road.counts_add_up", put("funnel/1/records", 380), "1\u202f000 came in, 980 have a reason"),
    ("road.rows_as_kept", put("pages/pages", 501), "holds 501 rows and its manifest keeps 500"),
    ("road.stages_meet", put("stages/0/kept", 700), "pages kept 700 records and unique read 600"),
    ("road.failures", put("stages/0/failed_share", 0.03), "(3.0\u202f%) failed in pages"),
    (
        "road.damage",
        put("archives", {"damaged_ranges": 2, "damaged_bytes": 9, "bytes": 99, "most_damaged": [{"archive": "a.warc"}]}),
        "2 byte ranges",
    ),
    ("road.mixture", put("mixture/sets/stage1/sources/0/declared/tokens", 499), "declares 499 tokens"),
    ("road.mixture", put("mixture/sets/stage1/sources/0/share", 0.4), "less than planned: its weight asks for 50.0"),
    ("contents.hosts", put("pages/hosts/top/0/word_share", 0.06), "of the words: a.example (6.0\u202f%)"),
    ("contents.hosts", put("pages/hosts/top/0/token_share", 0.07), "of the tokens: a.example (7.0\u202f%)"),
    ("contents.languages", put("pages/languages/1/language", "xx"), "in the language 'xx', which should not be there"),
    ("contents.licences", put("pages/unlicensed", 100), "100 of 500 pages (20.0\u202f%) state no licence"),
    ("contents.licences", put("seeds/unlicensed", 6), "6 seeds (6.0\u202f%) have no licence"),
    ("contents.opt_outs", put("pages/opted_out", 1), "ask to be left out"),
    ("contents.fidelity", put("pages/fidelity/mean", 0.9), "Extraction kept 90.0\u202f% of the code lines"),
    ("quality.classifier_measured", put("classifier/metrics", {}), "not measured"),
    ("quality.classifier_measured", put("classifier/given_by/0/given_by", "crawl"), "noisy labels"),
    (
        "quality.classifier_recall",
        put("classifier/metrics/scorers/both/recall_at_fpr/0.01", 0.8),
        "finds 80.0\u202f% of wanted pages at 1 % false positives",
    ),
    ("quality.deduplication", put("duplicates/facts/sample/recall", 0.85), "finds 85.0\u202f% of the pairs"),
    ("quality.deduplication", put("duplicates/facts", {"recall_at_threshold": 0.8}), "by its collision curve"),
    ("quality.deduplication", put("duplicates/facts/sample/precision", 0.9), "10.0\u202f% of the pages removed"),
    ("quality.busy_seeds", put("matches/top_seeds/0/pages", 30), "'ls' (6.0\u202f%)"),
    ("quality.idle_seeds", put("matches/hits_by_source/0/with_pages", 5), "tldr (95 of 100)"),
    ("quality.embedding_map", put("matches/map/auc", 0.55), "AUC 0.550"),
    ("training.learns", put("training/stage1/steps", 0), "has not logged a single step"),
    ("training.learns", put("training/stage1/finite", False), "not a finite number"),
    ("training.learns", put("training/stage1/last_loss", 8.5), "did not fall: 8.000 to 8.500"),
    ("training.heldout_rose", put("training/stage1/heldout/0/points/2/loss", 5.2), "rose in training/stage1: 5.000 to 5.200"),
    ("training.interrupted", put("training/stage1/skipped", 3), "0 spikes and 3 skipped updates in 30 steps"),
    ("training.unstable", put("training/stage1/curve/2/highest", 7.0), "jumped 1 times, at most by 2.0 nats near 30 tokens"),
]  # fmt: skip


def facts(stats: Stats, **values: Any) -> Facts:
    return Facts(stats, **{"languages": ("en", "de"), **values})


def test_a_run_in_order_is_met_with_silence() -> None:
    assert find(facts(calm(), earlier=calm())) == []


@pytest.mark.parametrize(("rule", "plant", "words"), TROUBLE, ids=[f"{r}-{w[:20]}" for r, _, w in TROUBLE])
def test_planted_trouble_is_found_by_its_rule_and_by_no_other(
    rule: str, plant: Callable[[Stats], None], words: str
) -> None:
    stats = calm()
    plant(stats)
    found = {f"{one.__module__.rsplit('.', 1)[1]}.{one.__name__}": list(one(facts(stats))) for one in RULES}
    assert any(words in finding.text for finding in found[rule]), [f.text for f in found[rule]]
    others = {name for name, findings in found.items() if findings} - {rule}
    assert others <= {
        "road.counts_add_up",
        "road.rows_as_kept",
        "road.stages_meet",
    }  # the same counts, seen twice
    assert all(0 <= finding.weight <= 1 for findings in found.values() for finding in findings)


def test_every_rule_has_planted_trouble() -> None:
    planted = {rule for rule, _, _ in TROUBLE} | {"road.sources_shrank", "road.reasons_grew"}
    assert planted == {f"{rule.__module__.rsplit('.', 1)[1]}.{rule.__name__}" for rule in RULES}


def test_what_shrank_or_grew_since_an_earlier_run_is_said() -> None:
    earlier, now = calm(), calm()
    earlier["seeds"]["by_source"] += [{"source": "gone", "items": 40, "unlicensed": 0}]
    earlier["mixture"]["sets"]["stage1"]["sources"][0]["tokens"] = 600
    earlier["funnel"][1]["share"] = 0.37
    said = [finding.text for finding in find(facts(now, earlier=earlier))]
    assert said == [
        "The source gone is gone: it had 40 items in the earlier run.",
        "The source agent of stage I shrank to 500 from 600 tokens in the earlier run.",
        "'language' took 40.0\u202f% of the records of pages, 37.0\u202f% in the earlier run.",
    ]
    earlier["mixture"]["sets"]["stage1"]["sources"][0]["declared"]["tokens"] = 600
    assert find(facts(earlier, earlier=now)) == []  # growth and fewer losses are no trouble


def test_a_limit_is_where_a_rule_begins() -> None:
    stats = calm()
    stats["pages"]["hosts"]["top"][0]["word_share"] = 0.2
    assert find(facts(stats, limits=Limits(host_share=0.2))) == []
    assert len(find(facts(stats, limits=Limits(host_share=0.19)))) == 1


def test_problems_come_first_and_then_what_touches_most() -> None:
    stats = calm()
    for path, value in (("pages/opted_out", 1), ("pages/unlicensed", 400), ("training/stage1/finite", False)):
        put(path, value)(stats)
    found = find(facts(stats))
    assert [finding.level for finding in found] == ["problem", "caution", "caution"]
    assert found[1].weight > found[2].weight and "licence" in found[1].text


def test_parts_that_are_missing_break_no_rule() -> None:
    names = ("archives", "pages", "seeds", "classifier", "duplicates", "matches", "mixture")
    empty = {**calm(), **dict.fromkeys(names), "training": {}, "stages": [], "funnel": []}
    assert find(facts(empty, earlier=copy.deepcopy(empty))) == []


def test_every_warning_points_at_a_place_on_the_page(tmp_path: Path) -> None:
    space = synthetic.make_workspace(tmp_path / "demo")
    stats = measured(build(ReportConfig, {"input": str(space)}))
    parts = page.sections(stats)
    homes = {table.name: part.name for part in parts for table in tables_of([part])}
    shown = located(stats["notices"], parts)
    assert [notice["table"] for notice in shown] == [notice["table"] for notice in stats["notices"]]
    places = {(notice["table"], notice["where"]) for notice in shown}
    assert len(places) > 5 and places <= {*homes.items(), *(("", part.name) for part in parts)}
    assert located([{**stats["notices"][0], "table": "gone", "where": "gone"}], parts)[0]["where"] == ""


def test_the_most_serious_warnings_fit_a_few_lines_of_the_terminal() -> None:
    notices = [{"level": level, "text": f"{level}\x1b[2J"} for level in ("problem", "caution", "caution")]
    report = Report("r/index.html", notices)
    assert report.brief(1) == "  problem: problem\\u001b[2J\n  and 2 more on the page"
    assert str(report).splitlines()[0] == "report: r/index.html" and "more" not in str(report)
    assert str(Report("r/index.html", [])) == "report: r/index.html"


def test_an_earlier_run_may_be_a_workspace_a_report_or_its_numbers(tmp_path: Path) -> None:
    before, now = tmp_path / "before", tmp_path / "now"
    synthetic.make_seeds(before)
    synthetic.make_seeds(now)
    manifest = json.loads((now / "seeds" / "manifest.json").read_bytes())
    counts = manifest["counts"]
    counts["by_reason"] = [
        {**row, "rows": 100 if row["reason"] == "too_short" else row["rows"]} for row in counts["by_reason"]
    ]
    counts["records_in"], counts["dropped"] = counts["records_in"] + 86, 100
    (now / "seeds" / "manifest.json").write_text(json.dumps(manifest))
    run(build(ReportConfig, {"input": str(before)}))
    for earlier in (before, before / "report", before / "report" / "stats.json"):
        said = str(run(build(ReportConfig, {"input": str(now), "earlier": str(earlier)})))
        assert "'too_short' took" in said, earlier
    assert "'too_short' took" not in str(run(build(ReportConfig, {"input": str(now)})))
    (tmp_path / "other.json").write_text("[1]")
    for wrong in (tmp_path / "other.json", tmp_path / "absent"):
        with pytest.raises(UserError, match=wrong.name):
            run(build(ReportConfig, {"input": str(now), "earlier": str(wrong)}))
