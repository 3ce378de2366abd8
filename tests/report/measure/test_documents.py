"""Hosts beyond what is counted one by one: what is said of them is a bound, and said as one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.engine.manifest import OutputFile
from corpus.report.counters import TopCounter
from corpus.report.measure.documents import UNCERTAIN, concentration, dropped_hosts, numbers
from corpus.report.show.documents import section
from corpus.report.workspace import open_workspace
from tests.report import synthetic

HOSTS, LARGEST = 130_000, 4_000  # more than a counter holds; pages of the largest, the others have one each


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(1, 80))
def test_no_share_of_the_curve_is_off_by_more_than_it_promises(sizes: list[int], capacity: int) -> None:
    counter = TopCounter(capacity)
    for at, size in enumerate(sizes):
        counter.add_one(f"host{at}", size)
    largest, found = sorted(sizes, reverse=True), concentration(counter)
    for row in found["concentration"]:
        true = sum(largest[: row["hosts"]]) / sum(sizes)
        assert true - UNCERTAIN <= row["share"] + 1e-9 and row["share"] <= true + 1e-9
    assert (found["effective"] is None) == (counter.slack > 0)
    if not counter.slack:
        assert found["concentration"][-1] == {"hosts": len(sizes), "share": 1.0}


@pytest.fixture(scope="module")
def stats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A filter that kept and lost as many hosts."""
    root = tmp_path_factory.mktemp("hosts")
    hosts = ["large.example"] * LARGEST + [f"h{at}.example" for at in range(HOSTS)]
    urls = [f"https://{host}/" for host in hosts] * 2
    rows = len(hosts)
    columns = {
        "pages": {"host": hosts, "num_words": [1] * rows},
        "ledger": {"url": urls, "outcome": ["kept"] * rows + ["dropped"] * rows},
    }
    files = {}
    for name, values in columns.items():
        (root / "pages" / name).mkdir(parents=True)
        inside = f"{name}/part-0.parquet"
        pq.write_table(pa.table(values), root / "pages" / inside)
        files[name] = [OutputFile(inside, len(next(iter(values.values()))), 1, "")]
    counts = {("kept", ""): rows, ("dropped", "not_agent"): rows}
    synthetic.finish(root / "pages", "filter", counts, files, seconds=1)
    space = open_workspace(str(root))
    lost = dropped_hosts(space, 3)
    return {"pages": numbers(space, "pages", 3), "dropped_hosts": lost, "mixture": None}


def test_more_hosts_than_are_counted_have_no_effective_number_and_a_curve_that_ends(
    stats: dict[str, Any],
) -> None:
    hosts = stats["pages"]["hosts"]
    assert hosts["effective"] is None and hosts["count_error"] > 0
    ranks = [row["hosts"] for row in hosts["concentration"]]
    assert 1 < ranks[-1] <= UNCERTAIN * (HOSTS + LARGEST) / hosts["count_error"]
    first = hosts["concentration"][0]["share"]
    assert first == pytest.approx(LARGEST / (HOSTS + LARGEST), abs=UNCERTAIN)


def test_counts_that_were_cut_are_shown_as_bounds(stats: dict[str, Any]) -> None:
    shown = section(stats)
    figures = {figure.name: figure for figure in shown.figures}
    assert "not known" in figures["concentration"].answer and "more than" in figures["concentration"].answer
    assert "hold at least" in shown.lead
    first = stats["dropped_hosts"][0]
    assert (
        first["host"] == "large.example" and first["pages"] < LARGEST <= first["pages"] + first["pages_error"]
    )
    assert figures["dropped-hosts"].answer.count("at least") == 2
    for name, keys in (("hosts", ("pages", "share")), ("dropped-hosts", ("pages", "share", "kept"))):
        titles = {column.key: column.header for column in figures[name].table.columns}
        assert all(titles[key].endswith("at least") for key in keys)
    words = next(table for table in shown.tables if table.name == "hosts_by_words")
    assert words.columns[1].header == "Words, at least"
