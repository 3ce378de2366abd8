"""Benchmark items: which parts of a record are question and gold answer, layout by layout.

What a benchmark says about itself (tool descriptions, schemas, tests, metadata) is no part: documentation of
a tool is what the corpus is made of, and the same words stand on the tool's own pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpus.hygiene.calls import Call, calls_in
from corpus.hygiene.wordlist import words_of_text

QUESTION, GOLD, TEXT = "question", "gold", "text"
_IDS = ("id", "task_id", "instance_id", "question_id", "query_id", "qid", "item_id", "uid", "idx", "index")
_NAMES = ("benchmark", "origin", "dataset")
_QUESTION_KEYS = words_of_text(
    """
    question questions prompt instruction instructions user_request query problem problem_statement
    input user_query story conversation conversations messages dialogue dialog history turns
    task_description raw_instruction confirmed_task user_instruction n_turns_question
    """
)
_GOLD_KEYS = words_of_text(
    """
    ground_truth groundtruth gold golden_answers gold_answer answer answers canonical_solution solution
    reference_solution code label labels target output completion response expected expected_output sql
    sparql s_expression actions action tool_calls calls patch final_answer task_nodes tool_nodes
    tool_steps task_steps golden_patch gold_calls expected_calls python_function_call
    """
)
# Documentation, bookkeeping and tests. They name tools and files of everybody's.
_ASIDE_KEYS = words_of_text(
    """
    function functions tool tools tool_desc api_list apis parameters schema schemas nodes links edges
    test tests test_list entry_point source sources url urls licence license category type types kind
    level difficulty language file path meta metadata initial_config involved_classes missed_function
    scenario topic choices options image repo base_commit version created_at split execution_result
    execution_result_type node_alignment_id alignment_ids task_links tool_links seed n_tools
    sampled_nodes sampled_links docs documentation docstring_only evaluation create table tables db_id
    difficulty_level ok_to_ship
    """
)
_ROLES_AT_FAULT = frozenset({"system", "tool", "function", "developer", "api", "observation"})
_DEEPEST = 8


@dataclass(frozen=True)
class Part:
    """What one benchmark item can be known by: a text, or the calls of a gold answer."""

    benchmark: str
    item: str
    kind: str
    text: str = ""
    calls: tuple[Call, ...] = ()


def parts_of(record: Any, benchmark: str, number: int) -> list[Part]:
    """The parts of one record of a benchmark file; none where it is documentation or metadata."""
    record, benchmark = _unwrapped(record, benchmark)
    if isinstance(record, str):
        return [Part(benchmark, str(number), TEXT, text=record)]
    if not isinstance(record, Mapping) or _is_catalogue(record):
        return []
    item = next((str(record[name]) for name in _IDS if isinstance(record.get(name), (str, int))), str(number))
    known = {str(key).lower(): value for key, value in record.items()}
    parts = [
        Part(benchmark, item, QUESTION, text=text)
        for key in known
        if key in _QUESTION_KEYS
        for text in _spoken(known[key])
    ]
    parts += [part for key in known if key in _GOLD_KEYS for part in _gold(known[key], benchmark, item)]
    if parts:
        return parts
    aside = _ASIDE_KEYS | frozenset(_IDS) | frozenset(_NAMES)
    rest = (text for key, value in known.items() if key not in aside for text in _strings(value))
    return [Part(benchmark, item, TEXT, text=text) for text in rest]


def _unwrapped(record: Any, benchmark: str) -> tuple[Any, str]:
    """A record that carries the original as JSON in `text`, beside its origin, is taken for the original."""
    if isinstance(record, Mapping):
        named = next((record[name] for name in _NAMES if isinstance(record.get(name), str)), "")
        benchmark = named or benchmark
        text = record.get("text")
        if isinstance(text, str) and text.lstrip()[:1] in "{[" and text.strip():
            try:
                return json.loads(text), benchmark
            except (ValueError, RecursionError):
                return record, benchmark
        if named and isinstance(text, str) and "file" in record and not _QUESTION_KEYS & set(record):
            return None, benchmark  # prose of the collection, such as its README
    return record, benchmark


def _is_catalogue(record: Mapping[Any, Any]) -> bool:
    """Descriptions of tools, one or many, and tables of contents."""
    if "nodes" in record or {"name", "description", "parameters"} <= set(record):
        return True
    return (
        bool(record)
        and all(isinstance(value, (Mapping, list)) for value in record.values())
        and not (_QUESTION_KEYS | _GOLD_KEYS) & {str(key).lower() for key in record}
    )


def _spoken(value: Any, depth: int = 0) -> Iterator[str]:
    """The user's words in a text, a list of turns, or chat messages."""
    if isinstance(value, str):
        inner = _json(value)
        yield from (list(_spoken(inner, depth + 1)) if inner is not None else []) or [value]
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _spoken(item, depth + 1)
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        role = str(value.get("role", value.get("from", "user"))).lower()
        if role not in _ROLES_AT_FAULT | {"assistant", "gpt", "ai", "agent"}:
            said = (
                value.get(key) for key in ("content", "value", "text", "question", "instruction", "query")
            )
            for text in said:
                yield from _spoken(text, depth + 1)


def _gold(value: Any, benchmark: str, item: str) -> Iterator[Part]:
    if isinstance(value, str) and (inner := _json(value)) is not None:
        value = inner
    calls = calls_in(value)
    if calls:
        yield Part(benchmark, item, GOLD, calls=calls)
        return
    for answer in value if isinstance(value, list) else [value]:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, default=str)
        yield Part(benchmark, item, GOLD, text=text)


def _strings(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, Mapping)) and depth < _DEEPEST:
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner, depth + 1)


def _json(text: str) -> Any:
    """What a text holds as JSON; None where it is no object or list."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
