"""The finished classifier: every record accounted for, a model that the filter can load, and honest figures."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.crawl.config import FilterConfig
from corpus.crawl.inputs.given import find_given
from corpus.crawl.stage import run as run_filter
from corpus.engine import manifest
from corpus.engine.errors import UserError
from corpus.hygiene.quality import Limits
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.evaluation import auc
from corpus.relevance.labels import read_labels
from corpus.relevance.model import AgentClassifier
from corpus.relevance.rows import ROWS, choose_archives
from corpus.relevance.stage import decide, plan, run
from corpus.relevance.table import summary
from corpus.seeds.config import SeedsConfig
from corpus.seeds.stage import run as run_seeds
from tests.crawl.server import Store, serve
from tests.relevance.test_training import NOUNS

REFERENCE = "<h1>{a}_{b}</h1><pre>{a}_{b}(name, size=0) -> {a}</pre><p>Returns the {a}. Parameter name (str), required.</p>"
PROSE = "<h1>The {a}</h1><p>The {a} lay in the sun. She thought of the {b} and of the long way home that evening.</p>"


def body(site: int, number: int) -> str:
    a, b = NOUNS[(site + number) % 10], NOUNS[(site * 3 + number) % 10]
    inner = (REFERENCE if site % 2 else PROSE).format(a=a, b=b) * (1 + number % 3)
    return (
        f"<html><head><title>{a}</title></head><body>{inner}<p>{a} and {number} more of {b}</p></body></html>"
    )


def write_crawl(path: Path) -> Path:
    """Eight sites of eight pages, one page twice, one image, one page that is not there."""
    pages = [(f"https://s{s}.example/p{n}", "text/html", body(s, n), 200) for s in range(8) for n in range(8)]
    pages += [
        ("https://s1.example/copy", "text/html", body(1, 1), 200),
        ("https://s1.example/i.png", "image/png", "x", 200),
    ]
    pages += [("https://s2.example/gone", "text/html", "<p>not here</p>", 404)]
    with open(path, "wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        for url, mime, text, status in pages:
            http = StatusAndHeaders(f"{status} X", [("Content-Type", mime)], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(url, "response", BytesIO(text.encode()), http_headers=http)
            )
    return path


@pytest.fixture(scope="module")
def inputs(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """(crawl, finished seeds, labels)."""
    root = tmp_path_factory.mktemp("classifier")
    calls = [f"{a}_{b}(name='x')" for a in NOUNS for b in NOUNS[:4]]
    rows = [
        {"api_call": c, "functionality": "Returns it.", "api_arguments": {"name": "str, required"}}
        for c in calls
    ]
    (root / "calls.jsonl").write_text("\n".join(map(json.dumps, rows)))
    run_seeds(SeedsConfig(input=(str(root / "calls.jsonl"),), output=str(root / "seeds")))
    labels = [
        f"https://s{s}.example/p{n},{'positive' if s % 2 else 'negative'}" for s in range(8) for n in range(7)
    ]
    (root / "labels.csv").write_text("url,label\n" + "\n".join([*labels, "https://s0.example/p7,ambiguous"]))
    return str(write_crawl(root / "crawl.warc.gz")), str(root / "seeds"), str(root / "labels.csv")


def config(inputs: tuple[str, str, str], output: Path, labelled: bool = True) -> ClassifierConfig:
    crawl, seeds, labels = inputs
    return ClassifierConfig(
        input=(crawl,),
        seeds=(seeds,),
        labels=(labels,) if labelled else None,
        output=str(output),
        target_fpr=0.1,
    )


@pytest.fixture(scope="module")
def labelled(inputs: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a classifier that was trained with labels and a few verdicts."""
    folder = tmp_path_factory.mktemp("labelled")
    verdicts = "url,verdict\n" + "".join(
        f"https://s{site}.example/p6,{'stub' if site % 2 else 'no'}\n" for site in range(8)
    )
    (folder / "read.csv").write_text(verdicts)
    crawl, seeds, labels = inputs
    both = replace(config((crawl, seeds, labels), folder / "a"), labels=(labels, str(folder / "read.csv")))
    run(both)
    return folder


@pytest.mark.spark
def test_with_labels_every_record_is_accounted_for_and_the_model_serves(
    inputs: tuple[str, str, str], labelled: Path
) -> None:
    found = manifest.read(str(labelled / "a"))
    ledger = pq.read_table(labelled / "a" / "ledger").to_pylist()
    pages = Counter(row["reason"] for row in ledger if row["warc"])
    assert pages == {"": 56, "unlabelled": 8, "ambiguous": 1, "not_html": 1, "http_status": 1}
    assert found.facts["held_out"]["auc"] > 0.95 and found.facts["held_out"]["sites"] == 8
    scores = pq.read_table(labelled / "a" / "scores").to_pylist()
    givers = Counter((row["given_by"], row["label"]) for row in scores)
    assert givers == {
        ("file:labels.csv", "agent"): 24,
        ("file:labels.csv", "general"): 24,
        ("file:read.csv", "stub"): 4,
        ("file:read.csv", "general"): 4,
    }
    assert all(0 <= row[name] <= 1 for row in scores for name in ("second_score", "joint_score"))
    model = AgentClassifier.load(str(labelled / "a"))
    reference, prose, nothing = model.score(
        [
            "wren_lamp(name, size=0) -> wren\nReturns the wren. Parameter name (str), required.",
            "She thought of the way home.",
            "",
        ],
        ["https://new.example/a"] * 3,
    )
    assert reference > prose and nothing == 0.0
    told = summary(found.facts)
    assert "to reach" in told and "pages read one by one: AUC" in told and "second" in told


@pytest.mark.spark
def test_training_twice_gives_the_same_files(inputs: tuple[str, str, str], labelled: Path) -> None:
    again = replace(config(inputs, labelled / "b"), labels=(inputs[2], str(labelled / "read.csv")))
    assert run(again).digest() == manifest.read(str(labelled / "a")).digest()
    for name in ("model/model.bin", "model/second.npz", "metrics.json"):
        assert (labelled / "a" / name).read_bytes() == (labelled / "b" / name).read_bytes()


@pytest.mark.spark
def test_the_filter_takes_both_scores_from_the_same_folder(
    inputs: tuple[str, str, str], labelled: Path
) -> None:
    """The rule of the folder decides, page by page; without the second scorer the first one does."""
    model = AgentClassifier.load(str(labelled / "a"))
    assert model.second is not None
    rule = model.second.rule
    quality = Limits(**{limit.name: None for limit in fields(Limits)})
    settings = {"classifier": str(labelled / "a"), "input": (inputs[0],), "quality": quality, "min_words": 1}
    both = run_filter(FilterConfig(output=str(labelled / "both"), **settings))
    pages = pq.read_table(labelled / "both" / "pages").to_pylist()
    assert pages and all(
        page["agent_score"] >= rule.first_threshold
        and rule.chance(page["agent_score"], page["second_score"]) >= rule.threshold - 1e-6
        for page in pages
    )
    steps = {step["step"]: step for step in both.facts["steps"]}
    assert steps["second_score"]["pages_out"] == len(pages) <= steps["second_score"]["pages_in"]
    run_filter(FilterConfig(output=str(labelled / "first"), second=False, **settings))
    alone = pq.read_table(labelled / "first" / "pages").to_pylist()
    assert alone and all(page["second_score"] is None for page in alone)
    assert all(page["agent_score"] >= model.threshold for page in alone)
    loose = run_filter(FilterConfig(output=str(labelled / "loose"), second_threshold=0.0, **settings))
    assert loose.rows("pages") == steps["second_score"]["pages_in"]


@pytest.mark.spark
def test_without_labels_the_figures_are_marked_as_noisy(inputs: tuple[str, str, str], tmp_path: Path) -> None:
    found = run(config(inputs, tmp_path / "a", labelled=False))
    assert found.facts["labels"] == "seeds vs crawl (unlabelled)"
    reasons = Counter(
        row["reason"] for row in pq.read_table(tmp_path / "a" / "ledger").to_pylist() if row["warc"]
    )
    assert reasons["duplicate_text"] == 1 and reasons["cleaned_negative"] > 0
    scores = pq.read_table(tmp_path / "a" / "scores").to_pylist()
    wanted = np.array([row["site"][1] in "1357" for row in scores])
    assert auc(wanted, np.array([row["agent_score"] for row in scores])) > 0.9


@pytest.mark.spark
@pytest.mark.parametrize("name", ["model/model.bin", "model/second.npz", "metrics.json"])
def test_a_model_that_was_changed_is_refused(labelled: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(labelled / "a", tmp_path / "a")
    with open(tmp_path / "a" / name, "ab") as stream:
        stream.write(b" ")
    with pytest.raises(UserError, match="not the one that its manifest names"):
        AgentClassifier.load(str(tmp_path / "a"))


def test_what_is_missing_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "crawl.warc").write_bytes(b"")
    crawl = (str(tmp_path / "crawl.warc"),)
    with pytest.raises(UserError, match="no finished stage"):
        run(ClassifierConfig(input=crawl, seeds=(str(tmp_path / "none"),), output=str(tmp_path / "out")))


def test_an_empty_input_is_one_sentence_in_run_and_plan(tmp_path: Path) -> None:
    config = ClassifierConfig(input=(), seeds=(str(tmp_path / "none"),), output=str(tmp_path / "out"))
    for job in (run, plan):
        with pytest.raises(UserError, match="'input' is empty"):
            job(config)


def test_of_a_large_crawl_a_fixed_sample_of_archives_is_read(tmp_path: Path) -> None:
    for n in range(60):
        (tmp_path / f"{n}.warc.gz").write_bytes(b"")
    (tmp_path / "crawl.paths").write_text("\n".join(f"{n}.warc.gz" for n in range(60)))

    def names(**more: object) -> list[str]:
        settings = {
            "input": (str(tmp_path / "crawl.paths"),),
            "base": str(tmp_path),
            "seeds": ("s",),
            "output": "o",
        }
        config = ClassifierConfig(**{**settings, **more})
        given = find_given(config).archives
        chosen = choose_archives(given, config)
        assert len(given) == 60
        return [archive.name for archive in chosen]

    assert len(names()) == 50 and len(names(labels="labels.csv")) == 60
    assert len(names(labels="labels.csv", max_archives=20)) == 20
    assert names(max_archives=20) == names(max_archives=20, input=(str(tmp_path),))
    assert set(names(max_archives=20)) < set(names()) and names(seed=8) != names()


@pytest.mark.spark
def test_the_sample_is_bounded_by_characters_and_by_number(
    spark: SparkSession, inputs, tmp_path: Path
) -> None:
    given = ("crawl", "seed")
    rows = [
        (f"{by}{n}", f"u{n}", f"s{n}", by, by, "" if n % 3 else "empty", "x" * 100, f"{by}{n}", "w", n)
        for by in given
        for n in range(90)
    ]
    df = spark.createDataFrame(rows, from_arrow_schema(ROWS))
    for pages, characters, kept in ((25, 10**9, 25), (60, 1_050, 10), (60, 10**9, 60)):
        settings = replace(config(inputs, tmp_path, labelled=False), max_pages=pages)
        found = Counter(
            (row["given_by"], row["reason"]) for row in decide(df, settings, False, characters).collect()
        )
        assert {by: found[by, ""] for by in given} == dict.fromkeys(given, kept)
        assert {by: found[by, "empty"] for by in given} == dict.fromkeys(given, 30)


@pytest.mark.spark
def test_a_crawl_on_the_web_is_read_and_what_is_missing_there_is_named(inputs, tmp_path: Path) -> None:
    crawl, seeds, labels = inputs
    local = run(config(inputs, tmp_path / "local"))
    with serve(Store({"/crawl.warc.gz": Path(crawl).read_bytes()})) as store:
        web = (f"{store.address}/crawl.warc.gz", seeds, labels)
        assert run(config(web, tmp_path / "web")).facts == local.facts
        store.files.clear()
        with pytest.raises(UserError, match=r"cannot reach the input http://127.*crawl.warc.gz: 404 "):
            run(config(web, tmp_path / "gone"))
    assert local.facts["archives"] == local.facts["archives_given"] == 1


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.parametrize(("labelled", "least"), [(True, 0.90), (False, 0.80)])
def test_on_real_pages_of_unseen_sites_the_ranking_holds(
    spark: SparkSession, shared_data: Path, tmp_path: Path, labelled: bool, least: float
) -> None:
    run_seeds(
        SeedsConfig(
            input=(str(shared_data / "seeds" / "seeds_flat.jsonl.gz"),), output=str(tmp_path / "seeds")
        )
    )
    labels = str(shared_data / "web" / "mini.labels.csv")
    run(
        ClassifierConfig(
            input=(str(shared_data / "web" / "mini.warc.gz"),),
            seeds=(str(tmp_path / "seeds"),),
            labels=(labels,) if labelled else None,
            output=str(tmp_path / "model"),
        )
    )
    truth = read_labels(labels)
    rows = [
        r
        for r in pq.read_table(tmp_path / "model" / "scores").to_pylist()
        if truth[r["url"]].label != "ambiguous"
    ]
    wanted = np.array([truth[row["url"]].label == "agent" for row in rows])
    assert auc(wanted, np.array([row["agent_score"] for row in rows])) > least
