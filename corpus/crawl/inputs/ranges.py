"""Records that an index names, fetched from their archives in few requests.

Rows of one archive are sorted by offset and neighbours are fetched together. One record comes of each row:
where the archive does not hold what the index says, it carries the reason, so that no row is lost.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.crawl.inputs.fetch import ArchiveError, open_ranges
from corpus.crawl.warc.records import Record, read_records
from corpus.engine import storage
from corpus.engine.attempts import Access

# reasons that a record of an index carries beside those of any record
MISSING = "not_in_archive"  # the archive is not there, or ends before the record
MISMATCH = "index_mismatch"  # another page than the index says
NO_RESPONSE = "not_a_response"
BAD_ROW = "bad_index_row"  # no place in an archive that could be looked at
TOO_LARGE = "too_large"
REPEATED_DIGEST, REPEATED_ROW = "repeated_digest", "repeated_row"  # not fetched: another row stands for it
FAILED_ROWS = frozenset({MISSING, MISMATCH, NO_RESPONSE, BAD_ROW})
_AHEAD = 2  # ranges that are fetched while one is parsed

ROWS = pa.schema(
    {
        "warc": pa.string(),
        "offset": pa.int64(),
        "length": pa.int64(),
        "url": pa.string(),
        "reason": pa.string(),
    }
)


@dataclass(frozen=True)
class Row:
    """A record in an archive. With a `reason` it is not to be fetched."""

    warc: str
    offset: int
    length: int
    url: str
    reason: str


@dataclass(frozen=True)
class Span:
    """Neighbouring rows of one archive and the bytes start..end (end excluded) that hold them all."""

    start: int
    end: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Selection:
    """Where the rows of a piece of work are: those of the archives first..last in a sorted Parquet file.

    `base` goes before the archives' names; spans reach over gaps of `gap` bytes and hold at most `most`.
    """

    part: str
    first: str
    last: str
    rows: int
    base: str
    gap: int
    most: int

    def read(self) -> list[Row]:
        with storage.open_input(self.part) as file:
            wanted = [("warc", ">=", self.first), ("warc", "<=", self.last)]
            table = pq.read_table(file, filters=wanted, columns=ROWS.names)
        if table.num_rows != self.rows:
            raise ArchiveError(f"cannot read {storage.redact(self.part)}: it is not what was written.")
        return [Row(**row) for row in table.to_pylist()]


def coalesce(rows: Iterable[Row], gap: int, most: int) -> list[Span]:
    """Rows, sorted by offset, as spans. One that is larger than `most` alone stands alone."""
    spans: list[Span] = []
    for row in rows:
        end = row.offset + row.length
        if spans:
            last = spans[-1]
            longer = max(end, last.end)
            if row.offset <= last.end + gap and longer - last.start <= most:
                spans[-1] = Span(last.start, longer, (*last.rows, row))
                continue
        spans.append(Span(row.offset, end, (row,)))
    return spans


def read_selection(selection: Selection, page_bytes: int, access: Access) -> Iterator[Record]:
    """One record for each row, by archive and offset. ArchiveError where a store fails and may heal."""
    for warc, rows in groupby(selection.read(), key=lambda row: row.warc):
        yield from _read_rows(warc, list(rows), selection, page_bytes, access)


def _read_rows(
    warc: str, rows: Sequence[Row], selection: Selection, page_bytes: int, access: Access
) -> Iterator[Record]:
    name = warc.rpartition("/")[2]
    most = max(page_bytes, selection.most)
    wanted: list[Row] = []
    for row in rows:
        repeated = wanted and row.offset == wanted[-1].offset
        reason = row.reason or (REPEATED_ROW if repeated else TOO_LARGE if row.length > most else "")
        if reason:
            yield without_payload(row, name, reason)
        else:
            wanted.append(row)
    if not wanted:
        return
    path = place_of(selection.base, warc)
    if not path:
        yield from (without_payload(row, name, BAD_ROW) for row in wanted)
        return
    spans = coalesce(wanted, selection.gap, selection.most)
    try:
        with open_ranges(path, access=access) as read:
            for span, data in _fetched(spans, read, ahead=_AHEAD if storage.is_http(path) else 0):
                for row in span.rows:
                    start = row.offset - span.start
                    yield record_of(row, name, data[start : start + row.length], page_bytes)
                wanted = wanted[len(span.rows) :]
    except ArchiveError as error:
        if not error.missing:
            raise
        yield from (without_payload(row, name, MISSING) for row in wanted)


def place_of(base: str, warc: str) -> str:
    """Where the archive lies that an index calls `warc`; empty where the name leads out of `base`."""
    if ".." in warc.split("/") or (base and (warc.startswith("/") or "://" in warc)):
        return ""
    return storage.join(base, warc) if base else warc


def _fetched(
    spans: Sequence[Span], read: Callable[[int, int], bytes], ahead: int
) -> Iterator[tuple[Span, bytes]]:
    """Spans with their bytes in order; up to `ahead` more are under way while one is looked at."""
    if not ahead:
        yield from ((span, read(span.start, span.end)) for span in spans)
        return
    waiting: deque[tuple[Span, Future[bytes]]] = deque()
    with ThreadPoolExecutor(ahead) as pool:
        try:
            for span in spans:
                waiting.append((span, pool.submit(read, span.start, span.end)))
                if len(waiting) > ahead:
                    first, data = waiting.popleft()
                    yield first, data.result()
            while waiting:
                first, data = waiting.popleft()
                yield first, data.result()
        finally:
            for _, data in waiting:
                data.cancel()


def record_of(row: Row, archive: str, data: bytes, page_bytes: int) -> Record:
    """The record that the bytes of a row hold, or one that says why they do not hold it."""
    if not data:
        return without_payload(row, archive, MISSING)
    reason = "truncated" if len(data) < row.length else "damaged"
    for record in read_records(io.BytesIO(data), archive, len(data), page_bytes):
        if isinstance(record, Record):
            break
        reason = "truncated" if record.reason == "truncated" else reason
    else:
        return without_payload(row, archive, reason)
    if record.problem and not record.url:
        return without_payload(row, archive, record.problem)
    if record.url != row.url.strip("<>"):
        return without_payload(row, archive, MISMATCH)
    if record.type != "response":
        return without_payload(row, archive, NO_RESPONSE)
    return replace(record, offset=row.offset, length=row.length)


def without_payload(row: Row, archive: str, reason: str) -> Record:
    """A row of the index as a record that could not, or need not, be read."""
    return Record(archive, "response", row.url, "", None, row.offset, row.length, problem=reason)
