"""Stories of planted pages: each ends where the truth says that the page ended, with the evidence."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.dataset as pads
import pytest

from corpus.browse.config import InspectConfig
from corpus.browse.story import lines_of
from corpus.browse.terminal import Paper
from corpus.demo.truth import read_truth
from corpus.engine.errors import UserError


def told(workspace: Path, **keys: Any) -> list[dict[str, Any]]:
    config = InspectConfig(input=(str(workspace),), format="json", **keys)
    return [json.loads(line) for line in lines_of(config, Paper(io.StringIO()))]


def text_of(workspace: Path, **keys: Any) -> str:
    config = InspectConfig(input=(str(workspace),), **keys)
    return "\n".join(lines_of(config, Paper(io.StringIO(), width=120, colour=False)))


@pytest.fixture(scope="module")
def workspace(demo: tuple[Path, str]) -> Path:
    return demo[0]


def rows(workspace: Path, table: str, *columns: str) -> list[dict[str, Any]]:
    found = pads.dataset(workspace / table).to_table(columns=list(columns) or None)
    return list(found.to_pylist())


def ledger_row(workspace: Path, stage: str, reason: str) -> dict[str, Any]:
    return next(row for row in rows(workspace, f"{stage}/ledger") if row["reason"] == reason)


def chapter(story: dict[str, Any], stage: str) -> dict[str, Any]:
    return next(one for one in story["chapters"] if one["stage"] == stage)


def test_a_kept_page_is_followed_from_the_archive_to_the_row_of_its_shard(workspace: Path) -> None:
    matched = {
        row["id"]: row
        for row in rows(workspace, "matched/pages", "id", "url", "match_score", "match_seed_id")
    }
    shard = next(
        row for row in rows(workspace, "shards/stage1/agent", "id", "num_tokens") if row["id"] in matched
    )
    page = matched[shard["id"]]
    (story,) = told(workspace, url=page["url"])
    assert story["id"] == page["id"] and story["ending"] == "in the corpus: stage1/agent"
    stages = [one["stage"] for one in story["chapters"]]
    assert [stage for stage in stages if stage != "classifier"] == [
        "filter",
        "dedup",
        "hygiene",
        "match",
        "shard",
    ]
    evidence = chapter(story, "match")["evidence"]
    assert evidence["match_score"] == pytest.approx(page["match_score"])
    assert evidence["match_seed_id"] == page["match_seed_id"] and evidence["seed_title"]
    assert f"{shard['num_tokens']:,} tokens" in chapter(story, "shard")["evidence"]["in"][0]
    truth = {row.url: row for row in read_truth(workspace / "embedded" / "crawl" / "truth.parquet").rows}
    assert chapter(story, "filter")["evidence"]["archive"] == truth[page["url"]].warc


def test_a_page_that_the_filter_dropped_names_score_and_threshold(workspace: Path) -> None:
    row = ledger_row(workspace, "pages", "light_score")
    (story,) = told(workspace, id=row["id"])
    said = chapter(story, "filter")
    assert said["outcome"] == "dropped" and "is below the threshold" in said["said"]
    assert f"{row['agent_score']:.4f}" in said["said"]
    assert said["evidence"]["archive"] == row["warc"] and said["evidence"]["byte"] == row["offset"]
    assert story["ending"].startswith("not in the corpus: dropped by filter (light_score)")


def test_a_planted_duplicate_names_the_page_kept_in_its_place_and_what_became_of_that(
    workspace: Path,
) -> None:
    by_url = {row["url"]: row for row in rows(workspace, "unique/duplicates")}
    truth = read_truth(workspace / "embedded" / "crawl" / "truth.parquet").rows
    planted = [row for row in truth if row.relation and row.url in by_url]
    assert {row.relation for row in planted} >= {"near", "payload"}
    for relation in ("near", "payload"):
        duplicate = next(row for row in planted if row.relation == relation)
        (story,) = told(workspace, url=duplicate.url)
        evidence = chapter(story, "dedup")["evidence"]
        assert evidence["kept_url"] == duplicate.duplicate_of
        assert evidence["kept_id"] == by_url[duplicate.url]["kept_id"]
        assert evidence["jaccard"] >= 0.8
        assert "the page kept in its place is" in story["ending"]


def test_a_contaminated_page_names_the_benchmark_item(workspace: Path) -> None:
    truth = read_truth(workspace / "embedded" / "crawl" / "truth.parquet").rows
    dropped = {row["url"] for row in rows(workspace, "clean/ledger") if row["reason"] == "contaminated"}
    planted = next(row for row in truth if row.benchmark_item and row.url in dropped)
    (story,) = told(workspace, url=planted.url)
    said = chapter(story, "hygiene")
    assert said["reason"] == "contaminated"
    assert any(str(planted.benchmark_item) in item for item in said["evidence"]["benchmark_items"])


def test_a_redacted_page_says_what_was_replaced(workspace: Path) -> None:
    row = next(row for row in rows(workspace, "clean/pages", "id", "card_numbers") if row["card_numbers"])
    (story,) = told(workspace, id=row["id"])
    assert chapter(story, "hygiene")["evidence"]["replaced_card_numbers"] == row["card_numbers"]


def test_a_page_far_from_all_seeds_names_the_limit_and_the_seed_that_it_is_most_like(workspace: Path) -> None:
    found = rows(workspace, "matched/ledger", "id", "reason")
    dropped = [row["id"] for row in found if row["reason"] == "match_score"]
    stories = [told(workspace, id=name)[0] for name in dropped]
    assert stories[0]["ending"].startswith("not in the corpus: dropped by match (match_score)")
    evidence = [chapter(story, "match")["evidence"] for story in stories]
    assert all(one["match_score"] < one["threshold"] and one["seed_title"] for one in evidence)
    facts = json.loads((workspace / "matched" / "manifest.json").read_text())["facts"]
    assert min(one["match_score"] for one in evidence) == pytest.approx(
        facts["score_quantiles"]["0"], abs=1e-4
    )


def test_a_heldout_document_says_so(workspace: Path) -> None:
    row = rows(workspace, "shards/heldout/text", "id", "url")[0]
    (story,) = told(workspace, url=row["url"])
    assert story["ending"] == "held out of the training sets: heldout/text"


def test_a_document_that_the_mix_did_not_choose_says_why(workspace: Path) -> None:
    row = ledger_row(workspace, "shards", "over_share")
    (story,) = told(workspace, id=row["id"])
    assert story["ending"].startswith("not in the corpus: dropped by shard (over_share): not chosen")


def test_a_seed_is_followed_on_its_own_way(workspace: Path) -> None:
    seed = rows(workspace, "shards/stage2/seeds", "id")[0]["id"]
    (story,) = told(workspace, id=seed)
    assert [one["folder"] for one in story["chapters"] if one["stage"] != "classifier"][:2] == [
        "seeds",
        "clean_seeds",
    ]
    assert "stage2/seeds" in story["ending"]


def test_an_address_that_never_came_in_gets_the_nearest_ones(workspace: Path) -> None:
    url = rows(workspace, "pages/ledger", "url")[5]["url"]
    said = text_of(workspace, url=url.replace("://", "://www.") + "-nothing")
    assert "never came in" in said and "damaged stretches" in said and url in said
    (story,) = told(workspace, url="https://elsewhere.example/nothing")
    assert story["near"] == [] and "never came in" in story["ending"]
    assert "never came in" in text_of(workspace, id="0" * 32)


def test_all_captures_of_an_address_are_told(workspace: Path) -> None:
    truth = read_truth(workspace / "embedded" / "crawl" / "truth.parquet").rows
    copies = [row for row in truth if row.relation == "payload"]
    given = copies[0].url.partition("?ref=")[0]
    ids = {row["id"] for row in rows(workspace, "pages/ledger", "id", "url") if row["url"] == given}
    assert {story["id"] for story in told(workspace, url=given)} == ids


def test_the_text_tells_the_stages_in_order(workspace: Path) -> None:
    row = ledger_row(workspace, "clean", "contaminated")
    said = text_of(workspace, url=row["url"])
    places = [said.index(name) for name in ("pages (filter)", "unique (dedup)", "clean (hygiene)")]
    assert places == sorted(places) and "matched" not in said and "\x1b" not in said


def test_folders_without_stages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no finished stage"):
        told(tmp_path, url="https://x.example")
