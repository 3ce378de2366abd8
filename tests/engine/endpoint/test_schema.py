"""JSON is found in what models write around it, and checked field by field."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.engine.endpoint.schema import json_in, require_known, violations

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["yes", "no"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "why": {"type": "string", "maxLength": 5},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "count": {"type": ["integer", "null"]},
    },
    "required": ["verdict"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"verdict": "yes", "confidence": 0.5, "why": "short", "tags": ["a"], "count": None}, 0),
        ({"verdict": "maybe"}, 1),
        ({}, 1),
        ({"verdict": "yes", "confidence": True}, 1),
        ({"verdict": "yes", "confidence": 1.5}, 1),
        ({"verdict": "yes", "why": "too long"}, 1),
        ({"verdict": "yes", "tags": ["a", 1, "c"]}, 2),
        ({"verdict": "yes", "count": 1.5}, 1),
        ({"verdict": "yes", "other": 1, "more": 2}, 2),
        ([], 1),
        (None, 1),
    ],
)
def test_each_breach_is_one_sentence(value: Any, wrong: int) -> None:
    assert len(violations(value, SCHEMA)) == wrong


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        'Sure!\n```json\n{"a": 1}\n```\nAnything else?',
        '<think>{"a": 2} or perhaps {</think>\n{"a": 1}',
        'a set {1, 2} and then {"a": 1} and {"a": 3}',
        '\ufeff  {"a": 1}\n\n',
    ],
)
def test_the_object_is_found_in_what_stands_around_it(text: str) -> None:
    assert json_in(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "yes", "[1, 2]", '{"a": 1', "{" * 100_000, '{"a": NaN}', "{'a': 1}"])
def test_text_without_an_object_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        json_in(text)


def test_a_keyword_that_is_not_checked_is_refused() -> None:
    require_known(SCHEMA)
    with pytest.raises(ValueError, match="pattern"):
        require_known({"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}})
