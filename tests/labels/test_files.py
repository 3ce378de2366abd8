"""Labels files in Parquet and CSV say the same, and what cannot be read is named with its value."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.errors import UserError
from corpus.labels.files import giver_of, read
from corpus.labels.votes import NEGATIVE, POSITIVE, Vote

ROWS = {
    "url": ["https://a.org/1", "https://a.org/2", "https://b.org/1"],
    "verdict": ["yes", "stub", ""],
    "label": ["positive", "", "negative"],
    "confidence": ["high", "0.5", ""],
    "kind": ["reference", "index", ""],
    "origin": ["a-docs", "", "b"],
}


def write(folder: Path, name: str) -> str:
    path = folder / name
    if name.endswith(".csv"):
        lines = [",".join(ROWS), *(",".join(row) for row in zip(*ROWS.values()))]
        path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    else:
        pq.write_table(pa.table(ROWS), path)
    return str(path)


@pytest.mark.parametrize("name", ["read.csv", "read.parquet"])
def test_a_row_gives_label_verdict_kind_confidence_and_site(tmp_path: Path, name: str) -> None:
    found = read(write(tmp_path, name))
    giver = f"file:{name}"
    assert found["https://a.org/1"] == Vote(giver, POSITIVE, "yes", "reference", 0.95, None, "a-docs")
    assert found["https://a.org/2"] == Vote(giver, NEGATIVE, "stub", "index", 0.5, None, None)
    assert found["https://b.org/1"] == Vote(giver, NEGATIVE, None, None, None, None, "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("url,label\nhttps://a.org/,maybe\n", "'maybe' of https://a.org/"),
        ("address,label\nx,positive\n", "needs the columns url"),
        ("url,kind\nx,y\n", "label or verdict"),
        ("url,verdict,confidence\nhttps://a.org/,yes,1.5\n", "confidence '1.5'"),
    ],
)
def test_what_a_file_cannot_mean_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        read(str(tmp_path / "labels.csv"))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "labels.csv").write_bytes(b"url,label\n\xff\xfe,positive")
    for name in ("labels.parquet", "labels.csv"):
        with pytest.raises(UserError, match=name):
            read(str(tmp_path / name))


def test_a_giver_is_named_by_the_last_part_of_its_path() -> None:
    assert giver_of("s3://key:secret@bucket/more/labels.csv?x=1") == "file:labels.csv"


def test_pages_read_one_by_one_are_read(shared_data: Path) -> None:
    found = read(str(shared_data / "web" / "audited.csv"))
    assert len(found) > 700
    assert {vote.verdict for vote in found.values()} == {"yes", "no", "stub"}
