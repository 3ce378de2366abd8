from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from corpus.engine.config import build
from corpus.engine.errors import DataError
from corpus.shards.choice.stage import decide, with_copies
from corpus.shards.config import ShardConfig

pytestmark = pytest.mark.spark
Document = tuple[str, str, str, int]  # mix, id, group, tokens


def documents(spark: SparkSession, rows: list[Document]) -> DataFrame:
    columns = "mix string, id string, group string, num_tokens int"
    df = spark.createDataFrame(rows, columns).withColumn("text", F.concat("id", F.lit(" text")))
    return df.select("*", F.lit("").alias("reason"), F.xxhash64("mix", "id", "group").alias("record"))


def config(sources: dict[str, dict[str, Any]] | str = "ab", **keys: Any) -> ShardConfig:
    named = {name: {} for name in sources} if isinstance(sources, str) else sources
    inputs = {name: {"path": ["x"], **one} for name, one in named.items()}
    return build(ShardConfig, {"input": inputs, "output": "o", **keys})


def sets_of(spark: SparkSession, rows: list[Document], made: ShardConfig) -> list[Row]:
    return with_copies(decide(documents(spark, rows), made), made).collect()


def held(spark: SparkSession, rows: list[Document], made: ShardConfig) -> set[tuple[str, str]]:
    return {(row["mix"], row["id"]) for row in sets_of(spark, rows, made) if row["set"] == "heldout"}


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [0.02, 0.1])
def test_share_held_out_lies_near_the_fraction_even_with_huge_groups(
    spark: SparkSession, fraction: float
) -> None:
    rng = random.Random(8)
    rows = [("a", f"a{n}", "giant" if n < 500 else f"g{n % 90}", rng.randrange(50, 500)) for n in range(1000)]
    rows += [("b", f"b{n}", f"one{n % 6}", rng.randrange(50, 500)) for n in range(600)]
    found = held(spark, rows, config(heldout_fraction=fraction))
    for mix in "ab":
        mine = [(name, tokens) for of, name, _, tokens in rows if of == mix]
        share = sum(tokens for name, tokens in mine if (mix, name) in found) / sum(
            tokens for _, tokens in mine
        )
        assert 0.95 * fraction <= share <= fraction


@pytest.mark.slow
def test_groups_within_the_fraction_are_held_out_whole(spark: SparkSession) -> None:
    rows = [("a", f"a{n}", f"g{n % 100}", 10) for n in range(1000)]
    found = {name for _, name in held(spark, rows, config("a", heldout_fraction=0.05))}
    groups = {group for _, name, group, _ in rows if name in found}
    assert len(found) == 50
    assert found == {name for _, name, group, _ in rows if group in groups}


def test_source_of_which_nothing_fits_gives_its_shortest_document(spark: SparkSession) -> None:
    rows = [("a", f"a{n}", "host", 100 + n) for n in range(5)]
    assert held(spark, rows, config("a")) == {("a", "a0")}


def test_the_only_document_of_a_source_is_trained_on_and_not_held_out(spark: SparkSession) -> None:
    (row,) = sets_of(spark, [("a", "a0", "host", 1_000_000)], config("a"))
    assert (row["set"], row["num_tokens"], row["repetition"]) == ("stage1", 1_000_000, 0)


@pytest.mark.slow
def test_fraction_of_zero_holds_nothing_out(spark: SparkSession) -> None:
    assert not held(spark, [("a", "a0", "host", 9), ("a", "a1", "host", 9)], config("a", heldout_fraction=0))


def random_documents(seed: int) -> list[Document]:
    """Three sources of lengths and groups drawn at random; some documents are in two of them."""
    rng = random.Random(seed)
    rows = []
    for mix, number in (("agent", 900), ("code", 700), ("text", 1200)):
        longest = rng.choice([60, 400])
        for n in range(number):
            name = f"shared{n}" if n < 60 and mix != "text" else f"{mix}{n}"
            rows.append((mix, name, f"{mix}{rng.randrange(rng.choice([4, 200]))}", rng.randrange(1, longest)))
    return rows


MIXES: list[tuple[dict[str, dict[str, Any]], dict[str, Any]]] = [
    ({"agent": {}, "code": {}, "text": {}}, {}),
    ({"agent": {"weight": 5}, "code": {"weight": 3}, "text": {"weight": 2}}, {"tokens": 40_000}),
    ({"agent": {"repeat": 4}, "code": {}, "text": {"repeat": 1.5}}, {"agent_share": 0.36}),
]


@pytest.mark.parametrize(
    ("number", "mix"),
    [pytest.param(n, mix, marks=[] if n == 2 else [pytest.mark.slow]) for n, mix in enumerate(MIXES)],
)
def test_shares_are_the_weights_within_a_thousandth(
    spark: SparkSession, number: int, mix: tuple[dict[str, dict[str, Any]], dict[str, Any]]
) -> None:
    from corpus.shards.mixing import weights_of

    made = config(mix[0], **mix[1])
    rows = random_documents(number)
    found = sets_of(spark, rows, made)
    tokens: Counter[str] = Counter()
    for row in found:
        tokens[row["mix"]] += row["num_tokens"] if row["set"] == "stage1" else 0
    weights = weights_of(made)["stage1"]
    for name, weight in weights.items():
        share = tokens[name] / sum(tokens.values())
        assert share == pytest.approx(weight / sum(weights.values()), rel=0.001)
    if "tokens" in mix[1]:
        assert sum(tokens.values()) == pytest.approx(mix[1]["tokens"], rel=0.001)
    heldout = {row["id"] for row in found if row["set"] == "heldout"}
    assert heldout and not heldout & {row["id"] for row in found if row["set"] != "heldout"}
    assert max(Counter((row["mix"], row["id"], row["repetition"]) for row in found).values()) == 1


def test_a_short_source_is_repeated_in_whole_passes_and_a_part_of_one(spark: SparkSession) -> None:
    rows = [("agent", f"a{n}", f"g{n}", 10) for n in range(100)] + [
        ("text", f"t{n}", f"g{n}", 7) for n in range(400)
    ]
    made = config({"agent": {"repeat": 4}, "text": {}}, tokens=5000, heldout_fraction=0)
    found = sorted(
        (row for row in sets_of(spark, rows, made) if row["mix"] == "agent"), key=lambda row: row["position"]
    )
    passes = defaultdict(list)
    for row in found:
        passes[row["repetition"]].append(row["id"])
    assert [len(passes[n]) for n in sorted(passes)] == [100, 100, 50]
    assert [row["repetition"] for row in found] == [0] * 100 + [1] * 100 + [2] * 50  # one behind the other
    assert set(passes[0]) == set(passes[1]) > set(passes[2])
    assert passes[0] != passes[1] and [name for name in passes[1] if name in passes[2]] != passes[2]


@pytest.mark.slow
def test_held_out_documents_are_never_repeated(spark: SparkSession) -> None:
    rows = [("agent", f"a{n}", f"g{n}", 10) for n in range(200)]
    found = sets_of(spark, rows, config({"agent": {"repeat": 3}}, tokens=5000))
    counts = Counter(row["id"] for row in found if row["set"] == "heldout")
    assert set(counts.values()) == {1}
    assert not set(counts) & {row["id"] for row in found if row["set"] == "stage1"}


def test_a_mix_beyond_the_cap_names_each_short_source_and_what_would_mend_it(spark: SparkSession) -> None:
    rows = [("agent", "a", "g", 100), ("code", "c", "g", 90), ("text", "t", "g", 10_000)]
    made = config({"agent": {"repeat": 2}, "code": {}, "text": {}}, tokens=1200, heldout_fraction=0)
    with pytest.raises(DataError) as error:
        decide(documents(spark, rows), made)
    said = str(error.value)
    assert "'code' is short by 310 tokens of 400 (it has 90 and repeat=1; input.code.repeat=4.45" in said
    assert "'agent' is short by 200 tokens of 400" in said and "tokens=270 at most" in said


@pytest.mark.slow
def test_a_source_whose_every_document_is_too_long_is_named(spark: SparkSession) -> None:
    rows = [("a", "long", "g", 1_000_000)] + [("b", f"b{n}", "g", 10) for n in range(50)]
    with pytest.raises(DataError, match="'a' gives nothing to its 500 tokens"):
        decide(documents(spark, rows), config("ab", heldout_fraction=0))


@pytest.mark.slow
def test_a_source_without_documents_is_named(spark: SparkSession) -> None:
    with pytest.raises(DataError, match="'b' has no tokens"):
        decide(documents(spark, [("a", "x", "g", 10)]), config("ab"))


@pytest.mark.parametrize("overlap", ["seeds", pytest.param("none", marks=pytest.mark.slow)])
def test_only_seeds_are_in_two_sets_and_only_where_that_is_wanted(spark: SparkSession, overlap: str) -> None:
    rows = [("agent", f"d{n}", f"g{n % 150}", 10) for n in range(600)]
    rows += [("seeds", f"d{n}", f"g{n % 150}", 10) for n in range(200)]
    rows += [("talks", f"d{n}" if n < 50 else f"c{n}", f"g{n % 150}", 10) for n in range(300)]
    sources = {"agent": {}, "seeds": {"set": "stage2"}, "talks": {"set": "sft"}}
    made = config(sources, overlap=overlap)
    decided = decide(documents(spark, rows), made).persist()
    ids = defaultdict(set)
    for row in decided.where("set is not null").collect():
        ids[row["set"]].add(row["id"])
    assert ids["heldout"] and not ids["heldout"] & (ids["stage1"] | ids["stage2"] | ids["sft"])
    assert ids["sft"] and not ids["sft"] & (ids["stage1"] | ids["stage2"])
    assert bool(ids["stage1"] & ids["stage2"]) == (overlap == "seeds")
    reasons = Counter(row["reason"] for row in decided.collect())
    assert reasons[""] + reasons["other_set"] == len(rows)
    lost = {row["mix"] for row in decided.where("reason = 'other_set'").select("mix").collect()}
    assert lost == {
        "agent",
        "seeds",
    }  # documents that the conversations have; with `none` also those of seeds


@pytest.mark.slow
def test_repeats_of_an_id_in_one_set_are_dropped_once_and_whatever_the_order(spark: SparkSession) -> None:
    rows = [("a", f"d{n}", f"g{n}", 10) for n in range(40)] + [
        ("b", f"d{n}", f"h{n}", 10) for n in range(20, 60)
    ]
    made = config("ab", heldout_fraction=0)

    def decided(order: list[Document]) -> set[tuple[str, str, str]]:
        found = decide(documents(spark, order), made).collect()
        return {(row["mix"], row["id"], row["reason"]) for row in found}

    first = decided(rows)
    assert first == decided(rows[::-1])
    assert sum(reason == "duplicate_id" for _, _, reason in first) == 20
