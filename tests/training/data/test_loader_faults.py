"""Damaged shards are named with file and row; caps on repetition hold to the row; a batch knows where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.engine.errors import DataError, UserError
from tests.training.support import EOS, documents, finish_stage, write_shards, write_source
from training.data.loader import Loader, LoaderState
from training.data.mixing import check_caps, quota, row_caps
from training.data.shards import open_set
from training.data.tokens import Tokenizer

PLAIN = Tokenizer(None, None, EOS, None)


def loader(folder: Path, **keys: object) -> Loader:
    values: dict[str, object] = {"rows": 8, "length": 32, "seed": 5, "vocabulary": 97, **keys}
    return Loader(open_set(str(folder)), PLAIN, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("bad", [97, -1, 2**31 - 1])
def test_an_id_outside_the_vocabulary_is_named_with_its_row(tmp_path: Path, bad: int, workers: int) -> None:
    docs = documents(50, 1)
    docs[37][2] = bad
    write_source(tmp_path / "only", docs, group=10)
    with loader(tmp_path, workers=workers) as batches, pytest.raises(DataError) as raised:
        for _ in range(100):
            batches.next()
    assert f"part-00000.parquet row 37 holds the token id {bad}," in str(raised.value)


def test_ids_that_need_more_than_32_bits_and_missing_ones_are_refused(tmp_path: Path) -> None:
    for name, ids, kind in (("wide", [2**40 + 5, EOS], pa.int64()), ("gap", [None, EOS], pa.int32())):
        (tmp_path / name / "only").mkdir(parents=True)
        table = pa.table({"input_ids": pa.array([[4, EOS], ids], pa.list_(kind))})
        pq.write_table(table, tmp_path / name / "only" / "a.parquet")
        with pytest.raises(DataError, match=r"a\.parquet row 1 holds the token id -1"):
            loader(tmp_path / name).next()


def test_a_flipped_byte_is_named_with_its_file(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "shards")
    file = folder / "agent" / "part-00001.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 4
    file.write_bytes(data)
    with loader(folder) as batches, pytest.raises(DataError, match=r"part-00001\.parquet is damaged"):
        for _ in range(50):
            batches.next()


def test_a_flipped_byte_without_a_manifest_is_named_with_the_rows_that_it_lies_in(tmp_path: Path) -> None:
    write_source(tmp_path / "only", documents(400, 1), group=100)
    file = tmp_path / "only" / "part-00000.parquet"
    column = pq.ParquetFile(file).metadata.row_group(2).column(3)
    data = bytearray(file.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 20] = bytes(20)
    file.write_bytes(data)
    with loader(tmp_path) as batches, pytest.raises(DataError) as raised:
        for _ in range(200):
            batches.next()
    assert "part-00000.parquet row group 2 (rows 200-299) cannot be read" in str(raised.value)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def text_for_ids(file: Path) -> None:
    pq.write_table(pa.table({"input_ids": pa.array([["a", "b"]])}), file)


@pytest.mark.parametrize(
    ("damage", "words"),
    [(cut, "no readable Parquet file"), (text_for_ids, r"of type list<.*: string>; write it as list<int32>")],
)
def test_files_that_are_cut_or_of_another_schema_are_named(
    tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    write_source(tmp_path / "only", documents(20, 1))
    file = tmp_path / "only" / "part-00000.parquet"
    damage(file)
    with pytest.raises((UserError, DataError), match=words) as raised:
        loader(tmp_path).next()
    assert str(file) in str(raised.value)


def test_a_file_that_changes_while_it_is_read_is_an_error_and_not_other_data(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "shards")
    batches = loader(folder)
    write_source(folder / "code", documents(150, 9), group=64)
    with pytest.raises(DataError, match="is damaged"):
        batches.next()


def test_sources_with_empty_documents_and_row_groups_of_nothing_else_are_read(tmp_path: Path) -> None:
    write_source(tmp_path / "only", [[], [], [], [7, EOS], [], [], [], []], group=2)
    write_source(tmp_path / "other", documents(40, 2), files=3)
    pq.write_table(
        pq.read_table(tmp_path / "other" / "part-00000.parquet").slice(0, 0), tmp_path / "other" / "z.parquet"
    )
    batches = loader(tmp_path)
    for _ in range(6):
        batch = batches.next()
        mine = batch.ids[batch.sources == 0]
        assert set(mine.ravel().tolist()) == {7, EOS}


def test_a_source_without_rows_is_answered_with_the_way_out(tmp_path: Path) -> None:
    write_source(tmp_path / "none", [])
    write_source(tmp_path / "some", documents(4, 1))
    with pytest.raises(UserError, match=r"leave it out with weights\.none=0"):
        open_set(str(tmp_path))
    assert open_set(str(tmp_path), {"none": 0.0}).names == ["some"]


def test_a_row_says_which_documents_it_holds(shards: Path) -> None:
    found = {
        s.name: {f.name: pq.read_table(f.path)["input_ids"].to_pylist() for f in s.files}
        for s in open_set(str(shards)).sources
    }
    batches = loader(shards, workers=1)
    for _ in range(4):
        batch = batches.next()
        for row in range(8):
            origin = batch.origin(row)
            documents_of_row = [found[origin.source][file][r] for file, rows in origin.parts for r in rows]
            inside = Counter(token for document in documents_of_row for token in document)
            assert not Counter(batch.ids[row].tolist()) - inside
            assert str(origin).startswith(f"source '{origin.source}': {origin.source}/part-0000")
    batches.close()


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.integers(1, 50), min_size=2, max_size=5),
    caps=st.lists(st.none() | st.integers(0, 60), min_size=5, max_size=5),
    rows=st.integers(1, 24),
)
def test_caps_hold_and_the_open_sources_stay_within_a_row_of_their_shares(
    weights: list[int], caps: list[int | None], rows: int
) -> None:
    caps = caps[: len(weights)]
    counts = np.zeros(len(weights), np.int64)
    for _ in range(12):
        if None not in caps and counts.sum() + rows > sum(cap or 0 for cap in caps):
            with pytest.raises(UserError, match="as often as repeat"):
                quota(weights, counts, rows, caps)
            return
        counts += np.array(quota(weights, counts, rows, caps))
        open_ = [s for s, cap in enumerate(caps) if cap is None or counts[s] < cap]
        assert all(cap is None or counts[s] <= cap for s, cap in enumerate(caps))
        total, given = sum(weights[s] for s in open_), sum(int(counts[s]) for s in open_)
        assert all(abs(counts[s] * total - weights[s] * given) <= 2 * total for s in open_)


def test_a_source_at_its_cap_hands_its_share_on_in_proportion(tmp_path: Path) -> None:
    for name, count in (("a", 100), ("b", 100), ("few", 10)):
        write_source(tmp_path / name, documents(count, 1))
    shards = open_set(str(tmp_path), {"a": 1.0, "b": 3.0, "few": 4.0})
    (few,) = (s.tokens for s in shards.sources if s.name == "few")
    caps = row_caps(shards, {"few": 2.0}, 32)
    assert few and caps == [None, None, int(2 * few) // 32]
    batches = Loader(shards, PLAIN, rows=8, length=32, seed=1, repeat={"few": 2.0})
    for _ in range(40):
        counts = batches.next().state.counts
        assert counts[2] <= int(2 * few) // 32
        assert abs(3 * counts[0] - counts[1]) <= 4
    assert counts[2] == int(2 * few) // 32


def test_a_run_that_the_caps_do_not_feed_is_refused_before_it_begins(tmp_path: Path) -> None:
    write_source(tmp_path / "a", documents(20, 1))
    shards = open_set(str(tmp_path))
    with pytest.raises(UserError, match=r"raise repeat for one of a, or lower tokens"):
        check_caps(shards, row_caps(shards, {"a": 1.0}, 32), 1000)
    with pytest.raises(UserError, match="did you mean 'a'"):
        row_caps(shards, {"aa": 1.0}, 32)


def test_a_cap_needs_counted_tokens(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    pq.write_table(pa.table({"text": ["some words"]}), tmp_path / "a" / "x.parquet")
    with pytest.raises(UserError, match=r"repeat\.a cannot be kept"):
        row_caps(open_set(str(tmp_path)), {"a": 1.0}, 32)


def test_a_state_of_another_version_is_refused() -> None:
    state = LoaderState.start(1, 2).to_json()
    with pytest.raises(UserError, match="written by another version"):
        LoaderState.from_json({**state, "format": 1})


def test_files_of_two_kinds_in_one_source_are_refused(tmp_path: Path) -> None:
    write_source(tmp_path / "only", documents(4, 1))
    pq.write_table(pa.table({"text": ["some words"]}), tmp_path / "only" / "z.parquet")
    with pytest.raises(UserError, match="mixes files of ids and text"):
        open_set(str(tmp_path))


def test_waiting_is_counted(shards: Path) -> None:
    with loader(shards) as batches:
        assert batches.waited == 0.0
        batches.next()
        first = batches.waited
        batches.next()
        assert 0.0 < first < batches.waited


def test_the_manifest_of_a_stage_that_lists_hashes_is_believed(tmp_path: Path) -> None:
    write_source(tmp_path / "stage1" / "only", documents(30, 1))
    finish_stage(tmp_path, {"sets": {}})
    assert all(file.sha256 for file in open_set(str(tmp_path / "stage1")).sources[0].files)
    assert loader(tmp_path / "stage1").next().ids.shape == (8, 32)
