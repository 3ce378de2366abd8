"""The classifier reads the records that an index names as it reads whole archives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from corpus.crawl.index.stage import select
from corpus.crawl.inputs.given import find_given
from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.rows import choose_archives
from corpus.relevance.stage import page_rows, plan, run
from corpus.seeds.config import SeedsConfig
from corpus.seeds.stage import run as run_seeds
from tests.crawl.server import Store, serve
from tests.harvest.planted import write_index
from tests.rounds.planted import NOUNS, write_crawl, write_labels

WHERE = "url_host_name LIKE 'ref%' OR url_host_name LIKE 'tale%'"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Store]]:
    """Archives on a web server, labels, and their index as a local file."""
    folder = tmp_path_factory.mktemp("index")
    write_crawl(folder)
    write_labels(folder)
    paths = sorted(folder.glob("*.warc.gz"))
    write_index(paths, folder / "index.parquet")
    with serve(Store({f"/crawl/{path.name}": path.read_bytes() for path in paths})) as store:
        yield folder, store


def settings(crawl: tuple[Path, Store], output: str, **more: Any) -> ClassifierConfig:
    folder, store = crawl
    own = {
        "index": [str(folder / "index.parquet")],
        "base": store.address,
        "where": WHERE,
    }
    own |= {"seeds": [str(folder / "seeds")], "output": str(folder / output), "second": "none", "folds": 2}
    return build(ClassifierConfig, {**own, **more})


@pytest.mark.spark
def test_the_rows_of_an_index_are_those_of_the_archives(
    spark: SparkSession, crawl: tuple[Path, Store], tmp_path: Path
) -> None:
    config = settings(crawl, "x")
    index = find_given(config).index
    assert index is not None
    pieces = choose_archives(select(spark, index, str(tmp_path)), config)
    whole = settings(crawl, "x", index=[], where="", input=[str(crawl[0] / "*.warc.gz")])
    archives = choose_archives(find_given(whole).archives, whole)
    columns = ("id", "url", "line", "reason", "warc", "offset")
    by_index = set(page_rows(spark, pieces, config).select(*columns).collect())
    by_archive = page_rows(spark, archives, whole).select(*columns).collect()
    assert by_index == {row for row in by_archive if row["url"].startswith(("https://ref", "https://tale"))}
    assert len(by_index) == 80 and all(asked and asked.startswith("bytes=") for asked in crawl[1].asked)


@pytest.mark.spark
def test_the_plan_checks_the_filter_and_shows_it(spark: SparkSession, crawl: tuple[Path, Store]) -> None:
    calls = [
        {"api_call": f"{a}_{b}(name='x')", "functionality": "Returns it."} for a in NOUNS for b in NOUNS[:3]
    ]
    (crawl[0] / "calls.jsonl").write_text("\n".join(map(json.dumps, calls)))
    run_seeds(build(SeedsConfig, {"input": str(crawl[0] / "calls.jsonl"), "output": str(crawl[0] / "seeds")}))
    assert f"where   {WHERE}" in plan(settings(crawl, "x"))
    with pytest.raises(UserError, match="the key 'where' is no filter"):
        plan(settings(crawl, "x", where="nowhere = 1"))
    with pytest.raises(UserError, match="exclude each other"):
        plan(settings(crawl, "x", input=[str(crawl[0])]))
    with pytest.raises(UserError, match="'seeds' is empty"):
        plan(settings(crawl, "x", seeds=[]))


@pytest.mark.slow
@pytest.mark.spark
def test_labels_serve_with_an_index_as_with_archives(
    spark: SparkSession, crawl: tuple[Path, Store], tmp_path: Path
) -> None:
    calls = [
        {"api_call": f"{a}_{b}(name='x')", "functionality": "Returns it."} for a in NOUNS for b in NOUNS[:3]
    ]
    (tmp_path / "calls.jsonl").write_text("\n".join(map(json.dumps, calls)))
    seeds = [str(tmp_path / "seeds")]
    run_seeds(build(SeedsConfig, {"input": str(tmp_path / "calls.jsonl"), "output": seeds[0]}))
    labels = {"labels": [str(crawl[0] / "labels.csv")], "seeds": seeds}
    found = run(settings(crawl, "by-index", second="structure", **labels))
    archives = {"index": [], "where": "", "base": "", "input": [str(crawl[0] / "*.warc.gz")]}
    whole = run(settings(crawl, "by-archive", second="structure", **labels, **archives))
    assert [f.sha256 for f in found.tables["model"]] == [f.sha256 for f in whole.tables["model"]]
    scores = [pq.read_table(Path(m.folder) / "scores").to_pylist() for m in (found, whole)]
    assert scores[0] == scores[1] and len(scores[0]) == 40
    assert found.counts["records_in"] < whole.counts["records_in"]
    assert not (Path(found.folder) / "_work").exists()
