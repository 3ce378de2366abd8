"""One archive from start to committed output. An archive is the unit of work, of retry and of resume.

Its pages and its ledger are two Parquet files; the commit record, written last, says that both are whole.
"""

from __future__ import annotations

import functools
import heapq
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from corpus.crawl.cascade import (
    JUDGE,
    Cascade,
    Decision,
    Rules,
    batches,
    child_setup,
    named,
    outer_steps,
)
from corpus.crawl.commits import Commit, Measured, SlowPage, key_of, write_commit
from corpus.crawl.inputs.sources import Archive, read_archive, require_unchanged
from corpus.crawl.prefilter import Prefilter
from corpus.crawl.rules.urlrules import UrlConfig, UrlRules
from corpus.crawl.sandbox import TIMEOUT, Sandbox
from corpus.crawl.steps import Step
from corpus.crawl.url import host, payload_digest
from corpus.crawl.warc.records import Damage, Record
from corpus.engine import storage
from corpus.engine.ledger import DROPPED, FAILED, KEPT
from corpus.engine.manifest import OutputFile
from corpus.engine.parquet import PartWriter
from corpus.engine.tables import LEDGER, PAGES

STAGE = "filter"
_SLOWEST = 5  # pages of an archive that are told as the slowest


@dataclass(frozen=True)
class Work:
    """What every archive of a run is treated with. `fingerprint` covers all of it that decides the result.

    `scorer` is the `module:function` that gives the classifier when called with the folder `classifier`,
    `lines` the one that gives its scores of rough texts; without it there is no pre-classifier. `second`
    gives the second scorer (or None), whose rule `second_threshold` changes where it is given.
    """

    folder: str
    fingerprint: str
    rules: Rules
    classifier: str
    scorer: str
    source: str
    lines: str = ""
    second: str = ""
    second_threshold: float | None = None
    urls: UrlConfig = field(default_factory=UrlConfig)
    page_bytes: int = 20 << 20
    page_seconds: float = 20.0
    page_memory_mb: int = 1024
    recycle_after: int = 20_000


@dataclass(frozen=True)
class Tools:
    """What a worker process keeps from archive to archive: a child's start costs as much as 500 pages."""

    sandbox: Sandbox
    cascade: Cascade


@functools.lru_cache(maxsize=1)
def tools_of(work: Work) -> Tools:
    """The tools of this process for `work`. The child that they hold ends with this process at the latest."""
    sandbox = Sandbox(
        JUDGE,
        child_setup(work.rules, work.scorer, work.classifier),
        seconds=work.page_seconds,
        memory_mb=work.page_memory_mb,
        recycle_after=work.recycle_after,
    )
    closer = named(work.second)(work.classifier, work.second_threshold) if work.second else None
    return Tools(sandbox, Cascade(outer_of(work), sandbox, closer))


def outer_of(work: Work) -> list[Step]:
    """The steps that the worker itself asks; a `prefilter_threshold` of 0 leaves that step out."""
    early = Prefilter(named(work.lines)(work.classifier)) if work.rules.prefilter and work.lines else None
    return outer_steps(work.rules, UrlRules.from_config(work.urls), early)


def filter_archive(archive: Archive, work: Work, tools: Tools | None = None) -> Commit:
    """Read, judge and write one archive, and commit it. ArchiveError where its store does not give it."""
    started = time.perf_counter()
    sandbox, cascade = (tools := tools or tools_of(work)).sandbox, tools.cascade
    cascade.reset()
    children = sandbox.started
    part = f"part-{key_of(archive.name)}.parquet"
    count = _Count()
    with (
        PartWriter(storage.join(work.folder, PAGES.name), part, PAGES.schema) as pages,
        PartWriter(storage.join(work.folder, LEDGER.name), part, LEDGER.schema) as ledger,
    ):
        for batch in batches(count.responses(read_archive(archive, work.page_bytes))):
            decisions = cascade.judge(batch)
            count.decided(decisions, sandbox.seconds)
            ledger.write(ledger_rows(decisions))
            pages.write(page_rows(decisions, work.source))
    assert pages.result and ledger.result
    require_unchanged(archive)
    commit = Commit(
        fingerprint=work.fingerprint,
        name=archive.name,
        path=storage.redact(archive.file.path),
        bytes=archive.file.bytes,
        etag=archive.file.etag,
        records=sum(count.types.values()),
        responses=count.types["response"],
        counts={outcome: count.outcomes[outcome] for outcome in (KEPT, DROPPED, FAILED)},
        damaged=[asdict(damage) for damage in count.damaged],
        pages=_below(PAGES.name, pages.result),
        ledger=_below(LEDGER.name, ledger.result),
        measured=Measured(
            seconds=time.perf_counter() - started,
            read=count.read_seconds,
            meters=dict(cascade.meters),
            slowest=sorted(count.slowest, key=lambda page: (-page.seconds, page.id)),
            children=sandbox.started - children,
            memory_mb=[_peak_mb(), sandbox.peak_mb()],
        ),
    )
    write_commit(work.folder, commit)
    return commit


class _Count:
    """What is counted on the way through an archive."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.damaged: list[Damage] = []
        self.slowest: list[SlowPage] = []
        self.read_seconds = 0.0

    def responses(self, found: Iterator[Record | Damage]) -> Iterator[Record]:
        """The response records; what else there is is counted on the way."""
        before = time.process_time()
        for item in found:
            if isinstance(item, Damage):
                self.damaged.append(item)
                continue
            self.types[item.type] += 1
            if item.type == "response":
                self.read_seconds += time.process_time() - before
                yield item
                before = time.process_time()
        self.read_seconds += time.process_time() - before

    def decided(self, decisions: Sequence[Decision], limit: float) -> None:
        self.outcomes.update(decision.outcome for decision in decisions)
        spent = [
            (limit if d.reason == TIMEOUT else d.spent, d)
            for d in decisions
            if d.spent or d.reason == TIMEOUT
        ]
        for seconds, decision in heapq.nlargest(_SLOWEST, spent, key=lambda entry: entry[0]):
            self.slowest.append(SlowPage(round(seconds, 4), decision.id, decision.record.url))
        self.slowest = heapq.nlargest(_SLOWEST, self.slowest, key=lambda page: page.seconds)


def page_rows(decisions: Sequence[Decision], source: str) -> pa.RecordBatch:
    """The kept pages, in the order of the archive."""
    rows: list[dict[str, Any]] = []
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


def ledger_rows(decisions: Sequence[Decision]) -> pa.RecordBatch:
    """One row for each response record, column by column: most records end here and must cost little."""
    columns = {
        "id": [d.id for d in decisions],
        "url": [d.record.url for d in decisions],
        "stage": [STAGE] * len(decisions),
        "outcome": [d.outcome for d in decisions],
        "reason": [d.reason for d in decisions],
        "agent_score": [d.score for d in decisions],
        "warc": [d.record.archive for d in decisions],
        "offset": [d.record.offset for d in decisions],
    }
    schema = LEDGER.schema
    return pa.RecordBatch.from_arrays(
        [pa.array(columns[name], schema.field(name).type) for name in schema.names], schema=schema
    )


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _below(folder: str, file: OutputFile) -> OutputFile:
    return OutputFile(f"{folder}/{file.path}", file.rows, file.bytes, file.sha256)
