"""One run over planted duplicates of every kind; the tests are promises about its tables."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.dedup.config import DedupConfig
from corpus.dedup.stage import plan, run
from corpus.engine.config import build
from corpus.engine.errors import DataError, UserError
from tests.dedup.planted import dedup, edit, planted, save, table, text_of

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    base = tmp_path_factory.mktemp("dedup")
    dedup(save(planted(), base / "in", 1, 1), base / "out")
    return base / "out"


@pytest.fixture(scope="module")
def kept(folder):
    return {row["id"]: row["text"] for row in table(folder, "pages")}


@pytest.fixture(scope="module")
def duplicates(folder):
    return {
        row["id"]: row
        for row in table(folder, "duplicates")
        if row["relation"] != "payload" or row["id"] != row["kept_id"]
    }


def brute(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split() if text.isascii() else list(text)
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def jaccard(one: str, other: str) -> float:
    a, b = brute(one), brute(other)
    return len(a & b) / max(len(a | b), 1)


def test_planted_near_duplicates_go_and_what_lies_below_the_threshold_stays(kept, duplicates):
    for number in range(25):
        assert duplicates[f"near-{number:02}"]["kept_id"] == f"base-{number:02}"
        assert {f"base-{number:02}", f"other-{number:02}"} <= set(kept)
    assert sum(page.startswith("hot") for page in kept) == 1
    assert sum(page.startswith("warm") for page in kept) == 90


def test_recorded_evidence_equals_brute_force(kept, duplicates):
    texts = {row["id"]: row["text"] for row in planted()[:-1]}
    near = [row for row in duplicates.values() if row["relation"] == "near"]
    assert len(near) > 100
    for row in near:
        one, other = texts[row["kept_id"]], texts[row["id"]]
        assert row["jaccard"] == pytest.approx(jaccard(one, other), abs=1e-6)
        assert row["containment"] == pytest.approx(
            len(brute(one) & brute(other)) / len(brute(other)), abs=1e-6
        )


def test_every_removed_page_has_a_living_survivor_that_is_near_enough(kept, duplicates):
    for row in duplicates.values():
        assert row["kept_id"] in kept
        assert row["jaccard"] >= 0.8


def test_no_two_kept_pages_are_near(kept):
    long = sorted(page for page, text in kept.items() if len(brute(text)) >= 4)
    for at, one in enumerate(long):
        assert all(jaccard(kept[one], kept[other]) < 0.8 for other in long[at + 1 :])


def test_a_chain_loses_its_middle_and_not_its_ends(kept, duplicates):
    assert {"chain-a", "chain-c", "middle-b"} <= set(kept)
    assert duplicates["chain-b"]["kept_id"] == "chain-a"
    assert duplicates["middle-a"]["kept_id"] == duplicates["middle-c"]["kept_id"] == "middle-b"
    assert {duplicates[f"middle-{letter}"]["cluster_size"] for letter in "ac"} == {3}


def test_equal_payloads_and_equal_texts_go_under_their_own_reason(duplicates, folder):
    assert duplicates["payload-2"]["relation"] == "payload"
    assert duplicates["text-1"]["relation"] == "text"
    assert {row["kept_id"] for row in (duplicates["payload-2"], duplicates["text-1"])} == {"payload-1"}
    reasons = {
        row["id"]: row["reason"] for row in table(folder, "ledger") if row["id"] in ("payload-2", "text-1")
    }
    assert reasons == {"payload-2": "duplicate_payload", "text-1": "duplicate_text"}


def test_short_texts_merge_only_with_equal_ones(kept):
    short = sorted(" ".join(text.lower().split()) for page, text in kept.items() if page.startswith("short"))
    assert short == sorted(["", "error 404", "error 405", "a + b", "a - b", "ok", "文档", "文件"])


def test_chinese_and_japanese_follow_the_same_rule(kept, duplicates):
    for name in ("zh", "ja"):
        assert duplicates[f"{name}-2"]["kept_id"] == f"{name}-1"
        assert {f"{name}-1", f"{name}-3"} <= set(kept)


def test_a_record_read_twice_goes_once_and_a_shared_id_loses_no_text(folder):
    rows = [row for row in table(folder, "ledger") if row["id"] == "twice"]
    outcomes = sorted((row["outcome"], row["reason"]) for row in rows)
    assert outcomes == [("dropped", "duplicate_payload"), ("failed", "id_conflict"), ("kept", "")]


def test_the_result_depends_on_neither_files_nor_order_nor_where_the_graph_is_solved(folder, spark, tmp_path):
    found = dedup(save(planted(), tmp_path / "in", 17, 2), tmp_path / "out", local_edges=0)
    assert found.digest() == digest(folder)


@pytest.mark.slow
def test_three_partitions_and_a_second_run_change_nothing(folder, spark, tmp_path):
    assert dedup(save(planted(), tmp_path / "in", 3, 3), tmp_path / "out").digest() == digest(folder)
    second = dedup(str(folder), tmp_path / "second")
    assert second.counts["dropped"] == second.counts["failed"] == 0
    assert table(tmp_path / "second", "pages") == table(folder, "pages")


def digest(folder: Path) -> str:
    from corpus.engine import manifest

    return manifest.read(str(folder)).digest()


def test_the_manifest_says_how_the_comparison_was_made(folder):
    from corpus.engine import manifest

    facts = manifest.read(str(folder)).facts
    assert facts["pages_left_uncompared"] == 0
    assert facts["hot_pages"] > 16
    assert facts["pairs_verified"] <= facts["pairs_compared"]
    assert facts["recall_at_threshold"] >= 0.99
    assert not (folder / "_work").exists()


@pytest.mark.slow
def test_a_long_document_and_a_hot_bucket_are_compared_like_others(spark, tmp_path):
    rng = random.Random(8)
    long, template = text_of(rng, 300_000), text_of(rng, 200)
    texts = [long, edit(rng, long, 2000), *(edit(rng, template, 5) for _ in range(500))]
    rows = [
        {"id": f"{n:03}", "url": "", "text": text, "agent_score": 1 - n / 1000}
        for n, text in enumerate(texts)
    ]
    dedup(save(rows, tmp_path / "in", 1, 1), tmp_path / "out")
    assert [row["id"] for row in table(tmp_path / "out", "pages")] == ["000", "002"]


def test_inputs_that_cannot_be_used_are_named(tmp_path, spark):
    pq.write_table(pa.table({"id": ["1"], "body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="no column text and no url"):
        dedup(str(tmp_path / "a.parquet"), tmp_path / "out")
    with pytest.raises(UserError, match="does not exist"):
        dedup(str(tmp_path / "b.parquet"), tmp_path / "out")
    (tmp_path / "c.parquet").write_text("no Parquet")
    with pytest.raises(UserError, match="cannot read"):
        dedup(str(tmp_path / "c.parquet"), tmp_path / "out")


def test_no_input_is_one_sentence():
    config = build(DedupConfig, {"input": [], "output": "out"})
    for job in (plan, run):
        with pytest.raises(UserError, match="input= is empty"):
            job(config)


def test_an_empty_input_is_no_success(tmp_path, spark):
    with pytest.raises(DataError, match="nothing was kept"):
        dedup(save([], tmp_path / "in", 1, 1), tmp_path / "out")


def test_a_dry_run_tells_the_curve(tmp_path):
    source = save(planted(), tmp_path / "in", 1, 1)
    assert "16 bands of 6 rows" in plan(build(DedupConfig, {"input": source, "output": "out"}))
