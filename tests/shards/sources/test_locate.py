from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.shards.config import SourceConfig
from corpus.shards.sources import read as reading
from corpus.shards.sources import tabular
from corpus.shards.sources.locate import locate
from corpus.shards.sources.read import open_feed, rows, tasks
from tests.shards.sources.support import save_dictionary, save_to_disk, write_stream

ROWS = [{"text": f"document {n}", "id": n, "label": n % 2} for n in range(7)]


def texts(path: str | Path, **keys: Any) -> list[str]:
    feed = open_feed("mine", str(path), build(SourceConfig, {"path": [str(path)], **keys}), 1 << 20)
    return sorted(
        row["text"] for task in tasks(feed.location) for row in rows(feed, task) if not row["reason"]
    )


ALL = sorted(row["text"] for row in ROWS)


def test_a_saved_data_set_is_read_by_the_files_that_it_lists(tmp_path: Path) -> None:
    folder = save_to_disk(tmp_path / "set", ROWS)
    write_stream(tmp_path / "set" / "data-00000-of-00009.arrow", [{"text": "left over", "id": 9, "label": 0}])
    assert texts(folder) == ALL


def test_what_the_library_saves_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_list(ROWS)
    made.save_to_disk(tmp_path / "set", num_shards=3)
    datasets.DatasetDict(train=made, test=made.select([0])).save_to_disk(tmp_path / "both")
    made.to_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet")
    assert [texts(tmp_path / name) for name in ("set", "both", "hub")] == [ALL] * 3
    assert sorted(datasets.load_from_disk(save_to_disk(tmp_path / "own", ROWS))["text"][:]) == ALL


def test_a_dictionary_gives_the_training_split_and_no_other(tmp_path: Path) -> None:
    other = [{"text": "never train on me", "id": 0, "label": 0}]
    folder = save_dictionary(tmp_path / "both", {"train": ROWS, "test": other})
    assert texts(folder) == ALL
    assert texts(folder, split="test") == ["never train on me"]
    assert len(texts(folder, split="all")) == len(ALL) + 1
    assert locate(folder).split == "train"
    with pytest.raises(UserError, match=r"no split 'tset'.*test"):
        locate(folder, "tset")
    assert texts(save_dictionary(tmp_path / "one", {"default": ROWS})) == ALL


def test_a_folder_of_the_hub_gives_the_split_that_its_file_names_tell(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, part in (
        ("train-00000-of-00002", ROWS[:3]),
        ("train-00001-of-00002", ROWS[3:]),
        ("test-00000-of-00001", [ROWS[0]]),
    ):
        pq.write_table(pa.Table.from_pylist(part), tmp_path / "data" / f"{name}.parquet")
    assert texts(tmp_path) == ALL
    assert texts(tmp_path, split="test") == ["document 0"]
    with pytest.raises(UserError, match="no split 'validation'"):
        texts(tmp_path, split="validation")


def test_the_cache_is_read_without_its_intermediate_results(tmp_path: Path) -> None:
    folder = tmp_path / "org___name" / "default" / "0.0.0" / "abcdef"
    write_stream(folder / "name-train-00000-of-00002.arrow", ROWS[:4])
    write_stream(folder / "name-train-00001-of-00002.arrow", ROWS[4:])
    write_stream(folder / "name-test.arrow", [{"text": "test", "id": 1, "label": 1}])
    write_stream(folder / "cache-0123.arrow", [{"text": "mapped", "id": 1, "label": 1}])
    (folder / "dataset_info.json").write_text("{}")
    assert texts(tmp_path) == ALL


def test_arrow_files_are_read_as_well_as_streams(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    assert texts(tmp_path) == ALL


@pytest.mark.parametrize(
    "state",
    [
        "{",
        '{"_data_files": []}',
        '{"_data_files": [{"filename": "../../x.arrow"}]}',
        '{"_indices_data_files": [1]}',
    ],
)
def test_a_state_that_is_damaged_or_leads_elsewhere_is_refused(tmp_path: Path, state: str) -> None:
    write_stream(tmp_path / "x.arrow", ROWS)
    folder = tmp_path / "set"
    save_to_disk(folder, ROWS)
    (folder / "state.json").write_text(state)
    with pytest.raises(UserError):
        locate(str(folder))


def test_a_split_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    save_to_disk(tmp_path / "secret", ROWS)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"splits": ["../secret"]}))
    with pytest.raises(UserError, match="no split"):
        locate(str(tmp_path / "set"))


def test_large_files_are_read_in_parts_and_no_record_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [{"text": f"document {n:05d} " + "x" * (n % 90)} for n in range(3000)]
    pq.write_table(pa.Table.from_pylist(many), tmp_path / "a.parquet", row_group_size=170, compression="none")
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, many)))
    (tmp_path / "b.jsonl").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    (tmp_path / "c.jsonl").write_text(json.dumps(many, indent=1))
    monkeypatch.setattr(reading, "TASK_BYTES", 10_000)
    for name, several in (("a.parquet", True), ("a.jsonl", True), ("b.jsonl", False), ("c.jsonl", False)):
        assert texts(tmp_path / name) == [row["text"] for row in many], name
        assert (len(tasks(locate(str(tmp_path / name)))) > 3) == several


def test_small_files_share_a_task(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(ROWS[0]))
    groups = reading.grouped(locate(str(tmp_path)))
    assert sum(map(len, groups)) == 200 and 20 < len(groups) < 50


def test_damaged_tables_end_with_a_reason(tmp_path: Path) -> None:
    rows_of = [{"text": f"document {n} " + "é" * 500} for n in range(2000)]
    pq.write_table(
        pa.Table.from_pylist(rows_of),
        tmp_path / "a.parquet",
        row_group_size=500,
        compression="none",
        use_dictionary=False,
    )
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200_000] = b"\xff" * 200_000
    (tmp_path / "a.parquet").write_bytes(data)
    write_stream(tmp_path / "b.arrow", rows_of, 100)
    whole = (tmp_path / "b.arrow").read_bytes()
    (tmp_path / "b.arrow").write_bytes(whole[: len(whole) // 2])
    for name in ("a.parquet", "b.arrow"):
        path = str(tmp_path / name)
        feed = open_feed("m", path, build(SourceConfig, {"path": [path]}), 1 << 20)
        found = [row["reason"] for task in tasks(feed.location) for row in rows(feed, task)]
        assert found[-1] == "damaged" and 400 < found.count("") < 2000, name


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.parquet": b"x", "a.jsonl": b"{}"}, "mixes json and parquet files"),
        ({"a.parquet": b"no Parquet"}, "cannot read .*a.parquet as Parquet"),
        ({"a.arrow": b"no Arrow"}, "cannot read .*a.arrow as Arrow"),
        ({"cache-1.arrow": b""}, "only files beside data sets"),
        ({"a.txt": b""}, "matches no file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, files: dict[str, bytes], sentence: str) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=sentence):
        locate(str(tmp_path))


def test_the_manifest_says_format_and_split(tmp_path: Path) -> None:
    path = save_dictionary(
        tmp_path / "set", {"train": [{"text": "a", "url": "u", "timestamp": "t"}], "test": ROWS}
    )
    feed = open_feed("web", path, build(SourceConfig, {"path": [path]}), 1 << 20)
    (entry,) = feed.inputs
    assert (entry["as"], entry["format"], entry["split"]) == ("web", "c4", "train")


@pytest.mark.parametrize("dictionary", [0, 4, None])
def test_a_group_whose_dictionary_has_no_place_belongs_to_one_task(dictionary: int | None) -> None:
    first = SimpleNamespace(
        has_dictionary_page=dictionary is not None, dictionary_page_offset=dictionary, data_page_offset=150
    )
    group = SimpleNamespace(num_columns=1, column=lambda _: first)
    cuts = [(0, 64), (64, 128), (128, -1)]
    assert sum(tabular._begins_in(group, start, stop) for start, stop in cuts) == 1
