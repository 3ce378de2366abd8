"""A sample of the input on its way through the cascade, and what it cost: what a plan is made from.

The first records of a few archives are judged as they would be in a run, and nothing is written.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.archive import Tools, ledger_rows, page_rows
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.steps import Meter
from corpus.crawl.warc.records import Damage, Record
from corpus.engine.errors import DataError
from corpus.engine.ledger import FAILED, KEPT

READ, REST = "read", "hand over and write"
RUN = 50  # records that are measured together
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """Neighbouring records of one archive and what they cost: CPU seconds by step, bytes of archive and of
    output.
    """

    archive: str
    bytes: int
    pages: int
    kept: int
    failed: int
    output: int
    meters: dict[str, Meter]

    @property
    def seconds(self) -> float:
        return sum(meter.seconds for meter in self.meters.values())


def sample(archives: Sequence[Archive], tools: Tools, *, of: int, records: int, page_bytes: int) -> list[Run]:
    """Run the first `records` responses of `of` archives through the cascade; which archives follows from
    their names alone. DataError where they hold no response at all.
    """
    chosen = sorted(archives, key=lambda archive: hashlib.sha256(archive.name.encode()).digest())[:of]
    tools.sandbox.start()  # so that its start is in no page's cost
    runs = [run for archive in chosen for run in _sample_one(archive, tools, records, page_bytes)]
    if not any(run.pages for run in runs):
        raise DataError(
            f"the {len(chosen)} sampled archives hold no response record; nothing can be foretold."
        )
    return runs


def _sample_one(archive: Archive, tools: Tools, records: int, page_bytes: int) -> Iterator[Run]:
    """The runs of an archive's first records. One record more is read, to know where the last run ends."""
    waiting: list[tuple[Record, float]] = []
    start = 0
    for number, pair in enumerate(_timed(read_archive(archive, page_bytes))):
        if number == records or len(waiting) == RUN:
            yield _measure(archive, waiting, pair[0].offset - start, tools)
            start, waiting = pair[0].offset, []
        if number == records:
            return
        waiting.append(pair)
    if waiting:
        last = waiting[-1][0]
        yield _measure(archive, waiting, max(archive.file.bytes, last.offset + last.length) - start, tools)


def _timed(found: Iterator[Record | Damage]) -> Iterator[tuple[Record, float]]:
    """Response records with the CPU seconds that reading took since the one before.

    Other records count to the next response.
    """
    before = time.process_time()
    for item in found:
        if isinstance(item, Record) and item.type == "response":
            now = time.process_time()
            yield item, now - before
            before = time.process_time()


def _measure(archive: Archive, waiting: Sequence[tuple[Record, float]], size: int, tools: Tools) -> Run:
    tools.cascade.reset()
    records = [record for record, _ in waiting]
    before, child, pid = time.process_time(), _cpu_of(tools.sandbox.pid), tools.sandbox.pid
    decisions = tools.cascade.judge(records)
    output = _packed(page_rows(decisions, "")) + _packed(ledger_rows(decisions))
    spent = time.process_time() - before
    if tools.sandbox.pid == pid:
        spent += _cpu_of(pid) - child
    meters = {name: replace(meter) for name, meter in tools.cascade.meters.items()}
    # the steps' own time is in the processes' time; what is left is talk between them, and writing
    rest = max(0.0, spent - sum(meter.seconds for meter in meters.values()))
    meters[READ] = Meter(len(records), len(records), sum(seconds for _, seconds in waiting))
    meters[REST] = Meter(len(records), len(records), rest)
    outcomes = [decision.outcome for decision in decisions]
    return Run(
        archive=archive.name,
        bytes=max(size, 0),
        pages=len(records),
        kept=outcomes.count(KEPT),
        failed=outcomes.count(FAILED),
        output=output,
        meters=meters,
    )


def _packed(rows: pa.RecordBatch) -> int:
    """Bytes of the rows as a table holds them; a little more than theirs there, where more rows are packed
    together.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([rows]), sink, compression="zstd")
    return int(sink.getvalue().size) if rows.num_rows else 0


def _cpu_of(pid: int | None) -> float:
    """CPU seconds of a process so far; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            words = stat.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / _TICKS
    except (OSError, ValueError, IndexError):
        return 0.0
