"""The functions that executors run, on Arrow batches without Spark."""

import resource
import subprocess
import sys

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup import batches
from corpus.dedup.components import connected_components
from corpus.dedup.config import DedupConfig
from corpus.dedup.shingles import digest, pack, unpack
from corpus.engine.config import build

CONFIG = build(DedupConfig, {"input": "in", "output": "out"})
TEXT = " ".join(f"word{number}" for number in range(60))
GRAPHS = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 25)).filter(lambda e: e[0] < e[1]), max_size=60, unique=True
)


def sketches(*rows: tuple[str, str, str | None]) -> list[dict[str, object]]:
    urls, payloads, texts = zip(*rows)
    batch = pa.RecordBatch.from_pydict(
        {
            "id": [str(n) for n in range(len(rows))],
            "url": urls,
            "score": pa.array([None] * len(rows), pa.float32()),
            "digest": pa.array(payloads, pa.string()),
            "date": pa.array([None] * len(rows), pa.int64()),
            "text": texts,
        }
    )
    return [row for out in batches.sketch(CONFIG)(iter([batch])) for row in out.to_pylist()]


def test_captures_of_one_page_and_one_payload_share_a_bucket_whatever_their_texts():
    other = " ".join(f"term{number}" for number in range(60))
    one, two, three, short = sketches(
        ("https://a.example/x", "p", TEXT),
        ("http://www.a.example/x/#top", None, other),
        ("https://b.example/", "p", other),
        ("https://a.example/x", "p", "too short"),
    )
    assert len(set(one["bands"]) & set(two["bands"])) == 1
    assert len(set(one["bands"]) & set(three["bands"])) == 1
    assert len(set(two["bands"]) & set(three["bands"])) == 16
    assert short["bands"] == [] and short["shingles"] == 0


def test_the_sketch_is_enough_to_verify():
    (row,) = sketches(("https://a.example/x", "p", TEXT))
    assert np.array_equal(unpack(row["hashes"]), digest(TEXT, 5, least=8, most=10**6).shingles)
    assert len(row["hashes"]) == 5 * row["shingles"] == 5 * 56


@given(st.lists(st.integers(0, (1 << 40) - 1), unique=True))
def test_packed_hashes_come_back(values):
    hashes = np.array(sorted(values), np.uint64)
    assert np.array_equal(unpack(pack(hashes)), hashes)


def test_pairs_are_verified_against_the_set_that_came_before_them():
    sets = {n: pack(np.arange(n, n + 100, dtype=np.uint64)) for n in (0, 5, 40, 300)}
    rows = [(0, None, sets[0]), (0, 1, sets[5]), (0, 2, sets[40]), (7, None, sets[300]), (7, 9, sets[300])]
    parts = [
        pa.RecordBatch.from_arrays(
            [pa.array([r[0]]), pa.array([r[1]], pa.int64()), pa.array([r[2]], pa.binary())],
            ["a", "b", "hashes"],
        )
        for r in rows
    ]
    found = pa.Table.from_batches(batches.verify(CONFIG)(iter(parts)), batches.EDGES).to_pylist()
    assert [(row["a"], row["b"], row["jaccard"]) for row in found] == [(0, 1, 95 / 105), (7, 9, 1.0)]


def edges_of(graph: list[tuple[int, int]]) -> pa.Table:
    rows = [{"a": a, "b": b, "jaccard": 0.9, "containment": 0.9} for a, b in graph]
    return pa.Table.from_pylist(rows, schema=batches.EDGES)


@given(GRAPHS)
def test_the_driver_removes_exactly_those_with_a_better_neighbour_that_stays(graph):
    removed, roots = batches.solve(edges_of(graph))
    survivor = dict(zip(removed["removed"].to_pylist(), removed["survivor"].to_pylist()))
    for node in {node for edge in graph for node in edge}:
        better = [a for a, b in graph if b == node and a not in survivor]
        assert survivor.get(node) == (min(better) if better else None)
    assert dict(zip(*(roots[name].to_pylist() for name in ("node", "root")))) == connected_components(graph)


@given(GRAPHS, st.randoms())
def test_executors_and_driver_remove_the_same(graph, shuffle):
    roots = connected_components(graph)
    shuffle.shuffle(graph)
    rows = sorted((roots[a], a, b) for a, b in graph)
    streamed = pa.RecordBatch.from_pydict(
        {
            "component": pa.array([r[0] for r in rows], pa.int64()),
            "a": pa.array([r[1] for r in rows], pa.int64()),
            "b": pa.array([r[2] for r in rows], pa.int64()),
            "jaccard": [0.9] * len(rows),
            "containment": [0.9] * len(rows),
        }
    )
    there = pa.Table.from_batches(batches.remove(iter([streamed])), batches.REMOVED)
    here, _ = batches.solve(edges_of(graph))
    assert sorted(there["removed"].to_pylist()) == sorted(here["removed"].to_pylist())


MEMORY = """
import resource, sys
from corpus.dedup.shingles import digest
from corpus.dedup.minhash import MinHasher, Banding
text = " ".join(f"w{n % 77777} {'x' if n % 3 else 'y'}{n}" for n in range(500_000))
assert len(text.split()) == 1_000_000
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = digest(text, 5, least=8, most=5_000_000)
assert len(found.shingles) > 900_000
MinHasher(Banding(16, 6), 1).bands(found.shingles)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def test_a_document_of_a_million_words_is_sketched_in_little_memory():
    """Beyond the text and its words while they are counted, which the child measures as it starts."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, timeout=120, check=True
    )
    assert int(done.stdout) < 100, f"{done.stdout} MiB"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0
