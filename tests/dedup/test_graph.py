"""Components on DataFrames against union-find."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.dedup.components import connected_components
from corpus.dedup.graph.stage import Scratch, components
from corpus.engine.config import JobConfig, build
from corpus.engine.stage import Stage

pytestmark = pytest.mark.spark
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
