from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.shards.sources.lines import Record, is_objects, read_json, read_lines, read_objects
from corpus.shards.sources.streams import is_compressed

PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gz": lambda data: gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :]),
    "zst": lambda data: (
        zstandard.compress(data[: len(data) // 3])
        + b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
        + zstandard.compress(data[len(data) // 3 :])
    ),
}


def write(folder: Path, data: bytes, name: str = "a.jsonl") -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


def reasons(records: list[Record]) -> list[str]:
    return [record.reason for record in records]


@pytest.mark.parametrize("packed", PACK)
def test_every_line_is_a_record_at_its_offset(tmp_path: Path, packed: str) -> None:
    lines = [json.dumps({"n": n, "text": "x" * (n * 37 % 500)}).encode() for n in range(4000)]
    data = b"\n".join(lines)
    path = write(tmp_path, PACK[packed](data))
    records = list(read_lines(path))
    assert [record.value["n"] for record in records if record.value] == list(range(4000))
    assert all(data[record.offset :].startswith(line) for record, line in zip(records, lines))
    assert is_compressed(path) == (packed != "plain")


@given(
    st.lists(
        st.sampled_from([b"", b"  ", b'{"a": 1}', b'{"a": "\xc3\xa9\xc3\xa9"}', b"no", b'{"b": [1,2]}']),
        max_size=20,
    ),
    st.booleans(),
    st.lists(st.integers(0, 300), max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_ranges_of_bytes_give_each_record_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ends: bool, cuts: list[int]
) -> None:
    path = write(tmp_path_factory.mktemp("ranges"), b"\n".join(lines) + (b"\n" if ends else b""))
    edges = [0, *sorted(set(cuts) - {0}), -1]
    parts = [record for start, stop in pairwise(edges) for record in read_lines(path, start, stop)]
    assert parts == list(read_lines(path))


def test_what_is_no_record_has_a_reason(tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"text": "first"}',
        b'{"text": "cut',
        b"[1, 2]",
        b"17",
        b'{"text": "\xff"}',
        b'{"text": "' + b"y" * 5000 + b'"}',
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"text": 1' + b"0" * 4400 + b"}",
        b'{"text": "last"}',
    ]
    records = list(read_lines(write(tmp_path, b"\n".join(lines)), most=4900))
    assert reasons(records)[:6] == ["", "malformed", "malformed", "malformed", "not_utf8", "too_large"]
    assert reasons(records)[-2:] == ["malformed", ""]
    assert len(records) == len(lines)


def test_lone_surrogates_are_replaced_and_pairs_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"text": "a\\ud800b \\ud83d\\ude00", "k\\udfff": ["\\udc00"]}')
    assert next(read_lines(path)).value == {"text": "a\ufffdb \U0001f600", "k\ufffd": ["\ufffd"]}


@pytest.mark.parametrize("packed", ["gz", "zst"])
def test_a_cut_stream_ends_with_a_reason_and_loses_only_what_is_cut(tmp_path: Path, packed: str) -> None:
    data = b"".join(json.dumps({"n": n, "text": str(hash_of(n))}).encode() + b"\n" for n in range(20_000))
    whole = gzip.compress(data) if packed == "gz" else zstandard.compress(data)
    records = list(read_lines(write(tmp_path, whole[: len(whole) // 2])))
    assert records[-1].reason == "damaged"
    assert len(records) > 5000 and not any(reasons(records)[:-1])


def hash_of(number: int) -> int:
    return number * 2654435761 % 2**32


def test_a_window_beyond_the_cap_is_refused_by_name(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = stream.compress(b'{"text": "x"}\n') + stream.flush()
    assert reasons(list(read_lines(write(tmp_path, packed)))) == ["zstd_window"]


@pytest.mark.parametrize("packed", ["gz", "zst"])
def test_a_bomb_is_read_in_bounded_memory(tmp_path: Path, packed: str) -> None:
    bomb = b" " * (400 << 20)
    path = write(tmp_path, gzip.compress(bomb, 1) if packed == "gz" else zstandard.compress(bomb))
    del bomb
    tracemalloc.start()
    try:
        records = list(read_lines(path, most=1 << 20))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reasons(records) == ["too_large"]
    assert peak < 100 << 20


@pytest.mark.parametrize(
    "text",
    [
        '[{"n": 0}, {"n": 1, "t": "a } \\" { b"},\n{"n": 2, "in": {"x": [1, {}]}}]',
        '{\n  "n": 0\n}\n{\n "n": 1}\n{"n": 2}',
        '\ufeff[\n  {"n": 0},\n  {"n": 1},\n  {"n": 2}\n]\n',
    ],
)
@pytest.mark.parametrize("packed", PACK)
def test_arrays_and_objects_over_several_lines_are_read(tmp_path: Path, text: str, packed: str) -> None:
    path = write(tmp_path, PACK[packed](text.encode()))
    assert is_objects(path)
    records = list(read_json(path))
    assert [record.value["n"] for record in records if record.value] == [0, 1, 2]
    assert all(text.encode()[record.offset :].startswith(b"{") for record in records)


def test_what_stands_between_objects_is_not_lost_silently(tmp_path: Path) -> None:
    path = write(tmp_path, b'[{"n": 0}, 17, {"n": 1}, {"n": ')
    assert reasons(list(read_objects(path))) == ["", "malformed", "", "malformed"]
    assert reasons(list(read_objects(write(tmp_path, b'[{"n": "' + b"x" * 4000), most=1000))) == ["too_large"]


def test_a_large_array_is_read_across_its_chunks(tmp_path: Path) -> None:
    items = [{"n": n, "text": "\\" * (n % 5) + '"{' * (n % 3) + "é" * (n * 7 % 3000)} for n in range(2000)]
    path = write(tmp_path, json.dumps(items, ensure_ascii=False).encode())
    assert [record.value for record in read_json(path)] == items


def test_a_broken_first_line_does_not_make_a_file_of_lines_anything_else(tmp_path: Path) -> None:
    path = write(tmp_path, b'{"text": "cut\n{"text": "a"}\n{"text": "b"}\n')
    assert not is_objects(path)
    assert reasons(list(read_json(path))) == ["malformed", "", ""]


@pytest.mark.parametrize("data", [b"", b"\n\n", gzip.compress(b"")])
def test_an_empty_file_has_no_records(tmp_path: Path, data: bytes) -> None:
    assert list(read_json(write(tmp_path, data))) == []
