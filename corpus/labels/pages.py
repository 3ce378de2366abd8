"""Archives to texts that can be judged: one row per response record, parsed in a child that may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from corpus.crawl.cascade import FAILURES, precheck
from corpus.crawl.charset import decode
from corpus.crawl.child import Work
from corpus.crawl.html import full_extract
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.warc.records import Record
from corpus.engine.inputs import InputFile

EMPTY, UNREADABLE = "empty", "unreadable"
FAILED = FAILURES | {UNREADABLE}
READ = "corpus.labels.pages:read_in_child"
FILES = pa.schema([("path", pa.string()), ("name", pa.string()), ("bytes", pa.int64())])
PAGES = pa.schema(
    [(name, pa.string()) for name in ("id", "url", "text", "warc")]
    + [("offset", pa.int64()), ("reason", pa.string())]
)


@dataclass(frozen=True)
class Page:
    """`reason` is empty where there is a text."""

    id: str
    url: str
    text: str
    warc: str
    offset: int
    reason: str


def page_batches(batches: Iterator[pa.RecordBatch], *, seconds: float) -> Iterator[pa.RecordBatch]:
    """From FILES to PAGES."""
    for batch in batches:
        for file in batch.to_pylist():
            archive = Archive(file["name"], InputFile(file["path"], file["bytes"], ""))
            for page in read_pages(archive, seconds=seconds):
                yield pa.RecordBatch.from_pylist([asdict(page)], schema=PAGES)


def read_pages(archive: Archive, *, seconds: float) -> Iterator[Page]:
    """Nothing raises for a page; an archive that cannot be read (on) ends with one of the reason unreadable,
    whose `url` is the sentence why."""
    try:
        with Sandbox(READ, seconds=seconds) as sandbox:
            for record in read_archive(archive):
                if isinstance(record, Record) and record.type == "response":
                    yield _page(record, archive.name, sandbox)
    except ArchiveError as error:
        yield Page(archive.name, str(error), "", archive.name, 0, UNREADABLE)


def _page(record: Record, name: str, sandbox: Sandbox) -> Page:
    text, reason = "", precheck(record) or ""
    if not reason:
        answer = sandbox.call({"charset": record.charset, "url": record.url}, record.payload)
        text, reason = answer.text, answer.reason or str(answer.fields["why"])
    return Page(record.id, record.url, text, name, record.offset, reason)


def read_in_child(_setup: dict[str, Any]) -> Work:
    """The child's side: a page's bytes to its text, or `why` there is none."""

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            markup, _ = decode(body, fields["charset"])
        except UnicodeError:
            return {"why": "undecodable"}, b""
        text = full_extract(markup, fields["url"]).text
        return {"why": "" if text.strip() else EMPTY}, text.encode("utf-8", "replace")

    return work
