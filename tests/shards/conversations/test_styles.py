from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.engine.tables import CONVERSATIONS
from corpus.shards.conversations.calls import from_brackets, tools_of
from corpus.shards.conversations.registry import BY_NAME, conversations, detect, unwrap
from corpus.shards.conversations.rows import rows
from corpus.shards.conversations.schema import MESSAGES_TYPE, Conversation, UnfitError
from corpus.shards.sources.document import Place, Rules
from tests.shards.conversations.examples import EXAMPLES

PLACE = Place("a.jsonl", 0)


def only(record: dict[str, Any], style: str = "auto") -> Conversation:
    (found,) = conversations(record, style)
    if isinstance(found, UnfitError):
        raise found
    return found


def reasons(record: dict[str, Any]) -> list[str]:
    return [found.reason if isinstance(found, UnfitError) else "" for found in conversations(record)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_style_is_told_by_its_fields_and_brought_to_one_schema(name: str) -> None:
    record, (roles, expected_calls, tools) = EXAMPLES[name]
    assert detect(record) == name.split(" ", maxsplit=1)[0]
    found = only(record)
    calls = [call for one in found.messages for call in one["tool_calls"] or ()]
    assert [one["role"] for one in found.messages] == roles
    assert [
        (call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls
    ] == expected_calls
    assert [tool["function"]["name"] for tool in found.tools] == tools
    results = [one["tool_call_id"] for one in found.messages if one["role"] == "tool"]
    assert results == [call["id"] for call in calls][: len(results)] and all(results)
    assert only(record, detect(record)) == found
    pa.array([list(found.messages)], MESSAGES_TYPE).validate(full=True)


def test_every_style_has_an_example_and_the_schema_is_the_declared_one() -> None:
    assert {name.split(" ")[0] for name in EXAMPLES} == set(BY_NAME)
    assert CONVERSATIONS.schema.field("messages").type == MESSAGES_TYPE


def test_turns_that_a_data_set_leaves_out_of_the_loss_stay_out() -> None:
    found = only(EXAMPLES["agent-flan"][0])
    assert [one["loss"] for one in found.messages] == [None, False, None, True]


def test_tools_become_json_schemas() -> None:
    (tool,) = only(EXAMPLES["xlam"][0]).tools
    assert tool["function"]["parameters"] == {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "c"}, "zone": {"type": "string"}},
        "required": ["city"],
    }
    assert tools_of([{"name": "f", "parameters": {"type": "dict", "properties": {"n": {"type": "int"}}}}])[0][
        "function"
    ]["parameters"] == {"type": "object", "properties": {"n": {"type": "integer"}}}


USER, SAID = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}


def asks(*names: str, arguments: str = "{}") -> dict[str, Any]:
    calls = [
        {"id": f"c{n}", "function": {"name": name, "arguments": arguments}} for n, name in enumerate(names)
    ]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def answer(own: str | None = None) -> dict[str, Any]:
    return {"role": "tool", "content": "x", "tool_call_id": own}


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([USER, SAID], ""),
        ([USER, SAID, USER], ""),
        ([USER], "no_assistant"),
        ([], "no_conversation"),
        ([SAID], "roles"),
        ([USER, USER, SAID], "roles"),
        ([USER, SAID, SAID], "roles"),
        ([USER, {"role": "system", "content": "s"}, SAID], "roles"),
        ([{"role": "system", "content": "s"}, {"role": "system", "content": "s"}, USER, SAID], "roles"),
        ([{"role": "narrator", "content": "s"}, USER, SAID], "unknown_role"),
        ([USER, {"role": "assistant", "content": " "}], "empty_turn"),
        ([{"role": "user", "content": ""}, SAID], "empty_turn"),
        ([USER, {"role": "assistant", "content": [{"type": "image", "url": "x"}]}], "not_text"),
        ([USER, asks("f")], ""),
        ([USER, asks("f"), answer(), SAID], ""),
        ([USER, asks("f", "g"), answer("c1"), answer("c0"), SAID], ""),
        ([USER, asks("f", "g"), answer(), SAID], "call_without_result"),
        ([USER, asks("f"), USER, SAID], "call_without_result"),
        ([USER, asks("f"), answer(), USER, SAID], "roles"),
        ([USER, asks("f"), answer("other"), SAID], "tool_without_call"),
        ([USER, asks("f"), answer(), answer(), SAID], "tool_without_call"),
        ([USER, SAID, answer(), SAID], "tool_without_call"),
        ([USER, asks("f", arguments="{")], "arguments_not_json"),
        ([USER, asks("f", arguments="[1]")], "arguments_not_json"),
        ([USER, asks("h")], "undeclared_tool"),
        ([USER, asks(" ")], "call_without_name"),
        ([USER, {"role": "assistant", "content": "", "tool_calls": [{"id": "c"}]}], "calls_not_json"),
    ],
)
def test_a_conversation_that_breaks_a_rule_says_which(messages: list[dict[str, Any]], reason: str) -> None:
    tools = [{"name": "f"}, {"name": "g"}]
    assert reasons({"messages": messages, "tools": tools}) == [reason]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "[f]",
        "[f(]",
        "[f(a)]",
        "[f(a=)]",
        "[f(a=b)]",
        "f(a=1)",
        "[f(a=1) g()]",
        "[see (this)]",
        "[f(a='x]",
        '[{"name": "f"}]',
    ],
)
def test_words_in_brackets_that_are_no_call_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        from_brackets(text)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.from_regex(r"[a-z_]\w{0,5}", fullmatch=True), values, max_size=4))
@settings(deadline=None)
def test_calls_in_brackets_come_back_as_they_were_written(arguments: dict[str, Any]) -> None:
    written = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    as_json = ", ".join(f"{key}={json.dumps(value)}" for key, value in arguments.items())
    first, second = from_brackets(f"[My API.get v2({written}), g({as_json})]")
    assert first["function"]["name"] == "My API.get v2"
    assert (
        json.loads(first["function"]["arguments"]) == json.loads(second["function"]["arguments"]) == arguments
    )


FIELDS = [
    "messages",
    "conversations",
    "conversation",
    "history",
    "system",
    "chat",
    "query",
    "answers",
    "tools",
]
FIELDS += [
    "answer_generation",
    "Function_Description",
    "Instances",
    "Instructions",
    "Golden_Answers",
    "instruction",
    "output",
]
turns = st.dictionaries(
    st.sampled_from(
        ["role", "from", "content", "value", "tool_calls", "function_call", "tool_call_ids", "loss"]
    ),
    values | st.sampled_from(["user", "assistant", "tool", "system", "gpt", "function_call"]),
)


@given(st.dictionaries(st.sampled_from(FIELDS), values | st.lists(turns, max_size=5), max_size=6))
@settings(max_examples=400, deadline=None)
def test_no_record_whatever_it_holds_stops_the_reading(record: dict[str, Any]) -> None:
    found = list(rows(record, "auto", Rules("m"), PLACE))
    assert found
    for row in found:
        pa.array([row.get("messages")], MESSAGES_TYPE)
        assert row["reason"] or row["text"]


def test_equal_conversations_have_one_id_and_pieces_of_one_stay_together() -> None:
    record = EXAMPLES["sharegpt"][0]
    other = {
        **record,
        "id": "abc_7",
        "conversations": [*record["conversations"][:-1], {"from": "gpt", "value": "12."}],
    }
    first, same, piece = (
        next(rows(one, "auto", Rules("m"), Place("f", at))) for at, one in enumerate((record, record, other))
    )
    assert first["id"] == same["id"] != piece["id"]
    assert first["group"] == piece["group"] == "m:abc"
    assert (first["kind"], first["source"]) == ("function_call", "m")


def test_licences_hold_for_conversations_too() -> None:
    (row,) = rows({**EXAMPLES["alpaca"][0], "license": "gpl"}, "auto", Rules("m", {}, ("mit",)), PLACE)
    assert (row["reason"], row["text"]) == ("licence", "")


def test_real_conversations_are_taken_and_the_rest_says_why(shared_data: Path) -> None:
    found: Counter[tuple[str, str]] = Counter()
    with gzip.open(shared_data / "seeds" / "seeds_flat.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record["origin"] in ("fireact", "toolalpaca", "swe-agent-trajs", "toolbench-example"):
                for row in rows(record, "auto", Rules("m"), PLACE):
                    found[record["origin"], row["reason"]] += 1
                    assert row["source"] == record["origin"] and row["licence"] == (record["licence"] or None)
    assert found["fireact", ""] > 4000 and found["fireact", "roles"] < 20
    assert found["toolalpaca", ""] > 100
    assert found["swe-agent-trajs", ""] >= 15
    assert found["toolbench-example", ""] >= 1
    assert unwrap({"origin": "o", "file": "f", "text": "no JSON"}) == {}
