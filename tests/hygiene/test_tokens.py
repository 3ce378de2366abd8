"""Promises of the tokens: whatever a text is dressed in, its words are the same, and each is found again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.hygiene.tokens import spans, tokens

PLAIN = 'Ring the café\'s bell at 7:45,\nthen wait_for(door="north") — 港の扉'


@pytest.mark.parametrize(
    "dressed",
    [
        PLAIN.upper(),
        json.dumps(PLAIN),
        json.dumps(json.dumps(PLAIN)),
        json.dumps(PLAIN, ensure_ascii=False),
        PLAIN.replace('"', "&quot;").replace("'", "&#39;"),
        PLAIN.replace(" ", "\n   * "),
    ],
)
def test_case_quoting_escaping_and_layout_change_no_token(dressed: str) -> None:
    assert tokens(dressed) == tokens(PLAIN)


def test_each_character_of_a_script_without_spaces_is_a_token() -> None:
    assert tokens("港の扉 door_7") == ["港", "の", "扉", "door", "7"]


def test_latex_reads_the_same_escaped_and_not() -> None:
    formula = r"the gradient \nabla f and \frac{a}{b}"
    assert tokens(formula) == tokens(json.dumps(formula))


@given(st.text(max_size=200))
def test_every_token_stands_where_its_span_says(text: str) -> None:
    found = spans(text)
    assert len(found) == len(tokens(text))
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert found == sorted(found)
    assert all(
        tokens(text[start:end]) == [word]
        for (start, end), word in zip(found, tokens(text))
        if "\\" not in text
    )


def test_spans_count_the_characters_of_escapes() -> None:
    text = r"{\"q\": \"Canc\u00fan now\"}"
    assert [text[start:end] for start, end in spans(text)] == ["q", r"Canc\u00fan", "now"]
