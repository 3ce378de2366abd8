"""One run over planted duplicates of every kind; the tests are promises about its tables."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.dedup.components import connected_components
from corpus.dedup.config import DedupConfig
from corpus.dedup.graph.stage import Scratch, components
from corpus.dedup.stage import plan, run
from corpus.engine.config import JobConfig, build
from corpus.engine.errors import DataError, UserError
from corpus.engine.stage import Stage

pytestmark = pytest.mark.spark
WORDS = [f"word{number}" for number in range(4000)]
HAN = [chr(0x4E00 + number) for number in range(3000)]
KANA = [chr(0x3041 + number) for number in range(80)] + HAN[:200]


def text_of(rng: random.Random, count: int, alphabet: list[str] = WORDS, glue: str = " ") -> str:
    return glue.join(rng.choice(alphabet) for _ in range(count))


def edit(rng: random.Random, text: str, count: int, *, front: bool = False, glue: str = " ") -> str:
    """The text with `count` words at one end exchanged: of n shingles, `count` are new."""
    words = text.split() if glue else list(text)
    fresh = [f"new{rng.randrange(10**9)}" for _ in range(count)] if glue else rng.choices(HAN, k=count)
    return glue.join(fresh + words[count:] if front else words[: len(words) - count] + fresh)


def planted() -> list[dict[str, object]]:
    """Pages whose relations are known by construction. All draw from one generator, in this order."""
    rng = random.Random(5)
    rows = [*edited(rng), *chains(rng), *repeats(rng), *short_texts(), *crowds(rng), *other_scripts(rng)]
    twice = page("twice", text_of(rng, 60))
    return [
        *rows,
        twice,
        dict(twice),
        {**twice, "text": "another text under the same id, which would be lost if ids alone decided"},
    ]


def page(name: str, text: str, score: float = 0.5, payload: str = "") -> dict[str, object]:
    digest = hashlib.md5((payload or name).encode()).hexdigest()
    url = f"https://a.example/{name}"
    return {"id": name, "url": url, "text": text, "agent_score": score, "payload_digest": digest}


def edited(rng: random.Random) -> Iterator[dict[str, object]]:
    """Pairs above and below the threshold; 204 words make 200 shingles: J = (200 - k) / (200 + k)."""
    for number in range(25):
        base = text_of(rng, 204)
        yield page(f"base-{number:02}", base, 0.9)
        yield page(f"near-{number:02}", edit(rng, base, 10 + number % 12), 0.8)  # from .904 to .808
        yield page(f"other-{number:02}", edit(rng, base, 26, front=True), 0.7)  # .770


def chains(rng: random.Random) -> Iterator[dict[str, object]]:
    """Three texts in a row: the ends have .887 to the middle and .785 to each other."""
    for name, scores in (("chain", (0.9, 0.8, 0.7)), ("middle", (0.7, 0.9, 0.8))):
        middle = text_of(rng, 204)
        first, last = edit(rng, middle, 12, front=True), edit(rng, middle, 12)
        for letter, text, score in zip("abc", (first, middle, last), scores):
            yield page(f"{name}-{letter}", text, score)


def repeats(rng: random.Random) -> Iterator[dict[str, object]]:
    """One payload twice, and the same text once more in another dress."""
    same = text_of(rng, 50)
    yield page("payload-1", same, 0.9, payload="p")
    yield page("payload-2", same, 0.8, payload="p")
    yield page("text-1", "  " + same.upper().replace(" ", "\n\t"), 0.7)


def short_texts() -> Iterator[dict[str, object]]:
    texts = ["", "", " \n", "Error 404", "Error 405", "a + b", "a - b", "ok", "OK", "文档", "文件"]
    for number, text in enumerate(texts):
        yield page(f"short-{number:02}", text)


def crowds(rng: random.Random) -> Iterator[dict[str, object]]:
    """Many pages of one template: each `hot` is .948 to the next, each `warm` .698."""
    template = text_of(rng, 300)
    for number in range(90):
        yield page(f"hot-{number:03}", edit(rng, template, 8), 0.4)
        yield page(f"warm-{number:03}", edit(rng, edit(rng, template, 26), 26, front=True), 0.3)


def other_scripts(rng: random.Random) -> Iterator[dict[str, object]]:
    for name, alphabet in (("zh", HAN), ("ja", KANA)):
        base = text_of(rng, 204, alphabet, "")
        yield page(f"{name}-1", base, 0.9)
        yield page(f"{name}-2", edit(rng, base, 14, glue=""), 0.8)
        yield page(f"{name}-3", edit(rng, base, 60, glue=""), 0.8)


def save(rows: list[dict[str, object]], folder: Path, files: int, seed: int) -> str:
    rows = random.Random(seed).sample(rows, len(rows))
    folder.mkdir(parents=True)
    for number in range(files):
        part = pa.Table.from_pylist(rows[number::files], schema=SCHEMA)
        pq.write_table(part, folder / f"{number:03}.parquet")
    return str(folder)


SCHEMA = pa.schema(
    [pa.field(name, pa.string()) for name in ("id", "url", "text", "payload_digest")]
    + [pa.field("agent_score", pa.float32())]
)


def dedup(source: str, output: Path, **keys: object):
    return run(build(DedupConfig, {"input": source, "output": str(output), **keys}))


def table(folder: Path, name: str) -> list[dict[str, object]]:
    return pq.read_table(str(folder / name)).to_pylist()


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


NODES = list(range(40))
GRAPHS = st.lists(
    st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda e: e[0] != e[1]),
    min_size=1,
    max_size=60,
)


def clique(nodes: list[int]) -> list[tuple[int, int]]:
    return [(a, b) for a in nodes for b in nodes if a < b]


def components_of(spark, folder: Path, edges: list[tuple[int, int]]) -> dict[int, int]:
    df = spark.createDataFrame(edges, "a long, b long")
    stage = Stage("dedup", build(JobConfig, {"output": str(folder)}), [])
    return {row["node"]: row["root"] for row in components(df, Scratch(stage.scratch), 30).collect()}


def test_components_of_many_graphs_equal_union_find(spark, tmp_path):
    """Many graphs in one DataFrame, each in thousands of its own: a chain, a star, two cliques and a bridge."""
    rng, edges = random.Random(3), []
    shapes = [
        [(n, n + 1) for n in range(120)],
        [(500, n) for n in range(1000) if n != 500],
        [*clique(list(range(8))), *clique(list(range(10, 18))), (3, 15)],
        *([tuple(rng.sample(NODES, 2)) for _ in range(rng.randrange(1, 45))] for _ in range(60)),
    ]
    for number, shape in enumerate(shapes):
        edges += [(1000 * number + a, 1000 * number + b) for a, b in shape]
    rng.shuffle(edges)
    assert components_of(spark, tmp_path, edges) == connected_components(edges)


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=GRAPHS)
def test_components_equal_union_find_on_random_graphs(spark, tmp_path, edges):
    assert components_of(spark, tmp_path, edges) == connected_components(edges)
