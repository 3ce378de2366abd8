"""Promises about where pages look for their like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.match.neardup.cells import MOST_PIVOTS, nearest_cells, pivots_for, unpack
from corpus.match.neardup.leaders import Cell
from tests.match.vectors import Vectors, around, unit


def test_a_page_lies_in_the_cells_of_its_nearest_pivots():
    random = np.random.default_rng(1)
    pivots, pages = unit(random.standard_normal((40, 16))), unit(random.standard_normal((30, 16)))
    found = nearest_cells(pages, pivots, 3)
    cosines = pages.astype(np.float64) @ pivots.T.astype(np.float64)
    for row, cells in enumerate(found):
        best = np.sort(cosines[row])[::-1][:3]
        assert cosines[row, cells] == pytest.approx(best, abs=2e-3)


def test_more_probes_than_pivots_are_all_pivots():
    assert sorted(nearest_cells(unit([[1, 0]]), unit([[1, 0], [0, 1]]), 9)[0].tolist()) == [0, 1]


def test_the_number_of_pivots_grows_with_the_root_of_the_pages_and_is_bounded():
    assert pivots_for(1) <= pivots_for(10_000) == 200 <= pivots_for(10**12) == MOST_PIVOTS


def test_no_rows_unpack_to_no_vectors():
    assert unpack([]).shape == (0, 0)


def stars(vectors: Vectors, threshold: float, cuts: list[int]) -> list[tuple[int, int, float]]:
    """What a cell finds when its pages come in pieces."""
    cell, found, start = Cell(threshold), [], 0
    for end in [*cuts, len(vectors)]:
        found += cell.near(list(range(start, end)), vectors[start:end])
        start = end
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 40),
    threshold=st.sampled_from([0.5, 0.8, 0.95]),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_each_page_leads_or_is_near_to_the_first_leader_that_suffices(seed, count, threshold, cuts):
    random = np.random.default_rng(seed)
    vectors = around(random.standard_normal(6), count, 1.0, random)
    found = stars(vectors, threshold, sorted(min(cut, count) for cut in cuts))
    leader_of = {page: leader for leader, page, _ in found}
    cosines = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    for leader, page, said in found:
        assert leader < page and leader not in leader_of
        assert said == pytest.approx(cosines[leader, page], abs=2e-3) and said >= threshold - 1e-6
    leading = [page for page in range(count) if page not in leader_of]
    for page in range(count):
        near = [other for other in leading if other < page and cosines[other, page] >= threshold + 2e-3]
        if near:
            assert leader_of[page] <= near[0]
        elif page in leader_of:
            assert cosines[leader_of[page], page] >= threshold - 2e-3


def test_the_way_pages_are_cut_into_batches_changes_nothing():
    random = np.random.default_rng(5)
    vectors = around(np.ones(8), 1500, 0.8, random)
    whole = stars(vectors, 0.8, [])
    assert whole == stars(vectors, 0.8, [1, 2, 600, 1499]) and whole


def test_a_cell_takes_no_more_leaders_than_it_may():
    vectors = unit(np.eye(6))
    cell = Cell(0.9, most=2)
    assert cell.near(list(range(6)), vectors) == []
    found = cell.near(list(range(6, 12)), vectors)
    assert [(leader, page) for leader, page, _ in found] == [(0, 6), (1, 7)]
