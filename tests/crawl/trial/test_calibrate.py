"""Calibration: labelled pages through all steps, thresholds from them, and a file that the filter takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from corpus.crawl.cascade import JUDGE, Rules, child_setup, outer_steps
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.trial.calibrate import Known, Seen, examine, summary, thresholds_of, write
from corpus.crawl.trial.calibration import read_calibration
from corpus.engine.errors import DataError
from corpus.hygiene.quality import Limits
from tests.crawl.archives import html, read
from tests.crawl.archives import write as write_warc

FULL = ("record", "prefilter", "decode", "light_text", "language", "light_score", "policy", "extraction")


def seen(
    number: int, *, wanted: bool, light: float, early: float = 0.9, reasons: Sequence[str] = (), **more
) -> Seen:
    site = f"site{number % 12}.example"
    spent = dict.fromkeys((*FULL, "quality", "agent_score"), 0.001)
    return Seen(
        url=f"http://{site}/{number}",
        site=site,
        wanted=wanted,
        scores={"prefilter": early, "light_score": light},
        reasons=dict.fromkeys(reasons, "reason"),
        spent=spent,
        **more,
    )


def labelled(count: int = 600) -> list[Seen]:
    wanted = [
        seen(n, wanted=True, light=0.5 + (n % 97) / 200, early=0.6 + (n % 89) / 300) for n in range(count)
    ]
    return wanted + [
        seen(n, wanted=False, light=(n % 83) / 160, early=(n % 79) / 100) for n in range(count, 2 * count)
    ]


def test_thresholds_lose_no_more_than_allowed_and_spare_work() -> None:
    found = thresholds_of(labelled(), 0.02)
    assert found["loss"]["all"]["share"] <= 0.02
    assert found["light_threshold"] > 0.3 and found["prefilter_threshold"] > 0.5
    steps = {step["step"]: step for step in found["steps"]}
    assert list(steps) == [*FULL, "quality", "agent_score"]
    assert steps["decode"]["others"]["in"] == steps["prefilter"]["others"]["out"] < 600
    assert steps["policy"]["wanted"]["in"] >= 0.98 * 600
    assert steps["decode"]["ms_per_page"] == pytest.approx(1.0)


def test_what_the_full_path_would_not_keep_is_no_loss() -> None:
    pages = labelled()
    hopeless = [seen(n, wanted=True, light=0.01, reasons=["agent_score"]) for n in range(2_000, 2_100)] + [
        seen(n, wanted=True, light=0.01, failed="timeout") for n in range(2_100, 2_110)
    ]
    found, without = thresholds_of(pages + hopeless, 0.02), thresholds_of(pages, 0.02)
    assert found["light_threshold"] == without["light_threshold"]
    assert found["pages"]["wanted"] == 710 and found["pages"]["wanted_kept_in_full"] == 600
    assert found["pages"]["failed"] == {"timeout": 10}


def test_pages_that_the_light_text_loses_count_against_the_allowance() -> None:
    pages = labelled() + [
        seen(n, wanted=True, light=0.9, reasons=["light_text"]) for n in range(3_000, 3_030)
    ]
    found = thresholds_of(pages, 0.01)
    assert found["loss"]["light_text"]["lost"] == 30
    assert found["light_threshold"] == found["prefilter_threshold"] == 0.0


def test_repeated_pages_and_their_order_change_nothing() -> None:
    pages = labelled(200)
    assert thresholds_of(pages, 0.02) == thresholds_of([*reversed(pages), *pages], 0.02)


def test_wanted_pages_of_one_site_are_too_few() -> None:
    pages = [seen(12 * n, wanted=True, light=0.9) for n in range(50)]
    with pytest.raises(DataError, match="come from 1 sites"):
        thresholds_of(pages, 0.01)


def test_the_filter_reads_what_was_written(tmp_path: Path) -> None:
    found = thresholds_of(labelled(), 0.02)
    path = write(str(tmp_path), found, classifier="abc", threshold=0.5)
    again = read_calibration(str(tmp_path), "abc")
    assert again.light_threshold == found["light_threshold"]
    assert again.prefilter_threshold == found["prefilter_threshold"]
    assert json.loads(Path(path).read_text())["threshold"] == 0.5
    assert f"{found['light_threshold']:.4f}" in summary(found)


def test_all_steps_look_at_labelled_pages_whatever_they_say(tmp_path: Path) -> None:
    bodies = [
        ("http://a.example/1", html(100, "api")),
        ("http://b.example/2", html(100)),
        ("http://c.example/3", b"%PDF-1.4"),
        ("http://d.example/unlabelled", html(100, "api")),
    ]
    write_warc(tmp_path / "a.warc.gz", bodies)
    records, _ = read(tmp_path / "a.warc.gz")
    known = {url: Known(b"api" in body, url[7:16]) for url, body in bodies[:3]}
    rules = Rules(0.5, quality=Limits(min_words=0, min_substance=0))
    setup = child_setup(rules, "tests.crawl.children:WordScorer", exhaustive=True)
    with Sandbox(JUDGE, setup, seconds=20, memory_mb=1024) as sandbox:
        first, second, third = examine(records, known, outer_steps(rules), sandbox)
    assert (first.wanted, first.reasons, first.kept_in_full) == (True, {}, True)
    assert {"light_score", "agent_score"} <= set(second.reasons) and not second.kept_in_full
    assert "extraction" in second.spent and second.scores["light_score"] == pytest.approx(0.1)
    assert third.reasons == {"record": "not_html"} and not third.kept_in_full
    assert [page.site for page in (first, second, third)] == ["a.example", "b.example", "c.example"]
