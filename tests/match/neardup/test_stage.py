"""Promises about clusters of pages that mean nearly the same."""

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from corpus.dedup.graph.stage import Scratch
from corpus.match.neardup.batches import PAGES
from corpus.match.neardup.stage import clusters, with_clusters
from tests.match.vectors import Vectors, around, unit

pytestmark = pytest.mark.spark


def pages_of(spark, vectors: Vectors, parts: int = 3) -> DataFrame:
    rows = {"node": range(len(vectors)), "vector": [v.astype(np.float16).tobytes() for v in vectors]}
    return spark.createDataFrame(pa.table(rows, schema=PAGES)).repartition(parts)


@pytest.fixture
def scratch(tmp_path) -> Scratch:
    def save(df: DataFrame, name: str) -> DataFrame:
        df.write.mode("overwrite").parquet(str(tmp_path / name))
        return df.sparkSession.read.schema(df.schema).parquet(str(tmp_path / name))

    return Scratch(save, say=lambda _: None)


@pytest.fixture(scope="module")
def planted() -> tuple[Vectors, np.ndarray]:
    """Twelve templates of different size among pages that are alone, shuffled; and which template each has."""
    random = np.random.default_rng(3)
    parts = [around(random.standard_normal(32), 3 + 4 * n, 0.1, random) for n in range(12)]
    parts.append(unit(random.standard_normal((80, 32))))
    template = np.concatenate([np.full(len(part), n) for n, part in enumerate(parts)])
    template[-80:] = np.arange(100, 180)
    order = random.permutation(len(template))
    return np.concatenate(parts)[order], template[order]


def test_planted_templates_are_found_whole_and_each_follower_is_near_to_its_leader(spark, planted, scratch):
    vectors, template = planted
    found = clusters(pages_of(spark, vectors), 0.93, 4, scratch)
    rows = found.members.collect()
    leader_of = {row["node"]: row["leader"] for row in rows}
    assert all(template[node] == template[leader] and leader < node for node, leader in leader_of.items())
    should = sum(int((template == n).sum()) - 1 for n in range(12))
    assert len(rows) >= 0.98 * should
    for row in rows:
        cosine = float(vectors[row["node"]].astype(float) @ vectors[row["leader"]].astype(float))
        assert row["similarity"] == pytest.approx(cosine, abs=2e-3) and row["similarity"] >= 0.93
        assert row["leader"] not in leader_of
    assert found.facts["followers"] == len(rows) and found.facts["recall"] > 0.95


def test_the_ends_of_a_chain_stay_apart(spark, scratch):
    turns = np.deg2rad(20.0 * np.arange(7))  # neighbours at cosine 0.94, the others below 0.8
    vectors = unit(np.stack([np.cos(turns), np.sin(turns)], axis=1))
    found = {
        row["node"]: row["leader"]
        for row in clusters(pages_of(spark, vectors), 0.93, 9, scratch).members.collect()
    }
    assert found == {1: 0, 3: 2, 5: 4}


def test_clusters_name_their_best_page_and_their_size_whatever_the_partitions(spark, planted, scratch):
    vectors, _ = planted
    random = np.random.default_rng(8)
    logits = random.standard_normal(len(vectors)).round(2)
    names = [f"p{n:03}" for n in range(len(vectors))]
    found = []
    for parts in (1, 5):
        left = spark.createDataFrame(list(zip(names, logits.tolist())), "id string, logit double")
        blobs = [v.astype(np.float16).tobytes() for v in vectors]
        of_pages = spark.createDataFrame(list(zip(names, map(bytearray, blobs))), "id string, vector binary")
        rows = with_clusters(left.repartition(parts), of_pages.repartition(parts), 0.93, 4, scratch).collect()
        found.append({row["id"]: row.asDict() for row in rows})
    assert found[0] == found[1]
    sizes: dict[str, int] = {}
    for row in found[0].values():
        sizes[row["cluster_id"]] = sizes.get(row["cluster_id"], 0) + 1
    for row in found[0].values():
        assert row["cluster_size"] == sizes[row["cluster_id"]]
        leader = found[0][row["cluster_id"]]
        assert leader["cluster_id"] == leader["id"] and leader["logit"] >= row["logit"]
    assert max(sizes.values()) == 3 + 4 * 11


def test_without_a_threshold_and_without_pages_there_are_no_clusters(spark, scratch):
    left = spark.createDataFrame([("a", 1.0), ("b", 2.0)], "id string, logit double")
    none = spark.createDataFrame([], "id string, vector binary")
    rows = with_clusters(left, none, None, 4, scratch).collect()
    assert {(row["id"], row["cluster_id"], row["cluster_size"]) for row in rows} == {
        ("a", "a", 1),
        ("b", "b", 1),
    }
    assert with_clusters(left.where("false"), none, 0.9, 4, scratch).count() == 0
