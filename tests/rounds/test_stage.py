"""Two rounds on a planted crawl: what the first classifier misses is found through what stands beside it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.rounds.config import RoundsConfig
from corpus.rounds.stage import Outcome, plan, run
from corpus.seeds.config import SeedsConfig
from corpus.seeds.stage import run as run_seeds
from tests.rounds.planted import NOUNS, write_crawl, write_labels

TRAIN = {"folds": 2, "second": "none", "target_fpr": 0.05}


@dataclass(frozen=True)
class Place:
    """A crawl, seeds, labels, and the folder that the rounds are written to."""

    folder: Path

    def config(self, **more: Any) -> RoundsConfig:
        settings = {
            "crawl": [str(self.folder / "crawl-*.warc.gz")],
            "seeds": [str(self.folder / "seeds")],
            "labels": [str(self.folder / "labels.csv")],
            "output": str(self.folder / "rounds"),
            "train": TRAIN,
            "min_pages": 6,
            "cleaned": 0.2,  # of the background, a fifth is wanted here
        }
        return build(RoundsConfig, {**settings, **more})

    def review(self, number: int) -> Path:
        return self.folder / "rounds" / "round" / f"{number:02d}" / "review.yaml"

    def proposals(self, number: int) -> dict[str, dict[str, Any]]:
        return {
            entry["prefix"]: entry for entry in yaml.safe_load(self.review(number).read_text())["prefixes"]
        }

    def decide(self, number: int, **decisions: str) -> None:
        """Set the decision of each prefix by the first label of its host; `other` holds for the rest."""
        data = yaml.safe_load(self.review(number).read_text())
        for entry in data["prefixes"]:
            host = entry["prefix"].split("/")[2].split(".")[0].rstrip("0123456789")
            entry["decision"] = decisions.get(host, decisions.get("other"))
        self.review(number).write_text(yaml.safe_dump(data))

    def table(self, number: int, name: str) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / "rounds" / "round" / f"{number:02d}" / name).to_pylist()


def made(folder: Path) -> Place:
    write_crawl(folder)
    write_labels(folder)
    calls = [
        {"api_call": f"{a}_{b}(name='x')", "functionality": "Returns it."} for a in NOUNS for b in NOUNS[:3]
    ]
    (folder / "calls.jsonl").write_text("\n".join(map(json.dumps, calls)))
    run_seeds(build(SeedsConfig, {"input": str(folder / "calls.jsonl"), "output": str(folder / "seeds")}))
    return Place(folder)


@dataclass(frozen=True)
class Played:
    """The rounds as a person plays them, with what each call said."""

    place: Place
    said: list[Outcome]


@pytest.fixture(scope="module")
def played(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Played:
    place = made(tmp_path_factory.mktemp("rounds"))
    said = [run(place.config())]
    place.decide(0, other="accept")
    said.append(run(place.config()))
    place.decide(1, other="accept")
    said.append(run(place.config()))
    return Played(place, said)


@pytest.mark.slow
@pytest.mark.spark
def test_the_first_call_proposes_and_waits_for_the_review(played: Played) -> None:
    first = played.said[0]
    assert not first.finished and str(played.place.review(0)) in first.sentence
    assert "waits for a review" in first.sentence and first.sentence.count("\n") == 0
    found = played.place.proposals(0)
    assert "https://mix0.example/docs/" in found and not any("tale" in p or "tool" in p for p in found)
    shown = found["https://mix0.example/docs/"]
    assert len(shown["examples"]) == 5 and shown["hits"] == 8 and shown["pages"] == 18
    assert {e["url"].split("/")[-1][0] for e in shown["examples"]} >= {"a", "b"}  # hits and missed ones
    assert all(e["title"] and e["snippet"] for e in shown["examples"])


@pytest.mark.slow
@pytest.mark.spark
def test_missed_pages_below_accepted_prefixes_become_positives(played: Played) -> None:
    rows = played.place.table(0, "labels.parquet")
    missed = {row["url"] for row in rows if row["missed"] and row["prefix"].startswith("mix")}
    assert len(missed) == 34 and all("/b" in url for url in missed)
    assert {row["label"] for row in rows if row["prefix"]} == {"positive"}
    assert {row["given_by"] for row in rows if row["prefix"]} == {"round 00"}
    background = [row for row in rows if row["given_by"] == "background"]
    assert background and all("tale" in row["site"] and row["label"] == "negative" for row in background)
    assert played.said[1].rows[0]["missed"] == 34


@pytest.mark.slow
@pytest.mark.spark
def test_the_site_that_round_0_missed_is_found_by_round_1(played: Played) -> None:
    def hits(number: int) -> Counter[str]:
        return Counter(r["site"] for r in played.place.table(number, "scores/scored") if r["hit"])

    assert hits(0)["tool.example"] == 0 and hits(1)["tool.example"] == 12
    assert list(played.place.proposals(1)) == ["https://tool.example/docs/"]
    second = played.said[1].rows[1]
    assert (second["new_pages"], second["new_sites"]) == (12, 1)
    assert second["recall_before"] == 1.0 > played.said[1].rows[0]["recall_vetted"]


@pytest.mark.slow
@pytest.mark.spark
def test_a_round_that_brings_nothing_ends_it(played: Played) -> None:
    last = played.said[2]
    assert last.finished and "brought almost nothing" in last.sentence
    assert [row["state"] for row in last.rows] == ["collected", "collected", "finished"]
    assert last.rows[2]["new_pages"] == 0 and Path(last.classifier, "model", "model.bin").exists()
    history = json.loads((played.place.folder / "rounds" / "history.json").read_text())
    assert history == list(last.rows) and str(last.sentence) in str(last)


@pytest.mark.slow
@pytest.mark.spark
def test_running_again_changes_no_file(played: Played) -> None:
    files = [p for p in (played.place.folder / "rounds").rglob("*") if p.is_file()]
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in files}
    assert run(played.place.config()) == played.said[2]
    after = [p for p in (played.place.folder / "rounds").rglob("*") if p.is_file()]
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in after} == before


@pytest.mark.slow
@pytest.mark.spark
def test_a_review_that_was_learnt_from_is_not_changed_behind_the_rounds(played: Played) -> None:
    text = played.place.review(0).read_text()
    try:
        played.place.decide(0, other="accept", mix="reject")
        with pytest.raises(
            UserError, match=r"is not what round 01 has learnt from; undo the change, or remove"
        ):
            run(played.place.config())
    finally:
        played.place.review(0).write_text(text)
    assert "round 01: classifier, scores, review.yaml, labels.parquet" in plan(played.place.config())


@pytest.mark.slow
@pytest.mark.spark
def test_odd_paths_are_data_and_never_files(played: Played) -> None:
    rows = played.place.table(0, "scores/scored")
    odd = [row for row in rows if "pwned" in row["url"]]
    assert len(odd) == 2
    names = {p.name for p in played.place.folder.rglob("*")}
    assert not any("pwned" in name or "example" in name or name == "etc" for name in names)


@pytest.mark.slow
@pytest.mark.spark
def test_rejected_and_skipped_prefixes_and_read_pages_are_honoured(
    spark: SparkSession, tmp_path: Path
) -> None:
    place = made(tmp_path)
    run(place.config(sample=4, min_hits=9))
    data = yaml.safe_load(place.review(0).read_text())
    data["prefixes"] = [  # whatever the model of the round proposes
        {"prefix": "https://mix0.example/docs/", "decision": "reject"},
        {"prefix": "https://mix0.example/docs/b1.html/", "decision": "skip"},
        {"prefix": "https://ref3.example/", "decision": "accept"},
    ]
    asked = {entry["url"]: entry for entry in data["sample"]}
    first, second, *_ = sorted(asked)
    asked[first]["wanted"], asked[second]["wanted"] = "yes", "stub"
    place.review(0).write_text(yaml.safe_dump(data))
    said = run(place.config(sample=4, min_hits=9))
    rows = {row["url"]: row for row in place.table(0, "labels.parquet")}
    assert rows["https://mix0.example/docs/a1.html"]["label"] == "negative"
    assert "https://mix0.example/docs/b1.html" not in rows
    assert rows["https://ref3.example/api/a1.html"]["label"] == "positive"
    assert (rows[first]["verdict"], rows[second]["verdict"]) == ("yes", "stub")
    assert (said.rows[0]["precision_sample"], said.rows[0]["precision"]) == (2, 0.5)
    assert said.rows[0]["rejected"] == 1 and said.rows[0]["accepted"] == 1


@pytest.mark.slow
@pytest.mark.spark
def test_accept_auto_goes_on_alone_to_the_end(spark: SparkSession, tmp_path: Path) -> None:
    place = made(tmp_path)
    said = run(place.config(accept="auto", auto_share=0.35, auto_hits=5))
    assert said.finished and said.rows[-1]["state"] == "finished"
    assert Counter(r["site"] for r in place.table(1, "scores/scored") if r["hit"])["tool.example"] == 12
    entry = place.proposals(0)["https://mix0.example/docs/"]
    assert entry["decision"] == "accept" and "auto_share=0.35" in entry["note"]


def test_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for more, said in (
        ({"crawl": []}, "'crawl' and 'index' are empty"),
        ({"index": ["x"]}, "exclude each other"),
        ({"seeds": []}, "'seeds' is empty"),
    ):
        with pytest.raises(UserError, match=said):
            run(place.config(**more))
    with pytest.raises(UserError, match=r"train\.seed is set by the rounds"):
        place.config(train={"seed": 3})
