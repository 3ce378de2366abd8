"""Files that are read row by row keep every good row, and say why there is no other."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.seeds import reading
from corpus.seeds.convert import convert
from corpus.seeds.reading import file_items
from corpus.seeds.records import Origin
from corpus.seeds.rows import json_elements, lines, parquet_rows

HERE = Origin("test", "", None, "rows")
MOST = 1 << 20


def calls(number: int) -> list[dict[str, object]]:
    return [
        {
            "query": f"Feed wren {n}",
            "tools": "[]",
            "answers": f'[{{"name": "feed", "arguments": {{"n": {n}}}}}]',
        }
        for n in range(number)
    ]


def parquet(path: Path, rows: list[dict[str, object]], group: int = 10) -> str:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return str(path)


def test_each_row_of_parquet_is_an_item_at_its_position_however_tasks_share_the_row_groups(
    tmp_path: Path,
) -> None:
    path = parquet(tmp_path / "a.parquet", calls(35))
    whole = [(item.index, item.value) for item in file_items(path, HERE, MOST)]
    assert [index for index, _ in whole] == list(range(35))
    parts = [(i.index, i.value) for n in range(3) for i in file_items(path, HERE, MOST, part=n, parts=3)]
    assert sorted(parts, key=lambda pair: pair[0]) == whole
    seeds = [found for item in file_items(path, HERE, MOST) for found in convert(item)]
    assert [seed.reason for seed in seeds] == [""] * 35 and seeds[7].draft.apis == ("feed",)


def test_nested_columns_of_parquet_become_plain_values(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hello wren"}, {"role": "assistant", "content": None}]
    row = {"messages": messages, "picture": b"\xff\xd8", "name": b"wren", "map": [("a", 1)]}
    kinds = {"messages": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()}))}
    schema = pa.schema(
        {**kinds, "picture": pa.binary(), "name": pa.binary(), "map": pa.map_(pa.string(), pa.int8())}
    )
    pq.write_table(pa.Table.from_pylist([row], schema), tmp_path / "a.parquet")
    (item,) = file_items(str(tmp_path / "a.parquet"), HERE, MOST)
    assert item.value["messages"] == [messages[0], {"role": "assistant"}]
    assert (item.value["picture"], item.value["name"], item.value["map"]) == (None, "wren", {"a": 1})


def test_parquet_of_long_values_is_read_in_little_memory(tmp_path: Path) -> None:
    text = "x" * (1 << 20)
    pq.write_table(
        pa.table({"content": pa.array([text] * 200).dictionary_encode()}), tmp_path / "long.parquet"
    )
    assert (tmp_path / "long.parquet").stat().st_size < 1 << 20
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    held = 0
    for row in parquet_rows(str(tmp_path / "long.parquet")):
        assert row.value["content"] == text
        held = max(held, pa.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 64 << 20 and peak < 64 << 20  # of 200 MiB


@pytest.mark.parametrize("damage", ["cut", "zeros", "no parquet", "empty"])
def test_damaged_parquet_is_one_row_with_a_reason(tmp_path: Path, damage: str) -> None:
    data = bytearray(Path(parquet(tmp_path / "a.parquet", calls(40))).read_bytes())
    if damage == "cut":
        data = data[:-20]
    elif damage == "zeros":
        data[4:400] = bytes(396)  # the first row group; the footer and the other groups stay
    path = tmp_path / "b.parquet"
    path.write_bytes({"no parquet": b"PAR1 it is not", "empty": b""}.get(damage, bytes(data)))
    found = [found for item in file_items(str(path), HERE, MOST) for found in convert(item)]
    assert [one.reason for one in found if one.reason] == ["malformed"]
    assert len(found) == (31 if damage == "zeros" else 1)


@pytest.mark.parametrize("text", ["[{}]", "{}\n{}", "  [ {} , {} ]\n"])
def test_large_json_is_read_element_by_element(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [json.dumps({**row, "note": 'a [bracket] in "quotes" ' * 2000}) for row in calls(30)]
    body = text.replace("{}", ", ".join(rows) if text.startswith("[{}]") else rows[0], 1).replace(
        "{}", rows[1]
    )
    path = tmp_path / "large.json"
    path.write_text(body)
    monkeypatch.setattr(reading, "STREAMED_BYTES", 100)
    items = list(file_items(str(path), HERE, MOST, size=path.stat().st_size))
    expected = 30 if text.startswith("[{}]") else 2
    assert [item.index for item in items] == list(range(expected))
    assert [found.reason for item in items for found in convert(item)] == [""] * expected


@pytest.mark.parametrize(
    ("text", "whole", "reason"),
    [
        ('[{"a": 1}, {"a": 2}', 2, "malformed"),
        ('[{"a": 1}, {"a": ', 1, "malformed"),
        ('[{"a": 1}, nonsense]', 1, "malformed"),
        ('[{"a": 1}, {"a": "' + "x" * 3000 + '"}]', 1, "too_large"),
        ("[" + "[" * 5000, 0, "malformed"),
        ("[1, 2, 3]", 3, ""),
        ("", 0, ""),
    ],
)
def test_damage_in_large_json_ends_it_with_a_reason(
    tmp_path: Path, text: str, whole: int, reason: str
) -> None:
    (tmp_path / "a.json").write_text(text)
    found = list(json_elements(str(tmp_path / "a.json"), 2000))
    assert [row.reason for row in found] == [""] * whole + ([reason] if reason else [])


def test_a_long_stream_of_json_is_decoded_across_the_edges_of_its_chunks(tmp_path: Path) -> None:
    values = [{"n": n, "text": "wren \u00e4 " * (n % 50) * 40} for n in range(600)]
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(values).encode()))
    assert [row.value for row in json_elements(str(tmp_path / "a.json.gz"), MOST)] == values


def test_plain_lines_of_any_number_are_shared_by_tasks_and_long_ones_passed_over(tmp_path: Path) -> None:
    rows = [json.dumps(row) for row in calls(50)]
    rows[3] = "y" * 5000
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(rows))
    found = [
        (i.index, i.reason) for n in range(4) for i in file_items(str(path), HERE, 2000, part=n, parts=4)
    ]
    assert sorted(found) == [(n, "too_large" if n == 3 else "") for n in range(50)]
    assert [row.position for row in lines(str(path), 2000)] == list(range(50))
