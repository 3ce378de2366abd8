"""Comparison with earlier runs: the result beside an index is that on the union."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.errors import UserError
from tests.dedup.planting import Row, dedup, edit, page, save, table, text_of

pytestmark = pytest.mark.spark


def crawls() -> list[list[Row]]:
    """Three crawls, each of new pages, edits of and copies from the ones before, chains and one template over all."""
    rng = random.Random(21)
    template, crawled, made = text_of(rng, 250), [], []
    for day in range(3):
        texts = [text_of(rng) for _ in range(12)]
        texts += [edit(rng, rng.choice(crawled), rng.randint(4, 40)) for _ in range(20) if crawled]
        texts += [edit(rng, text, rng.randint(8, 26)) for text in texts[:12]]
        texts += [edit(rng, edit(rng, template, 24), 24) for _ in range(25)]
        texts += [rng.choice(crawled).upper() for _ in range(4) if crawled]
        texts += ["", "Error 404", f"Error {day}"]
        made.append(
            [page(f"{day}-{n:03}", text, score=rng.random(), day=day) for n, text in enumerate(texts)]
        )
        crawled += texts
    return made


@pytest.fixture(scope="module")
def union(spark, tmp_path_factory):
    base = tmp_path_factory.mktemp("union")
    rows = [row for crawl in crawls() for row in crawl]
    dedup(save(rows, base / "in"), base / "out", survivor="date,score,length,id")
    return base / "out"


@pytest.fixture(scope="module")
def steps(spark, tmp_path_factory):
    base = tmp_path_factory.mktemp("steps")
    folders = []
    for number, rows in enumerate(crawls()):
        folders.append(base / f"out-{number}")
        index = [str(folder) for folder in folders[:-1]]
        source = save(rows, base / f"in-{number}")
        dedup(source, folders[-1], index=index, survivor="date,score,length,id")
    return folders


def test_crawl_after_crawl_keeps_what_the_union_keeps_with_the_same_survivors(union, steps):
    kept = {row["id"]: row["text"] for folder in steps for row in table(folder, "pages")}
    assert kept == {row["id"]: row["text"] for row in table(union, "pages")}
    evidence = ("kept_id", "relation", "jaccard", "containment")
    found, expected = (
        {
            row["id"]: [row[name] for name in evidence]
            for folder in folders
            for row in table(folder, "duplicates")
        }
        for folders in (steps, [union])
    )
    assert found == expected
    assert {row[1] for row in found.values()} == {"near", "text"}
    assert len(found) > 40


def test_a_match_names_the_index_and_the_page_in_it(steps):
    kept = [{row["id"] for row in table(folder, "pages")} for folder in steps]
    third = table(steps[2], "duplicates")
    names = {str(steps[0]): 0, str(steps[1]): 1, "": 2}
    assert {row["index"] for row in third} == set(names)
    for row in third:
        assert row["kept_id"] in kept[names[row["index"]]]


def test_the_index_holds_each_kept_page_once_and_no_text(steps):
    for folder in steps:
        index = pq.read_table(str(folder / "index"))
        assert "text" not in index.column_names
        assert sorted(index["id"].to_pylist()) == sorted(row["id"] for row in table(folder, "pages"))
        assert all(len(row["hashes"]) == 5 * row["shingles"] for row in index.to_pylist())


def test_a_page_like_a_seed_goes_whatever_its_score(spark, tmp_path):
    rng = random.Random(4)
    seed, shared_id, new = text_of(rng), text_of(rng), text_of(rng)
    (tmp_path / "seeds").mkdir()
    rows = [{"id": "seed", "text": seed}, {"id": "short", "text": "List all files"}]
    rows += [rows[0], {"id": "seed", "text": shared_id}]  # nobody promises that ids of seeds are unique
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "seeds" / "a.parquet")
    rows = [
        page("like-seed", edit(rng, seed, 8), score=1.0),
        page("like-other", edit(rng, shared_id, 8), score=1.0),
        page("equal", "LIST all  files"),
        page("other", "List all folders"),
        page("new", new),
    ]
    seeds = str(tmp_path / "seeds")
    dedup(save(rows, tmp_path / "in"), tmp_path / "out", index=seeds)
    assert {row["id"] for row in table(tmp_path / "out", "pages")} == {"other", "new"}
    named = {row["id"]: (row["index"], row["kept_id"]) for row in table(tmp_path / "out", "duplicates")}
    assert named == {"like-seed": (seeds, "seed"), "like-other": (seeds, "seed"), "equal": (seeds, "short")}


@pytest.mark.slow
def test_an_earlier_run_with_other_settings_is_compared_by_its_texts(spark, tmp_path):
    rng = random.Random(5)
    old, new = text_of(rng), text_of(rng)
    dedup(save([page("old", old)], tmp_path / "in-1"), tmp_path / "out-1", shingle_size=3)
    rows = [page("like-old", edit(rng, old, 8), score=1.0), page("new", new)]
    dedup(save(rows, tmp_path / "in-2"), tmp_path / "out-2", index=str(tmp_path / "out-1"))
    (row,) = table(tmp_path / "out-2", "duplicates")
    assert (row["id"], row["index"], row["kept_id"]) == ("like-old", str(tmp_path / "out-1"), "old")


@pytest.mark.slow
def test_the_same_crawl_again_beside_its_own_result_leaves_nothing_new(spark, tmp_path):
    rows = [*crawls()[0], page("fresh", text_of(random.Random(77)))]
    dedup(save(rows[:-1], tmp_path / "in-1"), tmp_path / "out-1")
    dedup(save(rows, tmp_path / "in-2"), tmp_path / "out-2", index=str(tmp_path / "out-1"))
    assert [row["id"] for row in table(tmp_path / "out-2", "pages")] == ["fresh"]


def test_an_index_that_is_not_there_or_has_no_texts_is_one_sentence(spark, tmp_path):
    source = save([page("a", "b")], tmp_path / "in")
    with pytest.raises(UserError, match="does not exist"):
        dedup(source, tmp_path / "out", index=str(tmp_path / "no.parquet"))
    pq.write_table(pa.table({"id": ["1"], "body": ["x"]}), tmp_path / "odd.parquet")
    with pytest.raises(UserError, match="no column text; dedup needs id and text"):
        dedup(source, tmp_path / "out", index=str(tmp_path / "odd.parquet"))
