from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from corpus.engine.errors import UserError
from corpus.shards.documents.stage import read_documents
from corpus.shards.sources import locate

pytestmark = pytest.mark.spark


def read(spark: SparkSession, folder: Path, *lines: str) -> list[Row]:
    path = folder / "a.jsonl"
    path.write_text("\n".join(lines))
    return read_documents(spark, {"mine": [locate(str(path))]}).collect()


def test_group_is_host_then_file_then_address_then_document(spark: SparkSession, tmp_path: Path) -> None:
    rows = read(
        spark,
        tmp_path,
        '{"id": "1", "text": "t", "host": "h", "path": "p", "url": "u"}',
        '{"id": "2", "text": "t", "path": "p", "url": "u", "source": "s"}',
        '{"id": "3", "text": "t", "url": "u"}',
        '{"id": "4", "text": "t"}',
    )
    assert {row["id"]: row["group"] for row in rows} == {"1": "h", "2": "s:p", "3": "u", "4": "4"}


def test_documents_that_name_nothing_are_groups_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    rows = read(spark, tmp_path, *[f'{{"text": "document {n}"}}' for n in range(9)])
    assert len({row["group"] for row in rows}) == len({row["id"] for row in rows}) == 9


def test_lines_that_are_no_json_are_rows_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    rows = read(spark, tmp_path, '{"text": "whole"}', '{"text": "cut', "not json at all", '{"text": null}')
    assert sorted((row["text"], row["malformed"]) for row in rows) == [
        ("", False),
        ("", True),
        ("", True),
        ("whole", False),
    ]
    assert len({row["id"] for row in rows}) == 4


def test_file_without_any_json_object_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.jsonl has no column 'text'; none of its lines"):
        read(spark, tmp_path, "plain", "text")
