"""Archives to what the classifier learns from: a row per response record, with its features or a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from corpus.crawl.cascade import FAILURES, precheck
from corpus.crawl.fetch import ArchiveError, open_archive
from corpus.crawl.records import Record, read_records
from corpus.crawl.sandbox import Sandbox, SandboxError
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


def read_pages(path: str, name: str, size: int, *, seconds: float, with_url: bool) -> Iterator[Page]:
    """One Page per response record of an archive, parsed in a killable child; nothing raises for a page.

    An archive that cannot be read (on) ends with a Page of the reason `unreadable`.
    """
    try:
        with open_archive(path) as stream, Sandbox(seconds=seconds) as sandbox:
            for record in read_records(stream, name, size):
                if isinstance(record, Record) and record.type == "response":
                    yield to_page(record, name, sandbox, with_url)
    except ArchiveError as error:
        yield Page(name, str(error), name, 0, UNREADABLE, "", "")


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
