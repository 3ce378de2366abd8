import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup.prefix import Common, leads, prefix

SETS = st.sets(st.integers(0, 60), min_size=1, max_size=40)


def hashes(values: set[int]) -> np.ndarray:
    return np.array(sorted(values), np.uint64)


def common(counted: dict[int, int]) -> Common:
    return Common(hashes(set(counted)), np.array([counted[key] for key in sorted(counted)], np.int64))


@given(
    SETS, SETS, st.sampled_from([0.5, 0.7, 0.8, 0.95]), st.dictionaries(st.integers(0, 60), st.integers(4, 9))
)
def test_two_sets_at_the_threshold_meet_under_a_shingle_where_the_smaller_leads(
    one, other, threshold, counted
):
    """With the very condition on positions by which the search chooses its pairs."""
    if len(one & other) / len(one | other) < threshold:
        return
    small, large = sorted((one, other), key=len)
    ranks = common(counted)
    first, second = (prefix(hashes(values), threshold, ranks).tolist() for values in (small, large))
    overlap = math.ceil(threshold / (1 + threshold) * (len(small) + len(large)) - 1e-9)
    sizes = np.full(len(first), len(small), np.int32)
    leading = leads(np.arange(1, len(first) + 1, dtype=np.int32), sizes, threshold)
    assert any(
        token in second
        and leading[at]
        and at + 1 <= len(small) - overlap + 1
        and second.index(token) + 1 <= len(large) - overlap + 1
        for at, token in enumerate(first)
    )


def test_what_a_template_repeats_is_in_no_prefix_of_pages_with_enough_of_their_own():
    template = set(range(1000, 1250))
    counted = common(dict.fromkeys(template, 9))
    page = hashes(template | set(range(80)))
    assert set(prefix(page, 0.8, counted).tolist()) <= set(range(80))


def test_without_common_shingles_the_prefix_is_as_long():
    page = hashes(set(range(100)))
    assert len(prefix(page, 0.8, common({}))) == len(prefix(page, 0.8, common({3: 9}))) == 21
    assert 3 not in prefix(page, 0.8, common({3: 9}))
