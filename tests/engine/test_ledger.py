"""The conservation law and the limits on failures."""

from __future__ import annotations

import pytest

from corpus.engine.errors import DataError, UserError
from corpus.engine.ledger import ConservationError, Count, check_conservation, check_limits, funnel, total

COUNTS = (
    Count("kept", "", 6),
    Count("dropped", "short", 2),
    Count("dropped", "language", 1),
    Count("failed", "timeout", 1),
)


def test_totals_are_by_outcome_or_over_all() -> None:
    assert total(COUNTS) == 10
    assert (total(COUNTS, "kept"), total(COUNTS, "dropped"), total(COUNTS, "failed")) == (6, 3, 1)


def test_counts_that_add_up_pass() -> None:
    check_conservation("s", 10, COUNTS, 6)
    check_conservation("s", 0, (), 0)


@pytest.mark.parametrize("records_in", [9, 11])
def test_a_lost_or_doubled_record_is_found(records_in: int) -> None:
    with pytest.raises(
        ConservationError, match=f"s: {records_in} records came in, but the ledger has 10 rows"
    ):
        check_conservation("s", records_in, COUNTS, 6)


@pytest.mark.parametrize("kept_rows", [5, 7])
def test_a_kept_table_that_disagrees_with_the_ledger_is_found(kept_rows: int) -> None:
    with pytest.raises(ConservationError, match=f"keeps 6 records, but the table has {kept_rows} rows"):
        check_conservation("s", 10, COUNTS, kept_rows)


def test_an_outcome_that_nobody_declared_is_found() -> None:
    with pytest.raises(ConservationError, match="unknown outcomes: lost"):
        check_conservation("s", 11, (*COUNTS, Count("lost", "", 1)), 6)


def test_a_broken_law_is_our_fault_and_not_the_users_or_the_datas() -> None:
    assert ConservationError.exit_code == 1
    assert not issubclass(ConservationError, (UserError, DataError))


def test_the_share_of_failures_may_reach_the_limit_and_not_pass_it() -> None:
    check_limits("s", COUNTS, 0.1)
    with pytest.raises(
        DataError, match=r"1 of 10 records failed, most of them with 'timeout'.*max_failed_fraction=0.09"
    ):
        check_limits("s", COUNTS, 0.09)


def test_an_empty_output_is_no_success() -> None:
    with pytest.raises(DataError, match="nothing was kept of 3 records, most were dropped for 'short'"):
        check_limits("s", (Count("dropped", "short", 2), Count("dropped", "long", 1)), 1)
    with pytest.raises(DataError, match="nothing was kept of 0 records"):
        check_limits("s", (), 1)


def test_the_funnel_goes_from_what_came_in_to_why_it_was_not_kept() -> None:
    lines = funnel(10, COUNTS[::-1]).splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [
        ["dropped", "short"],
        ["dropped", "language"],
        ["failed", "timeout"],
    ]
    assert lines[0].split() == ["records", "in", "10", "100.00", "%"]
    assert lines[1].split() == ["kept", "6", "60.00", "%"]
    assert funnel(0, ()).split() == ["records", "in", "0", "0.00", "%"]
