"""Forecast and calibration as the job runs them: on real archives, with a real (small) classifier."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from corpus.crawl.config import FilterConfig
from corpus.crawl.stage import identities_of, make_work, run
from corpus.crawl.trial.stage import calibrate, forecast
from corpus.engine.config import build
from corpus.engine.errors import DataError, UserError
from corpus.hygiene.quality import Limits
from tests.crawl.archives import html, write

pytestmark = pytest.mark.spark


@pytest.fixture
def config(tmp_path: Path, classifier: str) -> Callable[..., FilterConfig]:
    """Two archives with pages of six sites, half of them wanted, and labels of all."""
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    with open(tmp_path / "labels.csv", "w", encoding="utf-8", newline="") as stream:
        labels = csv.writer(stream)
        labels.writerow(["url", "label"])
        for n in range(2):
            pages = [
                (f"http://site{p % 6}.org/{n}/{p}", html(60 + p, f"{'api' if p % 2 else 'news'}{p}x"))
                for p in range(60)
            ]
            write(crawl / f"{n}.warc.gz", pages)
            labels.writerows(
                [url, "positive" if int(url.rpartition("/")[2]) % 2 else "negative"] for url, _ in pages
            )

    def make(**more: object) -> FilterConfig:
        settings = {
            "input": [str(crawl)],
            "classifier": classifier,
            "output": str(tmp_path / "out"),
            "threshold": 0.5,
            "quality": {limit.name: None for limit in fields(Limits)},
        }
        return build(FilterConfig, {**settings, **more})

    return make


def test_a_calibration_is_written_and_counts_in_the_fingerprint(
    spark, config: Callable[..., FilterConfig], tmp_path: Path
) -> None:
    said = calibrate(config(calibrate=str(tmp_path / "labels.csv"), output=str(tmp_path / "calibration")))
    path = tmp_path / "calibration" / "calibration.json"
    assert str(path) in said and "120 labelled pages of 6 sites" in said
    found = json.loads(path.read_text())
    assert found["pages"]["wanted_kept_in_full"] == found["pages"]["wanted"] == 60
    assert found["loss"]["all"]["share"] <= 0.01 and found["light_threshold"] > 0
    plain, with_it = config(), config(calibration=str(path))
    works = [make_work(c, identities_of(c), c.output) for c in (plain, with_it)]
    assert works[1].rules.light_threshold == found["light_threshold"]
    assert works[0].fingerprint != works[1].fingerprint


def test_labels_of_no_page_of_the_input_calibrate_nothing(
    spark, config: Callable[..., FilterConfig], tmp_path: Path
) -> None:
    (tmp_path / "labels.csv").write_text("url,label\nhttp://elsewhere.org/,positive\n")
    with pytest.raises(DataError, match="needs two or more"):
        calibrate(config(calibrate=str(tmp_path / "labels.csv")))
    assert not (tmp_path / "out").exists()


def test_a_calibration_does_not_go_into_a_finished_stage(
    spark, config: Callable[..., FilterConfig], tmp_path: Path
) -> None:
    run(config())
    with pytest.raises(UserError, match="finished stage"):
        calibrate(config(calibrate=str(tmp_path / "labels.csv")))


def test_a_forecast_of_the_whole_input_says_what_the_run_then_does(
    config: Callable[..., FilterConfig], tmp_path: Path
) -> None:
    said = forecast(config(cores=8, core_hour_price=0.1))
    assert "2 of 2 archives: 120 response records" in said
    assert "120, of which kept 60\n" in said and "hours on 8 cores" in said
    assert not (tmp_path / "out").exists()


def test_an_index_is_not_sampled(config: Callable[..., FilterConfig], tmp_path: Path) -> None:
    with pytest.raises(UserError):
        forecast(config(input=[], index=[str(tmp_path / "missing.parquet")]))


def test_the_job_has_the_flag(config: Callable[..., FilterConfig], tmp_path: Path, repository: Path) -> None:
    given = config()
    words = [f"input={given.input[0]}", f"classifier={given.classifier}", f"output={given.output}", "cores=3"]
    command = [sys.executable, "jobs/filter.py", "--plan", *words]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    ended = subprocess.run(
        command, capture_output=True, text=True, cwd=repository, env=environment, timeout=300, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "hours on 3 cores" in ended.stdout
