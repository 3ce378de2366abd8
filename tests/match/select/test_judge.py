"""Promises about the seed that a page is said to resemble, and what it is held against."""

import numpy as np
import pyarrow as pa
import pytest

from corpus.match.score.schema import HIT
from corpus.match.select.background import LEAST_GENERAL, NEAREST, backgrounds
from corpus.match.select.features import JUDGED, Judge
from corpus.match.select.rule import FEWEST, thresholds_by_kind
from tests.match.vectors import around, unit

GIVEN = pa.schema(
    [
        ("id", pa.string()),
        ("nearest", pa.list_(HIT)),
        ("agent_score", pa.float32()),
        ("second_score", pa.float32()),
        ("side", pa.int32()),
    ]
)


def batch(*rows: tuple) -> pa.RecordBatch:
    """rows: (id, [(seed_row, score, chunk)], agent_score, second_score, side)."""
    hits = [
        None if r[1] is None else [dict(zip(("seed_row", "score", "chunk"), hit)) for hit in r[1]]
        for r in rows
    ]
    columns = [[r[0] for r in rows], hits, *([r[n] for r in rows] for n in (2, 3, 4))]
    return pa.RecordBatch.from_arrays([pa.array(c, f.type) for c, f in zip(columns, GIVEN)], schema=GIVEN)


def judge(background, *rows) -> dict[str, dict]:
    found = Judge(np.array(background, np.float32))(iter([batch(*rows)]))
    return {row["id"]: row for piece in found for row in piece.to_pylist()}


def test_a_seed_that_finds_everything_gives_way_to_one_that_does_not():
    hits = [(0, 0.60, 0), (1, 0.55, 2)]
    plain = judge([[0.0, 0.0]] * 2, ("p", hits, None, None, 0))["p"]
    held = judge([[0.4, 0.1]] * 2, ("p", hits, None, None, 0))["p"]
    assert (plain["seed_row"], plain["match_chunk"]) == (0, 0)
    assert (held["seed_row"], held["match_chunk"]) == (1, 2)
    assert held["match_score"] == pytest.approx(0.55) and held["match_margin"] == pytest.approx(0.45)


def test_of_equal_seeds_the_first_is_named():
    found = judge([[0.0] * 3] * 2, ("p", [(2, 0.5, 0), (0, 0.5, 1), (1, 0.5, 2)], None, None, 0))
    assert found["p"]["seed_row"] == 0 and found["p"]["match_chunk"] == 1


def test_a_page_is_held_against_the_other_side():
    rows = [(name, [(0, 0.5, 0)], None, None, side) for name, side in (("a", 0), ("b", 1))]
    found = judge([[0.1], [0.3]], *rows)
    assert found["a"]["match_margin"] == pytest.approx(0.4) and found["b"]["match_margin"] == pytest.approx(
        0.2
    )


def test_pages_without_hits_have_nothing_and_missing_scores_say_nothing():
    found = judge(
        [[0.0]] * 2,
        ("none", None, 0.9, 0.9, 0),
        ("empty", [], 0.9, 0.9, 0),
        ("p", [(0, 0.5, 0)], 0.5, None, 0),
    )
    for name in ("none", "empty"):
        told = {"id", "classifier", "second"}
        assert {field for field in JUDGED.names if found[name][field] is not None} == told
    assert found["p"]["classifier"] == pytest.approx(0.0, abs=1e-6) and found["p"]["second"] == 0.0


def test_batches_change_nothing():
    random = np.random.default_rng(0)
    rows = []
    for n in range(200):
        seeds = random.permutation(50)[: random.integers(1, 10)]
        scores = random.integers(0, 20, len(seeds)) / 20
        rows.append((f"p{n}", [(int(s), float(x), 0) for s, x in zip(seeds, scores)], 0.3, 0.6, n % 2))
    background = random.random((2, 50)).astype(np.float32).round(1)
    whole = judge(background, *rows)
    for n, row in enumerate(rows):
        assert judge(background, row) == {row[0]: whole[row[0]]}, n


def test_a_background_is_the_mean_of_the_highest_similarities_with_general_pages():
    random = np.random.default_rng(4)
    seeds = unit(random.standard_normal((30, 24))).astype(np.float16)
    general = unit(random.standard_normal((LEAST_GENERAL + 50, 24)))
    plain = np.sort(seeds.astype(np.float64) @ general.T.astype(np.float64), axis=1)[:, -NEAREST:].mean(
        axis=1
    )
    assert backgrounds(seeds, general) == pytest.approx(plain, abs=1e-3)
    assert (backgrounds(seeds, general[::-1]) == backgrounds(seeds, general)).all()


def test_few_general_pages_are_held_against_nothing():
    seeds = unit(np.eye(4)).astype(np.float16)
    assert not backgrounds(seeds, around(np.ones(4), LEAST_GENERAL - 1, 0.5, np.random.default_rng(0))).any()


def test_a_threshold_lets_the_wanted_share_of_pages_and_of_left_out_seeds_pass():
    margins = np.arange(100) / 100
    by_label = thresholds_by_kind((["doc"] * 100, margins), None, recall=0.9, default=-1.0)
    assert (margins >= by_label["doc"]).mean() == pytest.approx(0.9, abs=0.011)
    both = thresholds_by_kind(
        (["doc"] * 100, margins), (["doc"] * 100, margins - 0.5), recall=0.9, default=-1.0
    )
    assert both["doc"] == pytest.approx(by_label["doc"] - 0.5)


def test_kinds_with_few_items_and_runs_without_labels_keep_the_default():
    few = (["rare"] * (FEWEST - 1), np.ones(FEWEST - 1))
    assert thresholds_by_kind(few, None, recall=0.9, default=0.1) == {}
    seeds = (["doc"] * 50, np.full(50, 0.3))
    assert thresholds_by_kind(None, seeds, recall=0.9, default=0.1) == {"doc": 0.1}
    assert thresholds_by_kind(None, seeds, recall=0.9, default=0.5) == {"doc": 0.3}
