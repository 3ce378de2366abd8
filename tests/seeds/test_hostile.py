"""Hostile and damaged data costs one row with a reason, and never the job."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from corpus.seeds.convert import convert
from corpus.seeds.parsing import parse
from corpus.seeds.planning import GROUP_BYTES, OPEN_BYTES, Task, groups
from corpus.seeds.reading import Line, container_item, container_lines, file_items, is_container
from corpus.seeds.records import Item, Malformed, Origin
from corpus.seeds.sidecar import origins

HERE = Origin("test", "git:test", "MIT", "rows.jsonl.gz")
CALL = json.dumps({"api_call": "zoo.feed(animal='wren')", "functionality": "Feeds an animal of the zoo."})
MOST = 1 << 20


def row(file: str = "a.json", **more: object) -> bytes:
    return json.dumps({"text": CALL, "file": file, "origin": "zoo", **more}).encode() + b"\n"


def reasons(item: Item) -> list[str]:
    return [found.reason for found in convert(item)]


def packed(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize(
    "text",
    [
        "!!bool maybe",
        "!!timestamp foo",
        '!!int ""',
        "!!float x",
        "? [a]\n: 1",
        "{a: " * 50_000,
        "- " * 50_000,
    ],
)
def test_yaml_that_no_constructor_can_build_or_that_nests_too_deep_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse("x.yaml", text)


@pytest.mark.parametrize(
    ("path", "text", "error"),
    [
        ("server.json", '{"openapi": "3.0.0", "servers": [{"url": "https://[bad"}], "paths": {"/a": {"get": {}}}}', "ValueError"),
        ("dates.yaml", "api_call: zoo.f(x)\napi_arguments: [[{2020-01-01: 1}]]", "TypeError"),
        ("wide.csv", "Query,Tool\n" + "x" * 200_000 + ",tool\n", "Error"),
        ("long.yaml", "api_call: f(x)\nfunctionality: 0x" + "f" * 5_000, "ValueError"),
        ("tag.yaml", "!!bool maybe", "KeyError"),
    ],
)  # fmt: skip
def test_an_item_that_breaks_its_adapter_is_one_malformed_row_that_names_the_error(
    path: str, text: str, error: str
) -> None:
    found = list(convert(Item(Origin("test", "", None, path), 0, text)))
    assert [(one.reason, one.error) for one in found] == [("malformed", error)]


def test_a_row_that_breaks_its_adapter_leaves_the_other_rows_of_its_list() -> None:
    bad = '{"openapi": "3.0.0", "servers": [{"url": "https://[bad"}], "paths": {"/a": {"get": {}}}}'
    assert reasons(Item(HERE, 0, f"[{CALL}, {bad}, {CALL}]")) == ["", "malformed", ""]


@pytest.mark.parametrize("cut", [lambda data: data[:-12], lambda data: data[:-8] + b"\0" * 8])
def test_rows_before_the_damage_of_a_container_stay_and_the_rest_is_one_row(tmp_path: Path, cut) -> None:
    whole = gzip.compress(b"".join(row(f"{n}.json") for n in range(500)))
    path = packed(tmp_path / "c.jsonl.gz", cut(whole))
    assert is_container(path, MOST)
    lines = list(container_lines(path, MOST))
    assert [line.reason for line in lines if line.reason] == ["malformed"] and lines[-1].reason
    items = [container_item(line, path, number, HERE) for number, line in enumerate(lines)]
    assert len(items) > 400 and [reasons(item) for item in items[:-1]] == [[""]] * (len(items) - 1)
    assert reasons(items[-1]) == ["malformed"]


def test_rows_before_the_damage_of_a_zipped_file_of_one_format_stay(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(CALL.encode() + b"\n" for _ in range(500)))
    path = packed(tmp_path / "rows.jsonl.gz", whole[:-12])
    assert not is_container(path, MOST)
    items = list(file_items(path, HERE, MOST))
    assert len(items) > 400 and [item.reason for item in items] == [""] * (len(items) - 1) + ["malformed"]
    assert len({item.index for item in items}) == len(items)


@pytest.mark.parametrize(
    "data", [b"no gzip at all", b"\x1f\x8b\x08\x00", gzip.compress(b"x" * 99)[:10] + b"\xff" * 30]
)
def test_a_file_that_is_no_gzip_is_one_malformed_row(tmp_path: Path, data: bytes) -> None:
    path = packed(tmp_path / "rows.jsonl.gz", data)
    assert not is_container(path, MOST)
    assert [reasons(item) for item in file_items(path, HERE, MOST)] == [["malformed"]]


def test_a_line_without_bounds_is_one_row_and_the_rest_of_the_container_is_read(tmp_path: Path) -> None:
    data = row(note="x" * 3 * MOST) + row("b.json") + b"y" * 2 * MOST + b"\n" + row("c.json")
    path = packed(tmp_path / "c.jsonl.gz", gzip.compress(data))
    assert is_container(path, MOST)
    items = [container_item(line, path, n, HERE) for n, line in enumerate(container_lines(path, MOST))]
    assert [reasons(item) for item in items] == [["too_large"], [""], ["too_large"], [""]]


def test_lone_surrogates_and_nuls_leave_no_string_of_a_candidate() -> None:
    bad = "a\ud800\x00"
    data = {"text": CALL, "file": bad, "origin": bad, "source": bad, "licence": bad, "idx": 2**31 - 1}
    item = container_item(Line(json.dumps(data)), "c.jsonl.gz", 3, HERE)
    (found,) = convert(item)
    strings = (found.url, found.origin.name, found.origin.address, found.origin.licence, found.origin.path)
    assert all("a\ufffd\ufffd" in (text or "") for text in strings) and "".join(map(str, strings)).encode()
    assert found.index == 3  # a position that would leave no room for 32 bits is not believed


def test_a_sidecar_that_is_hostile_is_one_clear_sentence(tmp_path: Path) -> None:
    from corpus.engine.inputs import expand

    (tmp_path / "a.md").write_text("# A")
    for text in ("!!bool maybe", "source: 0x" + "f" * 5_000, "[" * 9_000):
        (tmp_path / "SOURCE.yaml").write_text(text)
        with pytest.raises(UserError, match=r"SOURCE\.yaml is not valid"):
            origins(expand([str(tmp_path)]), (str(tmp_path),), None, None)


def test_groups_hold_every_task_once_in_order_and_about_equal_work() -> None:
    def tasks(*weights: int) -> list[Task]:
        return [Task(str(n), "", "", None, "", 0, 0, weight) for n, weight in enumerate(weights)]

    small = tasks(*[OPEN_BYTES] * 226)
    assert len(groups(small)) == 4 and [task for group in groups(small) for task in group] == small
    large = groups(tasks(1, 3 * GROUP_BYTES, 1, 1))
    assert [len(group) for group in large] == [1, 1, 2]


EVIL = """
import json
import os
import subprocess
import sys
from corpus.seeds.convert import convert
from corpus.seeds.records import Item, Origin
N = 60_000
chat = lambda text, role="assistant", key="content": {"messages": [{"role": "user", "content": "Go"}, {"role": role, key: text}]}
rows = [
    chat("<functioncall> {" * N), chat("<tool_call>" * N), chat("<function=a>" * N), chat("<parameter=" * N),
    chat("[a(" + "'" * N), chat("[a(" + "b=[" * N), chat("{" * N, "system"), chat('{"name": [' * N, "system"),
    chat("[{'a': (" * N, "system"), chat("```\\n" * N, "ai", "text"), chat("Action: " + " " * N + "x"),
    chat("Thought:" * N), chat("> go\\n" * N, "user"), chat("a" * N + " b" * N),
    chat("Please provide a reasonable subgoal-based plan. Task: " + " " * N + "Subgoal 1: " + " ;" * N, "user"),
    {"query": "[STATEMENT]" * N, "ground_truth_plan": "1. " * N},
    {"confirmed_task": "x", "action_reprs": ["[a] " + " " * N + "-" * N]},
    {"func_name": "f", "content": "#!coding\\n" * N, "path": "a"}, {"func_name": "f", "func_code_string": " " * N},
    {"instruction": "API [" * N, "input": "x", "output": "API-Request: [" + "A(" * N},
    {"prompt": "x", "python_function_name": "a" * N}, {"dataset": "x", "query_dict": json.dumps({"query": "q", "reference": "a." * N})},
]
texts = [("a.md", "a.b" * N + "("), ("a.md", ("f(" + ") -> " * N) + "\\n"), ("a.md", "---\\n" * N), ("a.txt", "=" * N), ("a.md", "# [" * N)]
for path, text in [("rows.json", json.dumps(row)) for row in rows] + texts:
    found = list(convert(Item(Origin("t", "", "MIT (" * N, path), 0, text)))
    assert found, path
print("done")
"""


def test_texts_made_to_keep_an_adapter_busy_for_ever_are_done_with_soon(repository: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    command = [sys.executable, "-c", EVIL]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=240, check=False)
    assert done.stdout.strip() == "done", done.stderr[-2000:]
