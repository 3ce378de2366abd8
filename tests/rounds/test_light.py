"""Light pages out of archives, and scores out of a filter's ledger."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from corpus.crawl.inputs.sources import find_archives
from corpus.rounds.scores.light import ledger_batches, light_batches
from tests.rounds.planted import pages, write_crawl


def test_every_response_becomes_a_row_with_text_or_reason(tmp_path: Path) -> None:
    archives = find_archives([write_crawl(tmp_path)])
    found = light_batches(archives, seconds=20, min_words=30)
    rows = {row["url"]: row for batch in found for row in batch.to_pylist()}
    assert set(rows) == {page.url for page in pages()}
    assert {row["reason"] for row in rows.values()} == {""}
    row = rows["https://tool.example/docs/b3.html"]
    assert (row["key"], row["site"]) == ("tool.example/docs/b3.html", "tool.example")
    assert row["title"] == "tool.example/docs/b3.html" and "The command lists each" in row["text"]
    strict = light_batches(archives[:1], seconds=20, min_words=100_000)
    assert {row["reason"] for batch in strict for row in batch.to_pylist()} == {"too_short"}


def test_a_page_that_left_at_the_pre_classifier_counts_as_no_hit() -> None:
    ledger = pa.RecordBatch.from_pylist(
        [
            {"id": "a", "url": "https://www.x.org/a/", "agent_score": 0.9, "warc": "w", "offset": 1},
            {"id": "b", "url": "http://x.org/b", "agent_score": None, "warc": "w", "offset": 2},
            {"id": "c", "url": "no address", "agent_score": 0.4, "warc": "w", "offset": 3},
        ]
    )
    (batch,) = ledger_batches([ledger], 0.5)
    rows = batch.to_pylist()
    assert [(row["key"], row["site"], row["hit"]) for row in rows] == [
        ("x.org/a", "x.org", True),
        ("x.org/b", "x.org", False),
        ("", "", False),
    ]
    assert [round(row["agent_score"], 4) for row in rows] == [0.9, 0.0, 0.4]
