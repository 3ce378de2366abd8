from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.browse.config import InspectConfig
from corpus.browse.run import check, plan
from corpus.browse.show import lines_of
from corpus.browse.terminal import Paper
from corpus.engine.errors import UserError


def shown(**keys: Any) -> list[str]:
    return list(lines_of(InspectConfig(**keys), Paper(io.StringIO(), width=100, colour=False)))


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    rows = [
        {
            "id": f"{n:032x}",
            "text": f"line\n\x1b[31mred\x1b[0m {n}\u202e",
            "x": n / 3,
            "tags": ["a", "b"],
            "raw": b"\xff",
        }
        for n in range(50)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    return str(tmp_path)


def test_rows_of_any_parquet_are_shown_without_its_escapes(hostile: str) -> None:
    lines = shown(input=(hostile,), rows=3)
    text = "\n".join(lines)
    assert "\x1b" not in text and "\u202e" not in text and "\\x1b[31mred" in text
    assert lines[-1] == "3 rows" and sum(line.startswith("id ") for line in lines) == 3


def test_json_lines_carry_whole_values_and_their_place(hostile: str) -> None:
    rows = [json.loads(line) for line in shown(input=(hostile,), rows=4, format="json", seed=None)]
    assert [row["_row"] for row in rows] == [0, 1, 2, 3]
    assert rows[1]["text"] == "line\n\x1b[31mred\x1b[0m 1\u202e" and rows[1]["x"] == 1 / 3
    assert rows[1]["tags"] == ["a", "b"] and rows[1]["raw"] == "ff"


def test_csv_can_be_read_back(hostile: str) -> None:
    lines = shown(input=(hostile,), rows=2, format="csv", columns=("id", "x", "text"), seed=None)
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert [row["id"] for row in rows] == [f"{n:032x}" for n in range(2)]
    assert float(rows[1]["x"]) == 1 / 3 and "\x1b" not in "".join(lines)


def test_a_condition_that_no_row_fulfils_says_so(hostile: str) -> None:
    assert shown(input=(hostile,), where="x > 1000") == ["no row fulfils the condition"]


def test_tables_of_a_stage_and_of_a_workspace(demo: tuple[Path, str]) -> None:
    workspace = str(demo[0])
    assert "-- clean/pages: row" in shown(input=(f"{workspace}/clean",), rows=1)[0]
    text = "\n".join(shown(input=(workspace,), table="unique/duplicates", rows=2))
    assert "-- unique/duplicates: row" in text and "jaccard" in text
    assert len(shown(input=(f"{workspace}/shards",), table="stage1", rows=7, format="json")) == 7
    dropped = shown(
        input=(workspace,), table="pages/ledger", where="reason = 'light_score'", rows=9, format="json"
    )
    assert {json.loads(line)["reason"] for line in dropped} == {"light_score"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"table": "clean/page"}, "did you mean 'pages'"),
        ({"table": "cleen"}, "did you mean 'clean'"),
        ({}, "is a workspace; give table="),
        ({"table": "clean", "columns": ("ids",)}, "did you mean 'id'"),
        ({"table": "clean", "where": "scor > 1"}, "no column here"),
    ],
)
def test_wrong_names_are_answered_with_the_nearest(
    keys: dict[str, Any], sentence: str, demo: tuple[Path, str]
) -> None:
    with pytest.raises(UserError, match=sentence):
        shown(input=(str(demo[0]),), **keys)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"input": ()}, "nothing to look at"),
        ({"input": ("x",), "url": "u", "id": "i"}, "exclude each other"),
        ({"input": ("x",), "url": "u", "format": "csv"}, "format=json"),
        ({"input": ("x",), "url": "u", "where": "a = 1"}, "a story has none of them"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(keys: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check(InspectConfig(**keys))


def test_a_dry_run_names_what_would_be_read(demo: tuple[Path, str]) -> None:
    said = plan(InspectConfig(input=(str(demo[0]),), table="clean"))
    assert said.startswith("clean/pages: 1 files") and "part-00000.parquet" in said
    assert "shards: shard" in plan(InspectConfig(input=(str(demo[0]),), url="https://x.example"))
