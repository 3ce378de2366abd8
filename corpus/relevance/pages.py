"""Archives to what the classifier learns from: a row per response record, with its features or a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from corpus.crawl.cascade import FAILURES, precheck
from corpus.crawl.fetch import ArchiveError
from corpus.crawl.records import Record
from corpus.crawl.sandbox import Sandbox, SandboxError
from corpus.crawl.sources import Archive, read_archive
from corpus.relevance.features import fasttext_line

EMPTY = "empty"
UNREADABLE = "unreadable"  # no page: an archive that its store does not give; its `url` is the sentence why


@dataclass(frozen=True)
class Page:
    """`reason` is empty for pages that can be learnt from; `text_hash` finds pages of the same tokens."""

    id: str
    url: str
    warc: str
    offset: int
    reason: str
    line: str
    text_hash: str

    @property
    def failed(self) -> bool:
        return self.reason in FAILURES


def read_pages(archive: Archive, *, seconds: float, with_url: bool) -> Iterator[Page]:
    """One Page per response record of an archive, parsed in a killable child; nothing raises for a page.

    An archive that cannot be read (on) ends with a Page of the reason `unreadable`.
    """
    try:
        with Sandbox(seconds=seconds) as sandbox:
            for record in read_archive(archive):
                if isinstance(record, Record) and record.type == "response":
                    yield to_page(record, archive.name, sandbox, with_url)
    except ArchiveError as error:
        yield Page(archive.name, str(error), archive.name, 0, UNREADABLE, "", "")


def to_page(record: Record, name: str, sandbox: Sandbox, with_url: bool) -> Page:
    line, reason = "", precheck(record) or ""
    if not reason:
        try:
            _, text = sandbox.call("scan", record.payload, charset=record.charset)
            line = fasttext_line(text, record.url if with_url else "")
            reason = "" if line else EMPTY
        except SandboxError as error:
            reason = error.reason
    return Page(record.id, record.url, name, record.offset, reason, line, line_hash(line))


def line_hash(line: str) -> str:
    """Hash of a line of features, for finding repeats of a text."""
    return hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
