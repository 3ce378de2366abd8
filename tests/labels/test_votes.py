"""Whose word counts is stated, and what was overruled is told."""

from __future__ import annotations

import itertools

from corpus.labels.votes import AMBIGUOUS, GIVERS, NEGATIVE, POSITIVE, Vote, from_answer, meaning, resolve

FILE = Vote("file:read.csv", NEGATIVE, "stub")
RULE = Vote("rule:ada", POSITIVE)
ONE, TWO = Vote("endpoint:one", POSITIVE, "yes"), Vote("endpoint:two", NEGATIVE, "no")
PLACES = {"endpoint:two": 0, "endpoint:one": 1}


def test_the_order_decides_and_the_others_are_named_whatever_order_they_came_in() -> None:
    for votes in itertools.permutations([RULE, ONE, FILE]):
        found = resolve(votes, GIVERS, {}, ambiguous=False)
        assert (found.vote, found.votes, found.against) == (FILE, 3, ("endpoint:one", "rule:ada"))
    assert resolve([RULE, ONE, FILE], ("rule", "file", "endpoint", "seed"), {}, ambiguous=False).vote == RULE


def test_of_two_of_a_kind_the_first_in_the_config_counts() -> None:
    assert resolve([ONE, TWO], GIVERS, PLACES, ambiguous=False).vote == TWO


def test_two_of_a_kind_that_differ_may_make_the_label_ambiguous() -> None:
    found = resolve([ONE, TWO, RULE], GIVERS, PLACES, ambiguous=True)
    assert (found.vote.label, found.against) == (AMBIGUOUS, ("endpoint:one", "rule:ada"))
    assert resolve([FILE, ONE], GIVERS, {}, ambiguous=True).vote.label == NEGATIVE


def test_a_stub_is_negative_unless_told_otherwise_and_doubt_is_ambiguous() -> None:
    answer = {"verdict": "stub", "kind": "index", "confidence": 0.8, "rationale": "links\ud800\x00 only"}
    assert from_answer(answer, "endpoint:a", least=0.6, stubs=NEGATIVE).label == NEGATIVE
    assert from_answer(answer, "endpoint:a", least=0.6, stubs=AMBIGUOUS).label == AMBIGUOUS
    vote = from_answer(answer, "endpoint:a", least=0.9, stubs=NEGATIVE)
    assert (vote.label, vote.verdict) == (AMBIGUOUS, "stub")
    assert vote.rationale == "links\ufffd\ufffd only"


def test_words_of_files_have_one_meaning() -> None:
    assert meaning(" Positive ") == (POSITIVE, None) and meaning("STUB") == (NEGATIVE, "stub")
    assert meaning("perhaps") is None
