"""Archives to pages of the wanted sites: a row per response record, extracted, with its links or a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from corpus.crawl.cascade import FAILURES, batches, fields_of, precheck
from corpus.crawl.child import Work
from corpus.crawl.inputs.fetch import ArchiveError
from corpus.crawl.inputs.sources import Archive, read_archive
from corpus.crawl.sandbox import Answer, Sandbox
from corpus.crawl.steps import (
    Candidate,
    DecodeStep,
    ExtractionStep,
    LanguageStep,
    LightTextStep,
    PolicyStep,
    QualityStep,
    Step,
    walk,
)
from corpus.crawl.warc.records import Record
from corpus.dedup.address import normalise_url
from corpus.harvest.config import HarvestConfig
from corpus.harvest.links import links_of
from corpus.harvest.starts import Starts
from corpus.hygiene.quality import Limits

READ = "corpus.harvest.pages:read_in_child"
# reasons beside those of the filter
OTHER_SITE, EXCLUDED = "other_site", "excluded"
UNREADABLE = "unreadable"  # no page: an archive that its store does not give; its `url` is the sentence why
NO_PAGES = FAILURES | {"http_status", "not_html", "empty"}  # a record of the same address may be better
_SILENT = frozenset({"opt_out", "undecodable", "empty"})  # pages whose links are not followed

# where a record stands; `aside` says why it is not to be looked at, whatever links to it
PLACED = pa.schema(
    {
        "url": pa.string(),
        "warc": pa.string(),
        "offset": pa.int64(),
        "key": pa.string(),
        "start": pa.int32(),
        "allowed": pa.list_(pa.int32()),
        "aside": pa.string(),
    }
)
# what is in it; `reason` says why it is no seed
CONTENT = pa.schema(
    {
        "id": pa.string(),
        "reason": pa.string(),
        "title": pa.string(),
        "text": pa.string(),
        "language": pa.string(),
        "stated_licence": pa.string(),
        "links": pa.list_(pa.string()),
    }
)
ROWS = pa.schema([*PLACED, *CONTENT])


@dataclass(frozen=True)
class Reading:
    """What every archive is read with. `setup` is what the child is told."""

    starts: Starts
    setup: dict[str, Any]
    page_bytes: int
    seconds: float
    memory_mb: int

    @classmethod
    def of(cls, config: HarvestConfig, starts: Starts) -> Reading:
        setup: dict[str, Any] = {
            "languages": sorted(config.languages),
            "min_words": config.min_words,
            "quality": asdict(config.quality),
            "opt_out": sorted(config.opt_out) if config.respect_opt_out else [],
            "agents": sorted(config.opt_out_agents),
        }
        return cls(starts, setup, config.page_bytes, config.page_seconds, config.page_memory_mb)


def row_batches(archives: Iterable[Archive], reading: Reading) -> Iterator[pa.RecordBatch]:
    """ROWS of all response records of the archives; nothing raises for a page or for an archive."""
    with Sandbox(READ, reading.setup, seconds=reading.seconds, memory_mb=reading.memory_mb) as sandbox:
        for archive in archives:
            try:
                found = (r for r in read_archive(archive, reading.page_bytes) if isinstance(r, Record))
                for batch in batches(record for record in found if record.type == "response"):
                    yield pa.RecordBatch.from_pylist(_rows(batch, reading.starts, sandbox), schema=ROWS)
            except ArchiveError as error:
                row = {"url": str(error), "warc": archive.name, "offset": 0, "aside": UNREADABLE}
                yield pa.RecordBatch.from_pylist([{**row, "reason": UNREADABLE}], schema=ROWS)


def placed(url: str, starts: Starts) -> dict[str, Any]:
    """Where an address stands, as the columns of PLACED but for the record's own place."""
    place = starts.place(url)
    if place is None:
        return {"url": url, "key": "", "start": -1, "allowed": [], "aside": OTHER_SITE}
    aside = "" if place.allowed else EXCLUDED
    return {
        "url": url,
        "key": normalise_url(url),
        "start": place.start,
        "allowed": list(place.allowed),
        "aside": aside,
    }


def _rows(records: Sequence[Record], starts: Starts, sandbox: Sandbox) -> list[dict[str, Any]]:
    rows = [{**placed(r.url, starts), "id": r.id, "warc": r.archive, "offset": r.offset} for r in records]
    waiting: list[int] = []
    for number, (row, record) in enumerate(zip(rows, records)):
        if record.problem and not record.url:
            row["aside"] = record.problem
        row["reason"] = row["aside"] or precheck(record) or ""
        if not row["reason"]:
            waiting.append(number)
    answers = sandbox.map([(fields_of(records[n]), records[n].payload) for n in waiting]) if waiting else []
    for number, answer in zip(waiting, answers, strict=True):
        rows[number].update(_content(answer, starts))
    return rows


def _content(answer: Answer, starts: Starts) -> dict[str, Any]:
    if answer.reason:
        return {"reason": answer.reason}
    found = answer.fields
    links = [key for key in found["links"] if (place := starts.place_of(key)) and place.allowed]
    return {
        "reason": found["why"],
        "title": found["title"],
        "language": found["language"],
        "stated_licence": found["licence"],
        "text": answer.text,
        "links": links,
    }


def read_in_child(setup: dict[str, Any]) -> Work:
    """The child's side: a page's bytes to its text and links, and `why` it is no seed.

    A page that is no seed, as an index of other pages, still tells where it links to.
    """
    steps: list[Step] = [
        DecodeStep(),
        LightTextStep(0),
        PolicyStep(setup["opt_out"], setup["agents"]),
        ExtractionStep(True, int(setup["min_words"])),
        LanguageStep(frozenset(setup["languages"])),  # a stub is one in any language
        QualityStep(Limits(**setup["quality"])),
    ]

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        record = Record("", "response", payload=body, record_id="", date=None, offset=0, length=0, **fields)
        page = Candidate(record)
        why = walk(steps, page).reason
        answer = {
            "why": why,
            "title": page.columns.get("title"),
            "language": page.columns.get("language"),
            "licence": page.columns.get("licence"),
            "links": [] if why in _SILENT else links_of(page.html, record.url),
        }
        return answer, b"" if why else page.text.encode("utf-8", "replace")

    return work


def place_row(url: str, warc: str, offset: int, reason: str, starts: Starts) -> dict[str, Any]:
    """PLACED of a row of an index; `reason` is what the index itself has against it."""
    row = {**placed(url, starts), "warc": warc.rpartition("/")[2], "offset": offset}
    return {**row, "aside": reason or row["aside"]}
