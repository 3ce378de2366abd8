"""Promises of the layouts: questions and gold answers are found, documentation and bookkeeping are not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.errors import UserError
from corpus.hygiene import benchmarks
from corpus.hygiene.calls import Call, calls_in
from corpus.hygiene.items import parts_of

CALL = Call("mill.grind", (("grain", ("rye",)), ("bags", ("12",))))


def parts(record: Any) -> list[tuple[str, str, str]]:
    return [(part.item, part.kind, part.text or part.calls[0].name) for part in parts_of(record, "b", 3)]


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (  # BFCL: question
            {
                "id": "s_1",
                "question": [[{"role": "user", "content": "Grind it."}]],
                "function": [{"name": "f"}],
            },
            [("s_1", "question", "Grind it.")],
        ),
        (
            {"id": "s_1", "ground_truth": [{"mill.grind": {"grain": ["rye"]}}]},
            [("s_1", "gold", "mill.grind")],
        ),
        (  # TaskBench
            {"id": "77", "user_request": "Mill it", "task_nodes": [{"task": "mill", "arguments": ["rye"]}]},
            [("77", "question", "Mill it"), ("77", "gold", "mill")],
        ),
        (  # HumanEval
            {
                "task_id": "H/1",
                "prompt": "def f():",
                "canonical_solution": "  return 1",
                "test": "assert f()",
            },
            [("H/1", "question", "def f():"), ("H/1", "gold", "  return 1")],
        ),
        (  # AgentBench: a system's words are no question
            {"description": "x", "question": "Who mills?", "answer": ["the miller"], "source": "wiki"},
            [("3", "question", "Who mills?"), ("3", "gold", "the miller")],
        ),
        (
            {"id": "9", "riddle_body": "What turns but never walks?"},
            [("9", "text", "What turns but never walks?")],
        ),
        ({"name": "grind", "description": "Grinds grain.", "parameters": {}}, []),
        ({"nodes": [{"id": "Mill", "desc": "Mills."}]}, []),
        ({"origin": "c", "file": "README.md", "text": "---\nlicense: mit"}, []),
        (
            {"origin": "c", "file": "q.json", "text": '{"id": "5", "question": "Why?"}'},
            [("5", "question", "Why?")],
        ),
    ],
)
def test_questions_and_gold_answers_are_found_in_known_layouts(
    record: Any, found: list[tuple[str, str, str]]
) -> None:
    assert parts(record) == found


def test_words_of_systems_and_tools_are_no_question() -> None:
    chat = [{"role": r, "content": r} for r in ("system", "user", "assistant", "tool")]
    assert parts({"id": "1", "messages": chat}) == [("1", "question", "user")]


@pytest.mark.parametrize(
    "written",
    [
        "mill.grind(grain='rye', bags=12)",
        ["mill.grind(grain='rye', bags=12)"],
        [{"mill.grind": {"grain": ["rye"], "bags": [12]}}],
        {"name": "mill.grind", "arguments": {"grain": "rye", "bags": 12}},
        {"type": "function", "function": {"name": "mill.grind", "arguments": '{"grain": "rye", "bags": 12}'}},
        {
            "task": "mill.grind",
            "arguments": [{"name": "grain", "value": "rye"}, {"name": "bags", "value": 12}],
        },
        {"Action": "mill.grind", "Action_Input": '{"grain": "rye", "bags": 12}'},
    ],
)
def test_a_call_is_the_same_in_every_notation(written: Any) -> None:
    assert calls_in(written) == (CALL,)


@pytest.mark.parametrize(
    "text", ["forty-two", "SELECT max(a) FROM b WHERE c = 1", "f(" * 9000, "f(1) + g(2)", ""]
)
def test_what_is_no_call_is_taken_for_text(text: str) -> None:
    assert calls_in(text) == ()


def test_files_of_all_formats_are_read_and_bad_lines_counted(tmp_path: Path) -> None:
    rows = [{"id": f"r{n}", "question": f"Question number {n}?"} for n in range(3)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n{broken\n")
    (tmp_path / "b.json").write_text(json.dumps(rows))
    (tmp_path / "c.json").write_text(json.dumps({"version": 1, "data": rows}))
    with gzip.open(tmp_path / "d.jsonl.gz", "wt") as stream:
        stream.write("\n".join(map(json.dumps, rows)))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "e.parquet")
    reading = benchmarks.read(benchmarks.find([str(tmp_path)]))
    assert (reading.records, reading.unreadable, len(reading.parts)) == (16, 1, 15)
    assert {part.benchmark for part in reading.parts} == set("abcde")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"\x1f\x8b broken"])
def test_a_file_that_is_no_benchmark_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / ("x.jsonl.gz" if data[:1] == b"\x1f" else "x.jsonl")
    path.write_bytes(data)
    with pytest.raises(UserError, match="benchmark file"):
        benchmarks.read(benchmarks.find([str(path)]))
