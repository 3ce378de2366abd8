import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corpus.engine.tables import INDEX, MAP
from corpus.match.index import SeedIndex, read_index, whole_numbers, write_index
from corpus.match.projection import principal_plane
from corpus.match.seedmap import map_points, spread


def unit(rows: int, width: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def seeds_table(count: int) -> pa.Table:
    names = [f"{number:04}" for number in range(count)]
    return pa.table({"seed_id": names, "source": names, "kind": names, "title": names}, schema=INDEX.schema)


def index_of(vectors: np.ndarray) -> SeedIndex:
    return SeedIndex(vectors.astype(np.float16), seeds_table(len(vectors)))


@pytest.mark.parametrize("count, width", [(1, 384), (60, 384), (8192, 16), (8193, 16), (20_000, 16)])
def test_nearest_equals_brute_force_below_at_and_beyond_a_block_of_seeds(count, width):
    seeds, pages = unit(count, width, 1), unit(25, width, 2)
    rows, scores = index_of(seeds).nearest(pages)
    exact = whole_numbers(pages).astype(np.int64) @ whole_numbers(seeds.astype(np.float16)).astype(np.int64).T
    assert np.array_equal(rows, exact.argmax(axis=1))
    assert np.allclose(scores, (pages @ seeds.T).max(axis=1), atol=2e-3)


@given(hnp.arrays(np.float32, (3, 384), elements=st.floats(-1, 1, width=32)))
def test_products_of_whole_numbers_are_exact_in_float32(vectors):
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    numbers = whole_numbers((vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32))
    assert np.array_equal(
        (numbers @ numbers.T).astype(np.int64), numbers.astype(np.int64) @ numbers.astype(np.int64).T
    )


def test_scores_do_not_depend_on_the_pages_beside_a_page():
    index, pages = index_of(unit(500, 384, 3)), unit(64, 384, 4)
    rows, scores = index.nearest(pages)
    for at in range(len(pages)):
        one_row, one_score = index.nearest(pages[at : at + 1])
        assert (one_row[0], one_score[0]) == (rows[at], scores[at])


def test_of_equal_seeds_the_first_is_named():
    vectors = np.concatenate([unit(3, 8, 1), unit(3, 8, 1)])
    rows, _ = index_of(vectors).nearest(vectors)
    assert rows.tolist() == [0, 1, 2, 0, 1, 2]
    skipped, _ = index_of(vectors).nearest(vectors, skip=np.arange(6))
    assert skipped.tolist() == [3, 4, 5, 0, 1, 2]


def test_no_pages_have_no_nearest():
    rows, scores = index_of(unit(3, 8, 1)).nearest(np.empty((0, 0), np.float32))
    assert len(rows) == len(scores) == 0


def test_an_index_is_read_as_written_and_mapped(tmp_path):
    vectors = unit(5, 16, 1).astype(np.float16)
    files = write_index(str(tmp_path), seeds_table(5), vectors)
    found = read_index(str(tmp_path))
    assert [file.path for file in files] == ["index/embeddings.npy", "index/seeds.parquet"]
    assert isinstance(found.vectors, np.memmap)
    assert np.array_equal(found.vectors, vectors)
    assert found.seeds.equals(seeds_table(5))


def test_the_plane_keeps_the_widest_directions_whatever_the_sign():
    points = np.random.default_rng(1).normal(size=(200, 12)) * np.array([9, 5, *[0.1] * 10])
    plane = principal_plane(points.astype(np.float32))
    assert np.std(plane, axis=0) == pytest.approx(np.std(points, axis=0)[:2], rel=0.05)
    assert np.array_equal(np.abs(principal_plane(-points.astype(np.float32))), np.abs(plane))
    assert np.all(plane[np.abs(plane).argmax(axis=0), [0, 1]] > 0)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_plane_of_few_points_is_a_plane(rows):
    assert principal_plane(unit(rows, 8, 1)).shape == (rows, 2)


@given(st.integers(0, 500), st.integers(1, 60))
def test_a_spread_sample_has_the_wanted_size_and_no_repeats(count, most):
    rows = spread(count, most)
    assert len(rows) == len(set(rows)) == min(count, most)
    assert all(0 <= row < count for row in rows)


def test_the_map_is_drawn_without_pages_too():
    none = pa.table({name: [] for name in ("id", "group", "source", "similarity", "vector")})
    points = map_points(index_of(unit(30, 16, 1)), none, 10)
    assert points.schema == MAP.schema
    assert points.num_rows == 10
