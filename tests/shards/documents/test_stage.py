from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row, SparkSession

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.shards.config import SourceConfig
from corpus.shards.documents.stage import read_documents
from corpus.shards.sources.read import Feed, open_feed

pytestmark = pytest.mark.spark
LINES = [
    {"text": "good", "score": 0.9, "meta": {"lang": "en"}, "stars": 1},
    {"text": "bad", "score": 0.1, "meta": {"lang": "en"}, "stars": 2},
    {"text": "German", "score": 0.9, "meta": {"lang": "de"}, "stars": 3},
    {"text": "number as text", "score": "0.95", "meta": {"lang": "en"}},
    {"text": "no number", "score": "high", "meta": "gone"},
    {"text": None, "score": 0.9, "meta": {"lang": "en"}},
]


def feed(path: Path, **keys: Any) -> Feed:
    return open_feed("mine", str(path), build(SourceConfig, {"path": [str(path)], **keys}), 1 << 20)


def read(spark: SparkSession, *feeds: Feed) -> list[Row]:
    return read_documents(spark, feeds).collect()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sources")
    (path / "a.jsonl").write_text("\n".join([*map(json.dumps, LINES), '{"text": "cut']))
    pq.write_table(
        pa.Table.from_pylist(
            [{**line, "score": float(n), "meta": {"lang": "en"}} for n, line in enumerate(LINES)]
        ),
        path / "b.parquet",
    )
    return path


def test_a_condition_on_own_columns_says_what_it_left_out(spark: SparkSession, folder: Path) -> None:
    rows = read(
        spark,
        feed(folder / "a.jsonl", where="score > 0.5 and meta.lang = 'en'"),
        feed(folder / "b.parquet", where="score >= 2 and stars is not null"),
    )
    of_file = {
        name: [(row["reason"], row["text"]) for row in rows if row["file"] == name]
        for name in ("a.jsonl", "b.parquet")
    }
    assert of_file["a.jsonl"] == [
        ("", "good"),
        ("filtered", ""),
        ("filtered", ""),
        ("", "number as text"),
        ("filtered", ""),
        ("no_text", ""),
        ("malformed", ""),
    ]
    assert [reason for reason, _ in of_file["b.parquet"]] == [
        "filtered",
        "filtered",
        "",
        "filtered",
        "filtered",
        "no_text",
    ]
    assert len({row["record"] for row in rows}) == len(rows) > len({row["id"] for row in rows})
    assert {row["mix"] for row in rows} == {"mine"}


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("scor > 1", "no condition on the columns of the source \\(meta, score, stars, text\\)"),
        ("score >", "no condition on the columns"),
        ("stars + 1", "gives a bigint, not true or false"),
    ],
)
def test_a_condition_that_is_none_is_a_sentence(
    spark: SparkSession, folder: Path, where: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        read_documents(spark, [feed(folder / "a.jsonl", where=where)])


def test_conversations_and_documents_are_rows_of_one_frame(
    spark: SparkSession, folder: Path, tmp_path: Path
) -> None:
    record = {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]}
    (tmp_path / "c.json").write_text(json.dumps([record, {"conversations": []}]))
    rows = read(spark, feed(tmp_path / "c.json", set="sft"), feed(folder / "a.jsonl"))
    talks = [row for row in rows if row["file"] == "c.json"]
    assert [row["reason"] for row in talks] == ["", "no_conversation"]
    assert [(one["role"], one["content"]) for one in talks[0]["messages"]] == [
        ("user", "hi"),
        ("assistant", "ho"),
    ]
    assert talks[0]["text"] == "user:\nhi\n\nassistant:\nho"
    assert all(row["messages"] is None for row in rows if row["file"] == "a.jsonl")


def test_equal_names_in_several_folders_of_a_source_are_different_records(
    spark: SparkSession, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pq.write_table(
            pa.table({"text": [f"{name} {n}" for n in range(3)]}), tmp_path / name / "part-0.parquet"
        )
    paths = [str(tmp_path / name) for name in ("a", "b")]
    source = build(SourceConfig, {"path": paths})
    rows = read(spark, *(open_feed("mine", path, source, 1 << 20, n) for n, path in enumerate(paths)))
    assert len({row["record"] for row in rows}) == len(rows) == 6
