"""Labels of a site and verdicts on a page become one label for each address, and nobody's word gets lost."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.engine.errors import UserError
from corpus.relevance.labels import AGENT, AMBIGUOUS, GENERAL, STUB, merge, read_file, read_labels

SITES = "url,label,origin,genre,lang\nhttps://a.org/1,positive,a-docs,sdk-docs,en-us\nhttps://a.org/2,negative,a-docs,forum,fr\nhttps://b.org/1,ambiguous,,,\n"
READ = "url,verdict,confidence\nhttps://a.org/1,stub,high\nhttps://a.org/2,yes,low\nhttps://c.org/1,no,high\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "sites.csv").write_text(SITES)
    (tmp_path / "read.csv").write_text(READ)
    return str(tmp_path / "sites.csv"), str(tmp_path / "read.csv")


@pytest.mark.parametrize("turned", [False, True])
def test_a_verdict_goes_before_the_label_of_a_site_in_any_order(files: tuple[str, str], turned: bool) -> None:
    found = read_labels(files[::-1] if turned else files)
    assert {url: label.label for url, label in found.items()} == {
        "https://a.org/1": STUB,
        "https://a.org/2": AGENT,
        "https://b.org/1": AMBIGUOUS,
        "https://c.org/1": GENERAL,
    }
    one, other = found["https://a.org/1"], found["https://b.org/1"]
    assert (one.read, one.by_site, one.site, one.genre, one.given_by) == (
        True,
        AGENT,
        "a-docs",
        "sdk-docs",
        "file:read.csv",
    )
    assert (other.read, other.site, other.given_by) == (False, "b.org", "file:sites.csv")


def test_the_later_of_two_like_words_counts_and_conflicts_are_counted(tmp_path: Path) -> None:
    for name, label in (("one", "positive"), ("two", "negative")):
        (tmp_path / f"{name}.csv").write_text(f"url,label\nhttps://a.org/,{label}\nhttps://b.org/,positive\n")
    found, conflicts = merge([read_file(str(tmp_path / f"{name}.csv")) for name in ("one", "two")])
    assert found["https://a.org/"].label == GENERAL and found["https://b.org/"].label == AGENT
    assert conflicts == 1


def test_a_verdict_against_a_site_is_no_conflict(files: tuple[str, str]) -> None:
    assert merge([read_file(path) for path in files])[1] == 0


def test_parquet_says_the_same_and_who_gave_a_label_is_kept(tmp_path: Path) -> None:
    columns = {
        "url": ["https://a.org/1", "https://a.org/2", "https://a.org/3"],
        "label": ["positive", "negative", "unlabelled"],
        "verdict": ["yes", None, None],
        "given_by": ["endpoint:judge", "rule:somebody", "random:crawl"],
        "mixed": [False, True, False],
    }
    pq.write_table(pa.table(columns), tmp_path / "labels.parquet")
    found = read_labels(str(tmp_path / "labels.parquet"))
    assert set(found) == {"https://a.org/1", "https://a.org/2"}  # the third says nothing
    assert found["https://a.org/1"].read and found["https://a.org/1"].given_by == "endpoint:judge"
    assert not found["https://a.org/2"].read and found["https://a.org/2"].mixed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("url,label\nhttps://x.org/,maybe\n", "'maybe'"),
        ("url,verdict\nhttps://x.org/,perhaps\n", "'perhaps'"),
        ("url\nhttps://x.org/\n", "no column 'label'"),
        ("label\npositive\n", "no column 'url'"),
    ],
)
def test_what_is_no_labels_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UserError, match=said):
        read_labels(str(tmp_path / "labels.csv"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_labels([str(tmp_path / "none.csv")])
