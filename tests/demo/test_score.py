"""Promises of the demo's score: right runs score full marks, each kind of fault is named."""

from __future__ import annotations

from dataclasses import replace

from corpus.demo.score import format_score, score
from corpus.demo.truth import CrawlTruth, TruthRow


def _row(
    url: str, label: str, expected: str, split: str = "train", twin: str = "", alike: float = 0.0
) -> TruthRow:
    return TruthRow(
        url=url, warc="a.warc.gz", record_id=url, host="x.example", label=label, genre="page", language="en",
        charset="utf-8", expected=expected, split=split, duplicate_of=twin or None,
        relation="near" if twin else None, jaccard=alike if twin else None,
    )  # fmt: skip


TRUTH = CrawlTruth(
    rows=(
        _row("a1", "agent", "kept"),
        _row("a2", "agent", "kept", "test"),
        _row("a3", "agent", "kept", twin="a1", alike=0.9),
        _row("a4", "agent", "kept", "test", twin="a2", alike=0.7),
        _row("g1", "general", "dropped"),
        _row("g2", "general", "dropped", "test"),
        _row("b1", "broken", "failed"),
        _row("l1", "agent", "damaged"),
    ),
    files=("a.warc.gz",),
)
RIGHT = {
    "a1": "kept",
    "a2": "kept",
    "a3": "kept",
    "a4": "kept",
    "g1": "dropped",
    "g2": "dropped",
    "b1": "failed",
}


def test_a_right_run_has_full_marks_whichever_twin_survives() -> None:
    for survivors in (["a1", "a2", "a4"], ["a3", "a2", "a4"]):
        result = score(RIGHT, survivors, TRUTH)
        assert result.filter.recall == result.filter.precision == 1.0
        assert result.after_dedup.recall == result.after_dedup.precision == 1.0
        assert (result.pairs, result.merged, result.missed, result.wrongly_removed) == (1, 1, (), ())
        assert result.surprises == ()


def test_faults_of_the_filter_lower_recall_and_precision_and_are_named() -> None:
    outcomes = {**RIGHT, "a2": "dropped", "g2": "kept"}
    result = score(outcomes, ["a1", "a4", "g2"], TRUTH)
    assert (result.filter.recall, result.filter.precision) == (0.75, 0.75)
    assert (result.held_out.recall, result.held_out.precision) == (0.5, 0.5)
    assert [(odd.url, odd.found) for odd in result.surprises] == [("a2", "dropped"), ("g2", "kept")]


def test_missed_and_wrong_merges_are_told_apart() -> None:
    result = score(RIGHT, ["a1", "a3", "a2"], TRUTH)
    assert result.missed == ("a3",)
    assert result.wrongly_removed == ("a4",)


def test_losing_both_twins_is_wrong() -> None:
    assert score(RIGHT, ["a2", "a4"], TRUTH).wrongly_removed == ("a1", "a3")


def test_hygiene_is_held_to_what_was_planted_and_reached_it() -> None:
    marks = {"a1": {"benchmark_item": "x"}, "a2": {"secret": "API_KEY"}}
    rows = tuple(replace(row, **marks.get(row.url, {})) for row in TRUTH.rows)
    truth, left = CrawlTruth(rows, TRUTH.files), ["a1", "a2", "a4"]
    right = score(RIGHT, left, truth, None, {"a2": {"api_keys": 1}, "a4": {}})
    assert (right.hygiene.items, right.hygiene.items_removed, right.hygiene.removed_wrongly) == (1, 1, ())
    assert (right.hygiene.secrets, right.hygiene.secrets_replaced) == (1, 1)
    assert right.after_hygiene.recall == right.after_hygiene.precision == right.after_match.recall == 1.0
    wrong = score(RIGHT, left, truth, None, {"a1": {"phone_numbers": 2}, "a2": {}})
    assert (wrong.hygiene.items_removed, wrong.hygiene.removed_wrongly) == (0, ("a4",))
    assert (wrong.hygiene.secrets_replaced, wrong.hygiene.replaced_wrongly) == (0, ("a1",))
    assert wrong.after_hygiene.precision == 0.5


def test_urls_that_nobody_planted_are_surprises() -> None:
    result = score({**RIGHT, "z": "kept"}, ["a1", "a2", "a4", "z"], TRUTH)
    assert result.filter.precision == 0.8
    assert [odd.url for odd in result.surprises] == ["z"]


def test_the_table_names_what_went_wrong() -> None:
    text = format_score(score({**RIGHT, "b1": "kept"}, ["a1", "a2", "a4"], TRUTH))
    assert "held-out" in text and "1 of 1 pairs merged" in text and "failed -> kept" in text
