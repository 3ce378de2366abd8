"""Archives to what the classifier learns from: a row per response record, with its features or a reason."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from corpus.crawl.cascade import FAILURES, precheck
from corpus.crawl.charset import decode
from corpus.crawl.child import Work
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.light import light_text
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.warc.records import Record
from corpus.relevance.features import fasttext_line

EMPTY = "empty"
READ = "corpus.relevance.pages:read_in_child"
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


def read_pages(archive: Archive, *, seconds: float, full: bool) -> Iterator[Page]:
    """One Page per response record of an archive, parsed in a killable child; nothing raises for a page.

    With `full`, what the filter keeps is what is learnt from: the extracted text, and the words of the
    address. Else it is the light text alone, which costs a fifth of that.

    An archive that cannot be read (on) ends with a Page of the reason `unreadable`.
    """
    try:
        with Sandbox(READ, {"full": full}, seconds=seconds) as sandbox:
            for record in read_archive(archive):
                if isinstance(record, Record) and record.type == "response":
                    yield to_page(record, sandbox)
    except ArchiveError as error:
        yield Page(archive.name, str(error), archive.name, 0, UNREADABLE, "", "")


def to_page(record: Record, sandbox: Sandbox) -> Page:
    line, reason = "", precheck(record) or ""
    if not reason:
        answer = sandbox.call({"charset": record.charset, "url": record.url}, record.payload)
        line, reason = answer.text, answer.reason or str(answer.fields["why"])
    return Page(record.id, record.url, record.archive, record.offset, reason, line, line_hash(line))


def read_in_child(setup: dict[str, Any]) -> Work:
    """The child's side: a page's bytes to its line of features, or `why` there is none."""
    full = bool(setup["full"])
    importlib.import_module("corpus.crawl.html")  # or the first page would pay for the import

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            html, _ = decode(body, fields["charset"])
        except UnicodeError:
            return {"why": "undecodable"}, b""
        line = _full_line(html, fields["url"]) if full else fasttext_line(light_text(html))
        return {"why": "" if line else EMPTY}, line.encode("utf-8", "replace")

    return work


def _full_line(html: str, url: str) -> str:
    from corpus.crawl.html import full_extract

    return fasttext_line(full_extract(html, url).text, url)


def line_hash(line: str) -> str:
    """Hash of a line of features, for finding repeats of a text."""
    return hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
