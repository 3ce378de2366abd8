"""python -m tests.benchmarks.quality [PAGES_PER_SITE]: what each quality rule removes, and what the rules cost.

Real pages with labels, each fully extracted: all that were audited one by one, and of each site so many others as the
argument says. Shares are of the pages of a kind: `yes`, `no` and `stub` are the auditors' words, `positive` and
`negative` the labels of pages that nobody audited (one positive in seven is a stub, too).
"""

from __future__ import annotations

import csv
import hashlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from corpus.crawl.charset import decode
from corpus.crawl.html import full_extract
from corpus.crawl.trial.thresholds import wilson
from corpus.crawl.warc.records import Record, read_records
from corpus.hygiene.quality import Limits, failed, measure

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "web"
KINDS = ("yes", "positive", "stub", "negative", "no")
PER_SITE = 40


@dataclass(frozen=True)
class Page:
    url: str
    kind: str
    broken: tuple[str, ...]
    seconds: float


def pages(data: Path, per_site: int) -> Iterator[Page]:
    """The chosen pages, extracted and measured."""
    kinds = chosen(data, per_site)
    for path in sorted(data.glob("*-0*.warc.gz")):
        with open(path, "rb") as stream:
            for record in read_records(stream, path.name, path.stat().st_size):
                if isinstance(record, Record) and record.type == "response" and record.url in kinds:
                    page = measured(record, kinds.pop(record.url))
                    if page:
                        yield page


def chosen(data: Path, per_site: int) -> dict[str, str]:
    """URL to kind: all audited pages, and the first of each site in the order of their hashes."""
    with open(data / "audited.csv", encoding="utf-8") as stream:
        kinds = {row["url"]: row["verdict"] for row in csv.DictReader(stream)}
    rows = pq.read_table(data / "labels.parquet", columns=["url", "label", "origin"]).to_pylist()
    taken: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: hashlib.sha256(row["url"].encode()).digest()):
        if row["label"] != "ambiguous" and row["url"] not in kinds and taken[row["origin"]] < per_site:
            taken[row["origin"]] += 1
            kinds[row["url"]] = row["label"]
    return kinds


def measured(record: Record, kind: str) -> Page | None:
    try:
        html, _ = decode(record.payload, record.charset)
    except UnicodeError:
        return None
    text = full_extract(html, record.url).text
    started = time.process_time()
    signals = measure(text)
    spent = time.process_time() - started
    return Page(record.url, kind, failed(signals, Limits()), spent)


def table(found: list[Page]) -> Iterator[str]:
    """A line for each rule, and one for all of them; the last column are pages that no other rule removes."""
    total = Counter(page.kind for page in found)
    yield f"{'rule':<32}" + "".join(f"{kind:>10}" for kind in KINDS) + f"{'alone':>8}"
    yield f"{'pages':<32}" + "".join(f"{total[kind]:>10,}" for kind in KINDS)
    rules = dict.fromkeys(rule for page in found for rule in page.broken)
    for rule in sorted(rules, key=lambda rule: -sum(rule in page.broken for page in found)):
        hit = Counter(page.kind for page in found if rule in page.broken)
        alone = sum(page.broken == (rule,) for page in found)
        yield f"{rule:<32}" + "".join(share(hit[kind], total[kind]) for kind in KINDS) + f"{alone:>8,}"
    removed = Counter(page.kind for page in found if page.broken)
    yield f"{'any':<32}" + "".join(share(removed[kind], total[kind]) for kind in KINDS)
    low, high = wilson(removed["yes"], total["yes"])
    yield f"wanted pages removed: {removed['yes']} of {total['yes']} audited ones (95%: {low:.2%} to {high:.2%})"
    yield f"{1000 * sum(page.seconds for page in found) / len(found):.2f} ms of CPU a page"


def share(part: int, whole: int) -> str:
    return f"{part / whole:>10.2%}" if whole else f"{'':>10}"


def main(per_site: int) -> int:
    if not DATA.exists():
        print(f"{DATA} is not there: the rules are measured on the shared data.", file=sys.stderr)
        return 2
    found = list(pages(DATA, per_site))
    for line in table(found):
        print(line)
    for page in found:
        if page.broken and page.kind == "yes":
            print(f"wanted and removed: {page.url} ({', '.join(page.broken)})")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else PER_SITE))
