"""The filter's cascade against full extraction of every page, on one core, start-up aside.

The floor is reading the records alone. The baseline runs trafilatura and the same classifier on every page, which
is what pipelines do that extract first and judge later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import trafilatura

from corpus.crawl.archive import Work, filter_archive
from corpus.crawl.cascade import Rules
from corpus.crawl.charset import decode
from corpus.crawl.records import Record, read_records
from corpus.crawl.sources import Archive, with_names
from corpus.engine import storage
from corpus.engine.inputs import expand
from corpus.relevance.model import AgentClassifier
from tests.benchmarks.timing import line, seconds


def measure(workspace: Path) -> Iterator[str]:
    shared = Path(__file__).resolve().parents[3] / "shared" / "data" / "web" / "mini.warc.gz"
    crawl = str(shared) if shared.exists() else str(workspace / "embedded" / "crawl")
    archives = with_names(expand([crawl], suffixes=(".warc.gz",)))
    model = AgentClassifier.load(str(workspace / "classifier"))
    pages = [record for archive in archives for record in responses(archive)]
    yield f"filter: {len(pages):,} pages of {Path(crawl).name}, one core"
    runs = {
        "floor: read and decode records": lambda: [list(responses(archive)) for archive in archives],
        "cascade (the job, without Spark)": lambda: cascade(archives, model),
        "trafilatura on every page, then the classifier": lambda: extract_first(archives, model),
    }
    taken = {name: seconds(work, runs=1) for name, work in runs.items()}
    baseline = taken["trafilatura on every page, then the classifier"]
    for name, spent in taken.items():
        yield line(name, len(pages), "pages", spent, baseline)


def responses(archive: Archive) -> Iterator[Record]:
    with storage.open_input(archive.file.path) as stream:
        for found in read_records(stream, archive.name, archive.file.bytes):
            if isinstance(found, Record) and found.type == "response":
                yield found


def cascade(archives: list[Archive], model: AgentClassifier) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rules = Rules(
            threshold=model.threshold,
            languages=frozenset(),
            min_words=20,
            respect_opt_out=True,
            full_extraction=True,
        )
        work = Work(
            folder=folder,
            fingerprint="bench",
            rules=rules,
            source="bench",
            page_bytes=20 << 20,
            page_seconds=20.0,
            page_memory_mb=2048,
        )
        for archive in archives:
            filter_archive(archive, work, model)


def extract_first(archives: list[Archive], model: AgentClassifier) -> None:
    for archive in archives:
        texts, urls = [], []
        for record in responses(archive):
            text, _ = decode(record.payload, record.charset)
            texts.append(trafilatura.extract(text) or "")
            urls.append(record.url)
        model.score(texts, urls)
