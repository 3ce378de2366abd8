"""One archive from start to committed output. An archive is the unit of work, of retry and of resume.

Its pages and its ledger are two Parquet files; the commit record, written last, says that both are whole.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from corpus.crawl.cascade import Cascade, Decision, Rules, Scorer, batches
from corpus.crawl.records import Damage, Record
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.sources import Archive, read_archive
from corpus.crawl.url import host, payload_digest
from corpus.engine import storage
from corpus.engine.ledger import DROPPED, FAILED, KEPT
from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.tables import LEDGER, PAGES

COMMITS = "_inputs"
STAGE = "filter"


@dataclass(frozen=True)
class Work:
    """What every archive of a run is treated with. `fingerprint` covers all of it that decides the result."""

    folder: str
    fingerprint: str
    rules: Rules
    source: str
    page_bytes: int
    page_seconds: float
    page_memory_mb: int


@dataclass(frozen=True)
class Commit:
    """What is known of a finished archive: counts are data, seconds (by step) are not."""

    fingerprint: str
    name: str
    bytes: int
    etag: str
    records: int
    responses: int
    counts: dict[str, int]  # by outcome
    damaged: list[dict[str, Any]]
    pages: OutputFile
    ledger: OutputFile
    seconds: dict[str, float]
    children: int


def key_of(name: str) -> str:
    """What an archive's output files are called by: it follows from the archive's own name alone."""
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]


def commit_path(folder: str, name: str) -> str:
    return storage.join(folder, COMMITS, f"{key_of(name)}.json")


def read_commit(folder: str, archive: Archive, fingerprint: str) -> Commit | None:
    """The commit record of an archive; None if there is none that fits, or its files are not whole."""
    path = commit_path(folder, archive.name)
    if not storage.exists(path):
        return None
    try:
        data = json.loads(storage.read_bytes(path))
        data.update({name: OutputFile(**data[name]) for name in ("pages", "ledger")})
        commit = Commit(**data)
    except (ValueError, TypeError, KeyError):
        return None
    same = (commit.fingerprint, commit.name, commit.bytes, commit.etag)
    if same != (fingerprint, archive.name, archive.file.bytes, archive.file.etag):
        return None
    whole = all(_size(storage.join(folder, f.path)) == f.bytes for f in (commit.pages, commit.ledger))
    return commit if whole else None


def filter_archive(archive: Archive, work: Work, scorer: Scorer) -> Commit:
    """Read, judge and write one archive, and commit it. ArchiveError where its store does not give it."""
    started = time.perf_counter()
    part = f"part-{key_of(archive.name)}.parquet"
    types: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    damaged: list[Damage] = []
    with (
        Sandbox(seconds=work.page_seconds, memory_mb=work.page_memory_mb) as sandbox,
        PartWriter(storage.join(work.folder, PAGES.name), part, PAGES.schema) as pages,
        PartWriter(storage.join(work.folder, LEDGER.name), part, LEDGER.schema) as ledger,
    ):
        cascade = Cascade(work.rules, scorer, sandbox)
        found = read_archive(archive, work.page_bytes)
        for batch in batches(_responses(found, types, damaged)):
            decisions = cascade.judge(batch)
            outcomes.update(decision.outcome for decision in decisions)
            ledger.write(ledger_rows(decisions))
            pages.write(page_rows(decisions, work.source))
    assert pages.result and ledger.result
    commit = Commit(
        fingerprint=work.fingerprint,
        name=archive.name,
        bytes=archive.file.bytes,
        etag=archive.file.etag,
        records=sum(types.values()),
        responses=types["response"],
        counts={outcome: outcomes[outcome] for outcome in (KEPT, DROPPED, FAILED)},
        damaged=[asdict(damage) for damage in damaged],
        pages=_below(PAGES.name, pages.result),
        ledger=_below(LEDGER.name, ledger.result),
        seconds={"all": time.perf_counter() - started, **cascade.seconds},
        children=sandbox.started,
    )
    data = json.dumps(asdict(commit), sort_keys=True, indent=1).encode() + b"\n"
    storage.write_bytes(commit_path(work.folder, archive.name), data)
    return commit


def page_rows(decisions: list[Decision], source: str) -> pa.RecordBatch:
    """The kept pages, in the order of the archive."""
    rows = []
    for decision in decisions:
        if decision.page is None:
            continue
        record = decision.record
        rows.append(
            {
                **decision.page,
                "id": decision.id,
                "url": record.url,
                "host": host(record.url),
                "source": source,
                "kind": "text",
                "agent_score": decision.score,
                "payload_digest": payload_digest(record.payload),
                "mime": record.mime,
                "fetched_at": record.date,
                "warc": record.archive,
                "offset": record.offset,
                "length": record.length,
                "record_id": record.record_id,
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=PAGES.schema)


def ledger_rows(decisions: list[Decision]) -> pa.RecordBatch:
    """One row for each response record."""
    rows = [
        {
            "id": decision.id,
            "url": decision.record.url,
            "stage": STAGE,
            "outcome": decision.outcome,
            "reason": decision.reason,
            "agent_score": decision.score,
            "warc": decision.record.archive,
            "offset": decision.record.offset,
        }
        for decision in decisions
    ]
    return pa.RecordBatch.from_pylist(rows, schema=LEDGER.schema)


def _responses(
    found: Iterator[Record | Damage], types: Counter[str], damaged: list[Damage]
) -> Iterator[Record]:
    """The response records; what else there is is counted on the way."""
    for item in found:
        if isinstance(item, Damage):
            damaged.append(item)
            continue
        types[item.type] += 1
        if item.type == "response":
            yield item


def _below(folder: str, file: OutputFile) -> OutputFile:
    return OutputFile(f"{folder}/{file.path}", file.rows, file.bytes, file.sha256)


def _size(path: str) -> int:
    filesystem, inner = storage.resolve(path)
    info = filesystem.get_file_info(inner)
    return int(info.size) if info.is_file else -1
