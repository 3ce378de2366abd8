"""Crawl pages and seeds as rows of one shape, ready to be sampled. Plain Arrow, no Spark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import pyarrow as pa

from corpus.crawl.inputs.sources import Archive
from corpus.crawl.inputs.tasks import archives_in
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.features import fasttext_line
from corpus.relevance.labels import AGENT, GENERAL, GIVEN_BY_CRAWL, GIVEN_BY_SEED, site_of
from corpus.relevance.pages import EMPTY, line_hash, read_pages
from corpus.relevance.training import hash_order

ARCHIVES_WITHOUT_LABELS = 50  # of a crawl that `max_archives` says nothing of
ROWS = pa.schema(
    [
        (name, pa.string())
        for name in ("id", "url", "site", "label", "given_by", "reason", "line", "text_hash", "warc")
    ]
    + [("offset", pa.int64())]
)


def choose_archives(given: Sequence[Archive], config: ClassifierConfig) -> list[Archive]:
    """The archives (or pieces of an index's selection) that are read, sorted by path and name.

    Of more than `max_archives` a sample is drawn by the hash of their names.
    """
    unset = len(given) if config.labels else ARCHIVES_WITHOUT_LABELS
    most = unset if config.max_archives is None else config.max_archives
    chosen = sorted(given, key=lambda archive: hash_order(archive.name, config.seed))[:most]
    return sorted(chosen, key=lambda archive: (archive.file.path, archive.name))


def page_batches(
    batches: Iterator[pa.RecordBatch], *, seconds: float, full: bool
) -> Iterator[pa.RecordBatch]:
    """From TASKS to ROWS: one row per response record, as `read_pages` gives them."""
    for archive in archives_in(batches):
        for page in read_pages(archive, seconds=seconds, full=full):
            more = {"site": site_of(page.url), "label": GENERAL, "given_by": GIVEN_BY_CRAWL}
            yield pa.RecordBatch.from_pylist([{**asdict(page), **more}], schema=ROWS)


def seed_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Seeds (id, url, source, text, reason) to ROWS; those that have a reason get no features."""
    for batch in batches:
        rows = []
        for seed in batch.to_pylist():
            line = "" if seed["reason"] else fasttext_line(seed["text"])
            row = {"id": seed["id"], "url": seed["url"], "site": seed["source"], "label": AGENT}
            row |= {"given_by": GIVEN_BY_SEED, "line": line, "text_hash": line_hash(line)}
            rows.append({**row, "reason": seed["reason"] or ("" if line else EMPTY)})
        yield pa.RecordBatch.from_pylist(rows, schema=ROWS)
