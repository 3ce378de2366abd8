from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.config import build
from corpus.engine.errors import UserError
from corpus.shards.config import SourceConfig
from corpus.shards.sources.document import Place, Rules, document, identity
from corpus.shards.sources.layouts import BY_NAME, LAYOUTS, find
from corpus.shards.sources.read import open_feed, rows, tasks
from tests.shards.sources.support import CORPORA

PLACE = Place("a.jsonl", 0)


def read(path: Path, **keys: Any) -> list[dict[str, Any]]:
    feed = open_feed("mine", str(path), build(SourceConfig, {"path": [str(path)], **keys}), 1 << 20)
    return [row for task in tasks(feed.location) for row in rows(feed, task)]


def test_every_layout_has_an_example() -> None:
    assert set(CORPORA) == set(BY_NAME)


@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_a_corpus_is_told_by_its_fields_and_brought_to_the_columns_of_a_shard(
    tmp_path: Path, name: str, container: str
) -> None:
    record, expected = CORPORA[name]
    path = tmp_path / f"a.{container}"
    if container == "jsonl":
        path.write_text(json.dumps(record) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([_without_empty(record)]), path)
    feed = open_feed("mine", str(path), build(SourceConfig, {"path": [str(path)]}), 1 << 20)
    assert feed.format == name
    (row,) = read(path)
    assert row["reason"] == "" and row["text"] == record.get(
        "text", record.get("raw_content", record.get("content", record.get("code")))
    )
    assert {key: row[key] for key in expected} == expected
    assert len(row["id"]) == 32


def _without_empty(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value != {}}


@pytest.mark.parametrize("name", CORPORA)
def test_an_id_does_not_depend_on_the_name_of_the_source_or_the_file(name: str) -> None:
    record, layout = CORPORA[name][0], BY_NAME[name]
    made = {
        document(record, layout, Rules(source), Place(file, at))["id"]
        for source, file, at in [("a", "x", 0), ("b", "y", 9)]
    }
    other = document({**record, layout.fields["text"][0]: "else"}, layout, Rules("a"), PLACE)["id"]
    assert len(made) == 1
    has_id = any(
        word in record for word in ("id", "doc_id", "hexsha", "blob_id", "warc_headers", "red_pajama_subset")
    )
    assert (other in made) == (has_id and name != "starcoder")  # whose id is a running number


def test_own_hashes_stay_and_ids_of_two_corpora_never_meet() -> None:
    own = "0123456789abcdef" * 2
    assert identity(BY_NAME["plain"], "", own, "", "t") == own
    assert identity(BY_NAME["dolma"], "wiki", "7a", "", "t") != identity(
        BY_NAME["fineweb"], "", "7a", "", "t"
    )
    assert identity(BY_NAME["dolma"], "wiki", "7a", "", "t") != identity(
        BY_NAME["dolma"], "books", "7a", "", "t"
    )
    assert identity(BY_NAME["plain"], "", "7a", "", "t") != identity(BY_NAME["plain"], "", "7a", "", "u")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"text": None}, "no_text"),
        ({}, "no_text"),
        ({"text": 17}, "text_not_string"),
        ({"text": ["a"]}, "text_not_string"),
        ({"text": ""}, "empty"),
        ({"text": " \n\t"}, "empty"),
        ({"text": "x", "licence": "GPL-3.0"}, "licence"),
        ({"text": "x", "licence": ["MIT", "GPL-3.0"]}, "licence"),
        ({"text": "x"}, "licence"),
        ({"text": "x", "licence": ["mit", "CC-BY-4.0"]}, ""),
    ],
)
def test_what_is_not_used_says_why(record: dict[str, Any], reason: str) -> None:
    row = document(record, BY_NAME["plain"], Rules("mine", {}, ("MIT", "cc-by-*")), PLACE)
    assert row["reason"] == reason and len(row["id"]) == 32


def test_documents_without_a_licence_can_be_allowed_by_name_or_given_one() -> None:
    assert (
        document({"text": "x"}, BY_NAME["plain"], Rules("a", {}, ("mit", "unknown")), PLACE)["reason"] == ""
    )
    row = document(
        {"text": "x"}, BY_NAME["plain"], Rules("a", {"licence": "MIT", "kind": "code"}, ("mit",)), PLACE
    )
    assert (row["reason"], row["licence"], row["kind"]) == ("", "MIT", "code")


def test_records_that_name_nothing_are_held_out_by_blocks_of_their_file() -> None:
    places = [
        Place("a", 5),
        Place("a", (1 << 20) - 1),
        Place("a", 1 << 20),
        Place("b", 5),
        Place("b", 300, True),
    ]
    groups = [document({"text": "x"}, BY_NAME["plain"], Rules("m"), place)["group"] for place in places]
    assert groups == ["a#0", "a#0", "a#1", "b#0", "b#1"]


def test_columns_name_what_no_layout_knows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": {"en": "words"}, "link": "https://x.example/1", "n": 1}\n')
    with pytest.raises(UserError, match=r"no column 'text'; its columns are body, link, n.*columns\.text"):
        read(path)
    (row,) = read(path, columns={"text": "body.en", "path": "n"})
    assert (row["text"], row["url"], row["group"]) == ("words", "https://x.example/1", "x.example")
    with pytest.raises(UserError, match="unknown column 'txt'"):
        read(path, columns={"text": "body.en", "txt": "n"})


def test_a_field_that_is_sometimes_a_number_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "id": 1, "url": 5}\n{"text": "b", "id": "x", "url": "u"}\n{"text": 3}\n')
    found = read(path)
    assert [(row["text"], row["reason"], row.get("url")) for row in found] == [
        ("a", "", "5"),
        ("b", "", "u"),
        ("", "text_not_string", None),
    ]


def test_layouts_are_tried_from_the_most_telling_on() -> None:
    for at, layout in enumerate(LAYOUTS):
        earlier = {mark for before in LAYOUTS[:at] for mark in before.marks}
        assert not any(one <= mark for mark in layout.marks for one in earlier), layout.name


def test_a_format_of_conversations_is_refused_for_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n')
    with pytest.raises(UserError, match="format=sharegpt is one of conversations"):
        read(path, format="sharegpt")
    assert find("plain", {"text": "body"}).fields["text"] == ("body",)
