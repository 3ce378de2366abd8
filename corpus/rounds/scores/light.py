"""Archives to light pages, and light pages to scores. Plain Arrow, no Spark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from resiliparse.parse.html import HTMLTree

from corpus.crawl.cascade import batches, precheck
from corpus.crawl.charset import clean, decode
from corpus.crawl.child import Work
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.light import light_text
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.steps import is_short
from corpus.crawl.warc.records import Record
from corpus.dedup.address import normalise_url
from corpus.engine.tables import LIGHT, SCORED
from corpus.harvest.address import site_of
from corpus.relevance.model import AgentClassifier

READ = "corpus.rounds.scores.light:read_in_child"
UNREADABLE = "unreadable"  # no page: an archive that its store does not give; its `url` is the sentence why
MOST_TEXT, MOST_TITLE = 100_000, 300  # characters
LIGHT_ROWS = pa.schema([*LIGHT.schema, pa.field("reason", pa.string())])


def light_batches(archives: Iterable[Archive], *, seconds: float, min_words: int) -> Iterator[pa.RecordBatch]:
    """LIGHT_ROWS of all response records; nothing raises for a page or for an archive."""
    with Sandbox(READ, {"min_words": min_words}, seconds=seconds) as sandbox:
        for archive in archives:
            try:
                found = (r for r in read_archive(archive) if isinstance(r, Record) and r.type == "response")
                for batch in batches(found):
                    yield pa.RecordBatch.from_pylist(_rows(batch, sandbox), schema=LIGHT_ROWS)
            except ArchiveError as error:
                row = {"id": archive.name, "url": str(error), "warc": archive.name, "reason": UNREADABLE}
                yield pa.RecordBatch.from_pylist([row], schema=LIGHT_ROWS)


def _rows(records: list[Record], sandbox: Sandbox) -> list[dict[str, Any]]:
    rows = [
        {"id": r.id, "url": r.url, **address(r.url), "warc": r.archive, "offset": r.offset} for r in records
    ]
    waiting: list[int] = []
    for number, (row, record) in enumerate(zip(rows, records)):
        row["reason"] = precheck(record) or ("" if row["key"] else "no_address")
        if not row["reason"]:
            waiting.append(number)
    answers = sandbox.map([({"charset": records[n].charset}, records[n].payload) for n in waiting])
    for number, answer in zip(waiting, answers, strict=True):
        reason = answer.reason or str(answer.fields["why"])
        title = "" if answer.reason else answer.fields["title"]
        rows[number].update(reason=reason, title=title, text=answer.text)
    return rows


def read_in_child(setup: dict[str, Any]) -> Work:
    """The child's side: a page's bytes to title and light text, or `why` there is none."""
    min_words = int(setup["min_words"])

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            html, _ = decode(body, fields["charset"])
        except UnicodeError:
            return {"why": "undecodable", "title": ""}, b""
        text = clean(light_text(html))
        title = clean(" ".join(str(HTMLTree.parse(html).title or "").split()))[:MOST_TITLE]
        why = "empty" if not text.strip() else "too_short" if is_short(text, min_words) else ""
        return {"why": why, "title": title}, text[:MOST_TEXT].encode("utf-8", "replace")

    return work


def address(url: str) -> dict[str, str]:
    """The columns `key` and `site` of an address."""
    return {"key": normalise_url(url), "site": site_of(url)}


def score_batches(
    found: Iterable[pa.RecordBatch], classifier: str, threshold: float
) -> Iterator[pa.RecordBatch]:
    """LIGHT to SCORED by the classifier in a folder."""
    model = AgentClassifier.load(classifier)
    for batch in found:
        scores = model.score(batch.column("text").to_pylist(), batch.column("url").to_pylist())
        own = {"agent_score": pa.array(scores, pa.float32())}
        # compared as it is written down, or a score at the threshold would be on one side here and on the
        # other for those who read the table
        own["hit"] = pa.array([s >= threshold for s in own["agent_score"].to_pylist()], pa.bool_())
        yield pa.RecordBatch.from_pydict(
            {name: own.get(name, _column(batch, name)) for name in SCORED.schema.names}, schema=SCORED.schema
        )


def ledger_batches(found: Iterable[pa.RecordBatch], threshold: float) -> Iterator[pa.RecordBatch]:
    """The filter's ledger (id, url, agent_score, warc, offset) to SCORED.

    A page without a score left at the pre-classifier, so far below the threshold that it counts as 0.
    """
    for batch in found:
        rows = []
        for row in batch.to_pylist():
            score = float(row["agent_score"] or 0.0)
            rows.append({**row, **address(row["url"]), "agent_score": score, "hit": score >= threshold})
        yield pa.RecordBatch.from_pylist(rows, schema=SCORED.schema)


def _column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    return batch.column(name) if name in batch.schema.names else None
