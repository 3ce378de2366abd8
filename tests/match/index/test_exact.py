import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from corpus.match.index.exact import nearest, whole_numbers


def unit(rows: int, width: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def by_force(seeds: np.ndarray, pages: np.ndarray, k: int) -> np.ndarray:
    products = whole_numbers(pages).astype(np.int64) @ whole_numbers(seeds).astype(np.int64).T
    return np.argsort(-products, axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("count, width", [(1, 384), (60, 384), (8192, 16), (8193, 16), (20_000, 16)])
@pytest.mark.parametrize("k", [1, 10])
def test_nearest_equals_brute_force_below_at_and_beyond_a_block_of_seeds(count, width, k):
    seeds, pages = unit(count, width, 1).astype(np.float16), unit(25, width, 2)
    rows, scores = nearest(seeds, pages, k)
    there = min(count, k)
    assert np.array_equal(rows[:, :there], by_force(seeds, pages, there))
    assert (rows[:, there:] == -1).all() and np.isneginf(scores[:, there:]).all()
    wanted = np.take_along_axis(pages @ seeds.astype(np.float32).T, rows[:, :there], axis=1)
    assert np.allclose(scores[:, :there], wanted, atol=2e-3)


@given(hnp.arrays(np.float32, (3, 384), elements=st.floats(-1, 1, width=32)))
def test_products_of_whole_numbers_are_exact_in_float32(vectors):
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    numbers = whole_numbers((vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32))
    exact = numbers.astype(np.int64) @ numbers.astype(np.int64).T
    assert np.array_equal((numbers @ numbers.T).astype(np.int64), exact)


def test_scores_do_not_depend_on_the_pages_beside_a_page():
    seeds, pages = unit(500, 384, 3).astype(np.float16), unit(600, 384, 4)
    rows, scores = nearest(seeds, pages, 5)
    for at in (0, 1, 511, 512, 599):
        one_row, one_score = nearest(seeds, pages[at : at + 1], 5)
        assert np.array_equal(one_row[0], rows[at]) and np.array_equal(one_score[0], scores[at])


def test_of_equal_seeds_the_lower_row_comes_first():
    seeds = np.concatenate([unit(9000, 8, 1), unit(9000, 8, 1)]).astype(np.float16)
    pages = unit(9000, 8, 1)[:50]
    rows, _ = nearest(seeds, pages, 2)
    assert rows.tolist() == [[at, at + 9000] for at in range(50)]
    skipped, _ = nearest(seeds, pages, 1, skip=np.arange(50))
    assert skipped[:, 0].tolist() == [at + 9000 for at in range(50)]


def test_seeds_that_do_not_count_are_passed_over():
    seeds, pages = unit(300, 16, 1).astype(np.float16), unit(20, 16, 2)
    skip = np.arange(300) % 3 > 0
    rows, _ = nearest(seeds, pages, 4, skip=skip)
    assert np.array_equal(rows, 3 * by_force(seeds[::3], pages, 4))
    none, scores = nearest(seeds, pages, 4, skip=np.ones(300, bool))
    assert (none == -1).all() and np.isneginf(scores).all()


def test_no_pages_have_no_nearest():
    rows, scores = nearest(unit(3, 8, 1).astype(np.float16), np.empty((0, 0), np.float32), 4)
    assert rows.shape == scores.shape == (0, 4)
