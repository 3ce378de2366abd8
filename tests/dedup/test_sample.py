import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup.minhash import Banding
from corpus.dedup.sample import SampledPage, lines, measure, pairs_from

SETS = st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=15), max_size=12)


def hashes(values: set[int]) -> np.ndarray:
    return np.array(sorted(values), np.uint64)


@given(SETS, st.sampled_from([0.1, 0.5, 0.8, 1.0]))
def test_the_inverted_index_finds_what_comparing_all_pairs_finds(sets, threshold):
    expected = {
        (i, j): len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        for j in range(len(sets))
        for i in range(j)
        if sets[i] & sets[j] and len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= threshold
    }
    found = {(i, j): jaccard for i, j, jaccard in pairs_from([hashes(one) for one in sets], threshold)}
    assert found == expected


def page(node: int, values: set[int], bands: set[int], survivor: set[int] | None = None) -> SampledPage:
    return SampledPage(node, hashes(values), frozenset(bands), None if survivor is None else hashes(survivor))


def test_a_missed_pair_a_duplicate_left_and_a_wrong_removal_all_count():
    base, near, far = set(range(100)), set(range(95)), set(range(60, 160))
    pages = [
        page(0, base, {1, 2}),
        page(1, near, {2}, survivor=base),
        page(2, near | {200}, {3}),
        page(3, far, {1}, survivor=base),
    ]
    found = measure(pages, Banding(16, 6), 0.8)
    assert (found["pairs"], found["recall"]) == (3, round(1 / 3, 4))
    assert (found["duplicates"], found["duplicates_left"]) == (2, 1)
    assert (found["removed"], found["precision"]) == (2, 0.5)
    assert sum(step["pairs"] for step in found["by_similarity"].values()) == 3
    assert found["expected_recall"] > 0.99


def test_a_page_that_its_survivor_holds_is_a_right_removal_only_where_the_config_says_so():
    whole = set(range(100))
    pages = [page(0, whole, {1}), page(1, set(range(40)), {1}, survivor=whole)]
    assert measure(pages, Banding(16, 6), 0.8)["precision"] == 0.0
    assert measure(pages, Banding(16, 6), 0.8, containment=0.98)["precision"] == 1.0


def test_the_terminal_is_told_of_curve_recall_and_precision():
    banding = Banding(16, 6)
    facts = {"bands": 16, "rows": 6, "threshold": 0.8, "collision_curve": banding.curve()}
    assert "no sample" in lines({**facts, "sample": measure([], banding, 0.8)})[1]
    base = set(range(50))
    sample = measure([page(0, base, {1}), page(1, base | {99}, {1}, survivor=base)], banding, 0.8)
    curve, recall, precision = lines({**facts, "sample": sample})
    assert "0.80: 0.992" in curve
    assert "recall 1.0000" in recall and "0 of 1 duplicates left" in recall
    assert precision.endswith("1.0000")
