"""Harvested sites: each page with its level and parent, each record with its reason, by archive and by index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.engine.manifest import Manifest
from corpus.engine.tables import SEEDS
from corpus.harvest.config import HarvestConfig
from corpus.harvest.levels.stage import limited
from corpus.harvest.stage import plan, run
from corpus.match.stage import read_seeds
from tests.crawl.server import Store, serve
from tests.harvest.planted import API, write_crawl, write_index

STARTS = f"""
- url: {API}
  source: alpha
  licence: MIT
  follow: [https://friend.example/alpha/]
  exclude: [https://docs.alpha.example/blog/]
"""
LEVELS = {
    f"{API}one.html": (0, None),
    f"{API}two.html": (0, None),
    "https://docs.alpha.example/guide/start.html": (1, API),
    "https://www.alpha.example/ref/x.html": (1, API),
    "https://friend.example/alpha/f.html": (1, API),
    "https://docs.alpha.example/guide/deep.html": (2, "https://docs.alpha.example/guide/start.html"),
}
REASONS = {
    API: "too_short",
    f"{API}same.html": "duplicate_text",
    f"{API}gone.html": "http_status",
    f"{API}fr.html": "language",
    f"{API}noai.html": "opt_out",
    "http://docs.alpha.example/api/one.html": "repeated_url",
    "https://docs.alpha.example/guide/deeper.html": "not_reached",
    "https://docs.alpha.example/guide/secret.html": "not_reached",
    "https://docs.alpha.example/blog/post.html": "excluded",
    "https://friend.example/other.html": "other_site",
    "https://elsewhere.example/p.html": "other_site",
}


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archives, their index and the starts."""
    folder = tmp_path_factory.mktemp("harvest")
    write_index(write_crawl(folder), folder / "index.parquet")
    (folder / "starts.yaml").write_text(STARTS)
    return folder


def config(crawl: Path, output: str, **more: Any) -> HarvestConfig:
    settings = {"start": [str(crawl / "starts.yaml")], "output": str(crawl / output), "levels": 2}
    return build(HarvestConfig, {**settings, "languages": ["en"], **more})


@pytest.fixture(scope="module")
def harvested(spark: SparkSession, crawl: Path) -> Manifest:
    return run(config(crawl, "whole", input=[str(crawl / "*.warc.gz")]))


@pytest.fixture(scope="module")
def by_index(spark: SparkSession, crawl: Path) -> Iterator[tuple[Manifest, Store]]:
    files = {f"/crawl/{p.name}": p.read_bytes() for p in crawl.glob("*.warc.gz")}
    with serve(Store(files)) as store:
        settings = {"index": [str(crawl / "index.parquet")], "base": store.address, "index_gap": 0}
        yield run(config(crawl, "index", **settings)), store


def table(manifest: Manifest, name: str) -> list[dict[str, Any]]:
    return pq.read_table(Path(manifest.folder) / name).to_pylist()


@pytest.mark.spark
def test_each_page_keeps_its_level_and_its_parent(harvested: Manifest) -> None:
    seeds = table(harvested, "seeds")
    assert {row["url"]: (row["level"], row["parent"]) for row in seeds} == LEVELS
    assert {(r["source"], r["kind"], r["licence"], r["start"]) for r in seeds} == {
        ("alpha", "tool_doc", "MIT", API)
    }
    assert all("raises OSError" in row["text"] and row["language"] == "en" for row in seeds)
    assert harvested.facts["starts"][0]["levels"] == {
        "0": {"pages": 7, "kept": 2},
        "1": {"pages": 3, "kept": 3},
        "2": {"pages": 1, "kept": 1},
    }


@pytest.mark.spark
def test_every_record_of_the_archives_has_its_reason(harvested: Manifest) -> None:
    ledger = {row["url"]: row["reason"] for row in table(harvested, "ledger")}
    assert ledger == {**REASONS, **dict.fromkeys(LEVELS, "")}
    assert harvested.counts["records_in"] == len(ledger)


@pytest.mark.spark
def test_the_same_command_again_changes_nothing_and_another_is_refused(
    harvested: Manifest, crawl: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in Path(harvested.folder).rglob("*")}
    assert run(config(crawl, "whole", input=[str(crawl / "*.warc.gz")])).digest() == harvested.digest()
    assert {p: p.stat().st_mtime_ns for p in Path(harvested.folder).rglob("*")} == before
    with pytest.raises(UserError, match="levels: 2 -> 1"):
        run(config(crawl, "whole", input=[str(crawl / "*.warc.gz")], levels=1))


@pytest.mark.spark
def test_an_index_gives_the_same_seeds_and_only_their_records_are_fetched(
    harvested: Manifest, by_index: tuple[Manifest, Store]
) -> None:
    manifest, store = by_index
    assert table(manifest, "seeds") == table(harvested, "seeds")
    ledger = {row["url"]: row["reason"] for row in table(manifest, "ledger")}
    gone = (
        f"{API}gone.html"  # of the index, records without a page and hosts of other sites are not asked for
    )
    asked = {u: r for u, r in REASONS.items() if u not in (gone, "https://elsewhere.example/p.html")}
    assert ledger == {**asked, **dict.fromkeys(LEVELS, "")}
    assert store.asked and all(each and each.startswith("bytes=") for each in store.asked)
    fetched = sum(1 for each in store.asked if each)
    assert fetched <= 10 < len(REASONS) + len(LEVELS)


@pytest.mark.spark
def test_harvested_seeds_stand_beside_others(spark: SparkSession, harvested: Manifest) -> None:
    found = read_seeds(spark, (harvested.folder, harvested.folder))
    assert found.count() == len(LEVELS)
    assert set(SEEDS.schema.names) <= set(table(harvested, "seeds")[0])


@pytest.mark.spark
def test_a_level_takes_a_fixed_sample_within_the_limits(spark: SparkSession, crawl: Path) -> None:
    names = "start int, parent string, full string, warc string, offset bigint, length bigint, url string, key string"
    rows = [(n % 2, None, "w", "w", n, 1, f"u{n}", f"k{n}") for n in range(40)]
    settings = config(crawl, "x", most_per_level=12, most_per_start=15)

    def limits(part: list[tuple[Any, ...]], used: dict[int, int]) -> dict[tuple[int, str], set[str]]:
        found: dict[tuple[int, str], set[str]] = {}
        for row in limited(spark.createDataFrame(part, names), 1, used, settings).collect():
            found.setdefault((row["start"], row["limit"]), set()).add(row["key"])
        return found

    first = limits(rows, {0: 10})
    assert {key: len(keys) for key, keys in first.items()} == {
        (0, ""): 5,
        (0, "start_limit"): 7,
        (0, "level_limit"): 8,
        (1, ""): 12,
        (1, "level_limit"): 8,
    }
    assert limits(rows[::-1], {0: 10}) == first


def test_the_plan_names_starts_and_inputs(crawl: Path) -> None:
    said = plan(config(crawl, "x", input=[str(crawl / "*.warc.gz")]))
    assert "2 files" in said and "alpha: docs.alpha.example/api" in said


@pytest.mark.spark
def test_the_plan_of_an_index_shows_the_narrowed_filter(spark: SparkSession, crawl: Path) -> None:
    settings = {
        "index": [str(crawl / "index.parquet")],
        "where": "fetch_status > 0 OR url IS NULL",
        "levels": 0,
    }
    (crawl / "bare.yaml").write_text(f"- {API}\n")
    said = plan(config(crawl, "x", start=[str(crawl / "bare.yaml")], **settings))
    assert (
        "where   (fetch_status > 0 OR url IS NULL) AND fetch_status = 200 AND url_host_registered_domain IN "
        "('alpha.example') AND url_host_name IN ('docs.alpha.example', 'www.docs.alpha.example')"
    ) in said
