"""Numbers of matching from tables as the stage writes them now: every seed, every page's score, the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.engine.tables import MAP, MATCH_SCORES, MATCHED_PAGES, SEED_HITS
from corpus.report.measure.matching import MAP_POINTS, auc, numbers
from corpus.report.show.matching import section
from corpus.report.warnings.finding import Facts
from corpus.report.warnings.quality import idle_seeds
from corpus.report.workspace import open_workspace
from tests.report import synthetic


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("matching")
    scores = [
        {"id": synthetic.identity(at), "match_score": at / 100, "reason": "" if at >= 40 else "match_score"}
        for at in range(100)
    ]
    pages = [
        {"id": row["id"], "match_source": "tldr", "match_kind": "tool_doc"}
        for row in scores
        if not row["reason"]
    ]
    hits = [
        {"seed_id": f"{at:02d}", "source": "tldr" if at < 6 else "ReAct", "role": "used" if at % 3 else "near", "pages": 10 * (at < 6), "best_score": 0.9 if at < 6 else None, "flag": "crowded" if at == 1 else None}
        for at in range(9)
    ]  # fmt: skip
    points = [
        {"id": synthetic.identity(group, at), "group": group, "x": float(at), "y": 0.0, "nearest_seed_similarity": base + at / 10_000}
        for group, base in (("seed", 0.9), ("kept", 0.5), ("general", 0.3))
        for at in range(800)
    ]  # fmt: skip
    tables = {
        name: synthetic.write_table(root / "matched", name, table.schema, rows)
        for name, table, rows in (
            ("pages", MATCHED_PAGES, pages), ("scores", MATCH_SCORES, scores), ("seed_hits", SEED_HITS, hits), ("map", MAP, points)
        )
    }  # fmt: skip
    facts = {"seeds_used": 6, "seeds_used_by_source": {"tldr": 4, "ReAct": 2}}
    counts = {("kept", ""): 60, ("dropped", "match_score"): 40}
    synthetic.finish(
        root / "matched", "match", counts, tables, seconds=1, config={"min_score": 0.4}, facts=facts
    )
    return root


def test_kept_and_dropped_pages_have_their_own_distribution(workspace: Path) -> None:
    rows = numbers(open_workspace(str(workspace)), 5)["scores"]
    assert (sum(row["kept"] for row in rows), sum(row["dropped"] for row in rows)) == (60, 40)
    assert all(not row["kept"] for row in rows if row["below"] <= 0.4)


def test_seeds_that_found_nothing_are_counted_and_not_listed(workspace: Path) -> None:
    found = numbers(open_workspace(str(workspace)), 5)
    tldr, react = found["hits_by_source"]
    assert (tldr["seeds"], tldr["with_pages"], tldr["pages"], tldr["crowded"], tldr["used"]) == (
        6,
        6,
        60,
        1,
        4,
    )
    assert (react["seeds"], react["with_pages"], react["pages"]) == (3, 0, 0)
    assert [row["seed_id"] for row in found["top_seeds"]] == ["00", "01", "02", "03", "04"]


def test_the_least_score_is_that_of_the_config(workspace: Path) -> None:
    shown = section({"matches": numbers(open_workspace(str(workspace)), 5)})
    assert shown.figures[0].answer.endswith("Pages below 0.40 are dropped.")


def test_a_source_whose_listed_seeds_found_nothing_is_warned_of(workspace: Path) -> None:
    """`seed_hits` lists every seed, used or not."""
    stats = {"matches": numbers(open_workspace(str(workspace)), 5)}
    (finding,) = idle_seeds(Facts(stats))
    assert "ReAct (2 of 2)" in finding.text and "tldr" not in finding.text


def test_the_map_is_a_bounded_sample_and_its_auc_that_of_all_points(workspace: Path) -> None:
    found = numbers(open_workspace(str(workspace)), 5)["map"]
    assert {group: len(points) for group, points in found["points"].items()} == dict.fromkeys(
        ("general", "kept", "seed"), MAP_POINTS
    )
    assert [row["points"] for row in found["groups"]] == [800, 800, 800] and found["auc"] == 1.0
    shown = section({"matches": numbers(open_workspace(str(workspace)), 5)})
    assert [figure.name for figure in shown.figures] == ["match-scores", "map"]
    assert "100.0" in shown.figures[1].answer


@given(
    st.lists(st.integers(0, 15), min_size=1, max_size=40),
    st.lists(st.integers(0, 15), min_size=1, max_size=40),
)
def test_auc_of_counts_is_that_of_all_pairs(of: list[int], others: list[int]) -> None:
    counted = [np.bincount(values, minlength=16).astype(float) for values in (of, others)]
    pairs = [(one > other) + (one == other) / 2 for one in of for other in others]
    assert auc(*counted) == pytest.approx(sum(pairs) / len(pairs))


def test_auc_without_one_side_is_unknown() -> None:
    none, some = np.zeros(4), np.ones(4)
    assert auc(None, some) is None and auc(none, some) is None and auc(some, none) is None
