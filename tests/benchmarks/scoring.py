"""The classifier over the texts of a crawl with 3 % wanted pages, features included, start-up aside.

Given the parsed text, as the filter's steps have it. CPU time of one thread, which other work changes least.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from corpus.crawl.charset import decode
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.light import light_text
from corpus.crawl.prefilter import Prefilter
from corpus.crawl.warc.records import Record
from corpus.relevance.features import fasttext_line
from corpus.relevance.model import AgentClassifier, rough_scorer
from tests.benchmarks.filtering import SHARED
from tests.benchmarks.mixed import build, demonstration

RUNS, TO_REACH, MOST_BYTES = 3, 5_000, 150 << 20


def measure(workspace: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="hephaestus-bench-") as name:
        kept = Path(os.environ.get("BENCH_CRAWL") or Path(name) / "mixed")  # making it takes a minute
        mixed = build(SHARED, kept) if SHARED.is_dir() else demonstration(workspace, Path(name) / "demo")
        classifier, rough = AgentClassifier.load(mixed.classifier), rough_scorer(mixed.classifier)
        size = int(classifier.metadata["model_bytes"])
        records = [
            record
            for archive in find_archives([mixed.crawl])
            for record in read_archive(archive)
            if isinstance(record, Record) and record.payload
        ]
        texts = [light_text(decode(record.payload, record.charset)[0]) for record in records]
        urls, payloads = [record.url for record in records], [record.payload for record in records]
        yield f"scoring: {len(texts):,} pages, {sum(map(len, texts)) / len(texts):,.0f} characters each, one core"
        yield f"  model: {size / (1 << 20):.2f} MiB (to reach: under {MOST_BYTES >> 20})"
        yield _line("features and fastText", len(texts), lambda: classifier.score(texts, urls), TO_REACH)
        yield _line("the features alone, as lines", len(texts), lambda: list(map(fasttext_line, texts, urls)))
        yield _line("prefilter, from the bytes", len(texts), lambda: Prefilter(rough).scores(payloads))


def _line(name: str, pages: int, work: Callable[[], object], to_reach: int = 0) -> str:
    """The best of `RUNS` runs: what else the machine does only ever adds."""
    taken = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    target = f" (to reach: {to_reach:,})" if to_reach else ""
    return (
        f"  {name:<34}{pages / min(taken):>10,.0f} pages/s{1e6 * min(taken) / pages:>10.1f} us a page{target}"
    )
