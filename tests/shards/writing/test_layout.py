from __future__ import annotations

from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.shards.writing.layout import MIB, Sizes, Source, Span, files_of, sizes, slices_log2

SOURCE = Source("stage1", "agent")


@pytest.mark.parametrize(
    "total, file, group",
    [
        (1000, 32 * MIB, MIB),  # one file of one row group
        (32 * MIB, 32 * MIB, MIB),  # one file of 32 row groups
        (512 * MIB, 32 * MIB, 8 * MIB),  # 16 files, 64 row groups
        (4 << 30, 256 * MIB, 64 * MIB),
        (1 << 40, 512 * MIB, 64 * MIB),  # the bounds given
    ],
)
def test_small_sources_have_smaller_files_and_row_groups(total: int, file: int, group: int) -> None:
    assert sizes(total, 512 * MIB, 64 * MIB) == Sizes(file, group)


def test_the_given_bounds_hold_whatever_the_source() -> None:
    assert sizes(1 << 40, 100 * MIB, 200 * MIB) == Sizes(100 * MIB, 100 * MIB)
    assert sizes(1000, MIB, MIB) == Sizes(MIB, MIB)


@given(st.dictionaries(st.integers(0, 5000), st.integers(1, 1000), min_size=1), st.integers(1, 5000))
def test_files_take_all_slices_in_order_and_none_twice(sums: dict[int, int], file_bytes: int) -> None:
    files = files_of(SOURCE, sums, Sizes(file_bytes, 10))
    assert [file.number for file in files] == list(range(len(files)))
    assert {file.files for file in files} == {len(files)}
    assert all(file.first <= file.last for file in files)
    assert all(one.last < two.first for one, two in pairwise(files))
    taken = [[n for n in sums if file.first <= n <= file.last] for file in files]
    assert all(taken) and sorted(chain.from_iterable(taken)) == sorted(sums)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=400), st.integers(1, 5000))
def test_no_file_is_larger_than_its_share_by_more_than_a_slice(slices: list[int], file_bytes: int) -> None:
    sums = dict(enumerate(slices))
    files = files_of(SOURCE, sums, Sizes(file_bytes, 10))
    most = max(file_bytes, sum(slices) / max(-(-sum(slices) // file_bytes), 1)) + max(slices)
    assert all(sum(sums[n] for n in range(file.first, file.last + 1)) <= most for file in files)


def test_names_carry_set_source_and_number() -> None:
    files = files_of(SOURCE, {0: 10, 1: 10}, Sizes(10, 10))
    assert [file.path for file in files] == [
        "stage1/agent/stage1-agent-00000-of-00002.parquet",
        "stage1/agent/stage1-agent-00001-of-00002.parquet",
    ]


def test_a_source_without_rows_has_no_files() -> None:
    assert files_of(SOURCE, {}, Sizes(10, 10)) == []


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(1, 20))
def test_slices_cover_the_span_and_use_most_of_their_number(a: int, b: int, log2: int) -> None:
    first, last = sorted((a, b))
    cut = Span(first, last).slices(log2)
    highest = ((last >> 1) - (cut.first >> 1)) >> cut.shift
    assert 0 <= highest < 2**log2
    assert cut.shift == 0 or highest >= 2 ** (log2 - 1)


def test_a_file_has_some_thirty_slices_to_be_cut_between() -> None:
    assert [slices_log2(n * MIB, MIB) for n in (0, 1, 2, 3, 100)] == [5, 5, 6, 7, 12]
