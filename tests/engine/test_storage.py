"""Paths on any store, and files: a write is seen whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.engine.inputs import expand


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("s3://key:secret@bucket/a/b.gz?region=x", "s3://bucket/a/b.gz"),
        ("https://u:p@h:8080/a?X-Signature=1#f", "https://h:8080/a"),
        ("/local/a?b#c@d", "/local/a?b#c@d"),
    ],
)
def test_redact_takes_away_user_password_and_query(path: str, shown: str) -> None:
    assert storage.redact(path) == shown


@pytest.mark.parametrize(
    ("original", "inner", "whole"),
    [
        ("s3://bucket/a/*.gz", "bucket/a/x.gz", "s3://bucket/a/x.gz"),
        ("s3a://k:s@bucket/a", "bucket/a/x y.gz", "s3a://k:s@bucket/a/x%20y.gz"),
        ("hdfs://name:8020/a", "/a/x.gz", "hdfs://name:8020/a/x.gz"),
        ("file:///a", "/a/x.gz", "file:///a/x.gz"),
        ("/a", "/a/x y.gz", "/a/x y.gz"),
        ("s3://bucket/a?region=eu-west-1", "bucket/a/x.gz", "s3://bucket/a/x.gz?region=eu-west-1"),
    ],
)
def test_a_path_that_was_found_can_be_opened_again(original: str, inner: str, whole: str) -> None:
    assert storage.with_scheme(original, inner) == whole


def test_a_store_that_nobody_knows_is_one_sentence() -> None:
    with pytest.raises(UserError, match="cannot open what://host/x: "):
        storage.resolve("what://user:secret@host/x")


@pytest.mark.skipif("HADOOP_HOME" in os.environ, reason="there is a Hadoop client")
@pytest.mark.parametrize("path", ["hdfs://name:8020/crawl/a.warc.gz", "viewfs://cluster/a.warc.gz"])
def test_hdfs_without_its_library_is_one_sentence_with_the_way_out(path: str) -> None:
    with pytest.raises(UserError) as caught:
        expand([path])
    said = str(caught.value)
    assert said.startswith(f"cannot open {path}: HDFS is read through libhdfs, which is not there (")
    assert "HADOOP_HOME" in said and "\n" not in said


def test_paths_for_other_processes_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.absolute("out/") == f"{tmp_path}/out"
    assert storage.absolute("s3://b/out/") == "s3://b/out"
    assert storage.absolute("/") == "/"
    assert storage.spark_path("s3://b/x") == "s3a://b/x"


def test_a_write_is_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.json"
    storage.write_bytes(str(target), b"one")
    storage.write_bytes(str(target), b"two")
    assert target.read_bytes() == b"two"
    assert [p.name for p in target.parent.iterdir()] == ["file.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "file.json"
    storage.write_bytes(str(target), b"one")
    with pytest.raises(TypeError):
        storage.write_bytes(str(target), "not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["file.json"]


def test_temporary_names_are_hidden_lie_beside_their_target_and_never_repeat() -> None:
    made = {storage.temporary_name("s3://b/t/part-0.parquet") for _ in range(50)}
    assert len(made) == 50
    assert all(name.startswith("s3://b/t/_tmp-part-0.parquet.") for name in made)


def test_clear_empties_a_folder_and_keeps_it_and_remove_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / "full"
    for name in ("a", ".hidden", "_work/b", "sub/deep/c"):
        storage.write_bytes(str(folder / name), b"x")
    storage.clear(str(folder))
    assert list(folder.iterdir()) == []
    storage.remove(str(folder))
    storage.remove(str(folder))
    storage.clear(str(folder))
    assert not storage.exists(str(folder))
