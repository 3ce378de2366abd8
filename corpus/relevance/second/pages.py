"""The chosen pages read once more and fully extracted: what the second scorer sees of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from corpus.crawl.charset import decode
from corpus.crawl.child import Work
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.warc.records import Record
from corpus.relevance.second.scorer import STRUCTURE, seen
from corpus.relevance.second.structure import vector

READ = "corpus.relevance.second.pages:read_in_child"


@dataclass(frozen=True)
class Read:
    """`text` is what an encoder sees, empty without one; `structure` is empty for a page without text."""

    id: str
    text: str
    structure: list[float]


def read_chosen(
    archive: Archive, chosen: Mapping[str, Collection[int]], *, seconds: float, encoder: str, max_tokens: int
) -> Iterator[Read]:
    """The pages of an archive (or of those that an index's piece names records of) at the chosen offsets,
    by archive, parsed in a killable child; nothing raises for a page.

    Raises ArchiveError where the archive's store does not give it.
    """
    setup = {"max_tokens": 0 if encoder == STRUCTURE else max_tokens}
    with Sandbox(READ, setup, seconds=seconds) as sandbox:
        for record in read_archive(archive):
            if not isinstance(record, Record) or record.type != "response":
                continue
            if record.offset in chosen.get(record.archive, ()):
                answer = sandbox.call({"charset": record.charset, "url": record.url}, record.payload)
                layout = [] if answer.reason else answer.fields["structure"]
                yield Read(record.id, answer.text, [float(number) for number in layout])


def read_in_child(setup: dict[str, Any]) -> Work:
    """The child's side: a page's bytes to the layout and the beginning of its extracted text."""
    from corpus.crawl.html import full_extract

    tokens = int(setup["max_tokens"])

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            html, _ = decode(body, fields["charset"])
        except UnicodeError:
            return {"structure": []}, b""
        found = full_extract(html, fields["url"])
        if not found.text.strip():
            return {"structure": []}, b""
        shown = seen(found.title, found.text, tokens) if tokens else ""
        return {"structure": vector(found.text, found.title, fields["url"])}, shown.encode("utf-8", "replace")

    return work
