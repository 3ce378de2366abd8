"""What a shard set must be before a trainer reads it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from corpus.engine.errors import UserError
from tests.training.support import documents, write_shards, write_source
from training.data.shards import open_set


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return write_shards(tmp_path / "shards")


@pytest.mark.parametrize("sign", ["manifest.json", "_claim", "ledger"])
def test_the_shards_of_an_unfinished_stage_are_refused(tmp_path: Path, sign: str) -> None:
    write_source(tmp_path / "stage1" / "agent", documents(5, 1))
    (tmp_path / sign).touch()
    with pytest.raises(UserError, match=r"no finished shard stage: it has no _SUCCESS"):
        open_set(str(tmp_path / "stage1"))


def test_shards_that_no_stage_wrote_are_taken_as_they_are(tmp_path: Path) -> None:
    write_source(tmp_path / "stage1" / "agent", documents(5, 1))
    assert open_set(str(tmp_path / "stage1")).names == ["agent"]


def test_a_file_that_the_manifest_lists_must_be_there(fresh: Path) -> None:
    (fresh / "agent" / "part-00001.parquet").unlink()
    with pytest.raises(UserError, match=r"agent/part-00001\.parquet is missing"):
        open_set(str(fresh))


def test_a_file_that_the_manifest_does_not_list_is_refused(fresh: Path) -> None:
    shutil.copy(fresh / "agent" / "part-00001.parquet", fresh / "agent" / "part-00002.parquet")
    with pytest.raises(UserError, match=r"agent/part-00002\.parquet is not listed"):
        open_set(str(fresh))


def test_a_file_of_another_size_is_refused(fresh: Path) -> None:
    with open(fresh / "code" / "part-00000.parquet", "ab") as stream:
        stream.write(b"x")
    with pytest.raises(UserError, match=r"code/part-00000\.parquet is changed"):
        open_set(str(fresh))


def test_a_source_without_weight_is_checked_as_well(fresh: Path) -> None:
    (fresh / "code" / "part-00000.parquet").unlink()
    with pytest.raises(UserError, match="is missing"):
        open_set(str(fresh), {"code": 0.0})


def test_a_damaged_manifest_is_named(fresh: Path) -> None:
    (fresh.parent / "manifest.json").write_text(json.dumps({"tables": {"stage1/agent": [{"path": "x"}]}}))
    with pytest.raises(UserError, match=r"manifest\.json is damaged"):
        open_set(str(fresh))


def test_the_set_is_found_from_inside_its_folder(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fresh)
    assert [(s.name, s.weight) for s in open_set(".").sources] == [("agent", 1.0), ("code", 2.0)]
