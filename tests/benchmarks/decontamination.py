"""Decontamination measured: benchmark items planted into real pages in several forms, and pages left as they are.

Planted are items drawn at random from the real benchmarks, whatever their length: as their record stands in the
file, as the record in another JSON layout, as the bare question, and as the gold calls in other notations with
their arguments in another order. Recall is the share of planted pages in which the stage's own functions find the
benchmark; a false flag is a page without a plant that is flagged.
"""

from __future__ import annotations

import gzip
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from corpus.hygiene import benchmarks, index, indexing
from corpus.hygiene.config import HygieneConfig
from corpus.hygiene.contamination import Found, Scanner, proven
from corpus.hygiene.items import Part, parts_of
from corpus.hygiene.redaction import FINDERS, redact

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ITEMS = 1000  # planted per form
LEAST_PAGE = 800  # words of a page that gets a plant


@dataclass(frozen=True)
class Plant:
    """A page with an item in one form. `indexed`: its parts can prove something at all."""

    form: str
    text: str
    host: str
    indexed: bool


def measure(workspace: Path) -> Iterator[str]:
    if not SHARED.is_dir():
        yield "decontamination: the real pages and benchmarks of ../shared/data are not there"
        return
    pages = list(read_pages())
    config = HygieneConfig(input=(), output="")
    files = benchmarks.find([str(SHARED / "benchmarks" / "benchmarks_flat.jsonl.gz")])
    began = time.process_time()
    built, counts = indexing.build(
        benchmarks.read(files).parts, size=config.ngram, least_words=config.min_item_words
    )
    yield (
        f"decontamination: {len(pages):,} real pages, {counts['indexed']:,} parts of items and {counts['grams']:,} "
        f"n-grams indexed in {time.process_time() - began:.1f} s; {counts['without_evidence']:,} parts too short"
    )
    scanner = Scanner(built, overlap=config.overlap, call_overlap=config.call_overlap)
    plants = list(planted(pages))
    began = time.process_time()
    clean = [(host, scanner.scan(text)) for host, text in pages]
    spent = time.process_time() - began
    found = [(plant, scanner.scan(plant.text)) for plant in plants]
    everything = [*clean, *((plant.host, hit) for plant, hit in found)]
    common = common_grams(everything, config.common_hosts)
    yield f"  scan: {len(pages) / spent:,.0f} pages/s of CPU time, {len(common)} common n-grams discounted"
    flagged = sum(is_contaminated(hit, built, common) for _, hit in clean)
    yield f"  false flags: {flagged} of {len(pages):,} pages without a plant, {flagged / len(pages):.4%}"
    for form in FORMS:
        mine = [(plant, is_contaminated(hit, built, common)) for plant, hit in found if plant.form == form]
        able = [hit for plant, hit in mine if plant.indexed]
        yield (
            f"  {form:<44} recall {sum(able) / len(able):.4f} of {len(able):,} items that prove something, "
            f"{sum(hit for _, hit in mine) / len(mine):.4f} of all {len(mine):,}"
        )
    yield from redaction_speed([text for _, text in pages])


def is_contaminated(found: Found, built: index.BenchmarkIndex, common: set[int]) -> bool:
    return any(proven(candidate, built.known[candidate.part], common) for candidate in found.candidates)


def common_grams(found: list[tuple[str, Found]], most: int) -> set[int]:
    hosts: dict[int, set[str]] = defaultdict(set)
    for host, page in found:
        for gram in page.grams:
            hosts[gram].add(host)
    return {gram for gram, names in hosts.items() if len(names) > most}


def read_pages() -> Iterator[tuple[str, str]]:
    """(host, text) of all pages of the real crawl."""
    for file in sorted((SHARED / "web").glob("*-0?.warc.gz")):
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                data = record.reader.read()
                html = bytes_to_str(data, detect_encoding(data))
                text = extract_plain_text(html, main_content=True, preserve_formatting=True)
                yield urlsplit(record.headers.get("WARC-Target-URI")).netloc, text


def planted(pages: list[tuple[str, str]]) -> Iterator[Plant]:
    rng = random.Random(7)
    hosts = [page for page in pages if len(page[1].split()) >= LEAST_PAGE]
    records = list(read_records())
    for form, write in FORMS.items():
        drawn = 0
        for raw, record, name in rng.sample(records, len(records)):
            text = write(raw, record, rng)
            if not text or drawn == ITEMS:
                continue
            drawn += 1
            host, page = rng.choice(hosts)
            indexed = proves(parts_of(record, name, 0), form)
            yield Plant(form, embed(page, text, rng), host, indexed)


def proves(parts: list[Part], form: str) -> bool:
    """Whether what the form shows of the item is enough to prove anything, by the stage's own rule."""
    kinds = (
        {"question"} if "question" in form else {"gold"} if "gold" in form else {"question", "gold", "text"}
    )
    alone_too = "record" not in form  # without its record, an item lacks the id that may stand beside it
    shown = [replace(part, item="") if alone_too else part for part in parts if part.kind in kinds]
    default = HygieneConfig(input=(), output="")
    alone, _ = indexing.build(shown, size=default.ngram, least_words=default.min_item_words)
    return bool(alone.known)


def read_records() -> Iterator[tuple[str, dict[str, Any], str]]:
    """(raw text, record, benchmark) of the records that are items."""
    with gzip.open(SHARED / "benchmarks" / "benchmarks_flat.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            outer = json.loads(line)
            if outer["text"].lstrip().startswith("{"):
                record = json.loads(outer["text"])
                if parts_of(record, outer["origin"], 0):
                    yield outer["text"], record, outer["origin"]


def embed(page: str, text: str, rng: random.Random) -> str:
    """`text` on lines of its own somewhere in the page."""
    lines = page.split("\n")
    at = rng.randint(0, len(lines))
    return "\n".join([*lines[:at], text, *lines[at:]])


Write = Callable[[str, dict[str, Any], random.Random], str]


def raw_record(raw: str, record: dict[str, Any], rng: random.Random) -> str:
    return raw


def pretty(raw: str, record: dict[str, Any], rng: random.Random) -> str:
    keys = rng.sample(list(record), len(record))
    return json.dumps(
        {key: record[key] for key in keys}, indent=rng.choice((2, 4)), ensure_ascii=rng.random() < 0.5
    )


def question(raw: str, record: dict[str, Any], rng: random.Random) -> str:
    return "\n\n".join(part.text for part in parts_of(record, "", 0) if part.kind == "question")


def python_calls(raw: str, record: dict[str, Any], rng: random.Random) -> str:
    return "\n".join(
        f"{name}({', '.join(f'{k}={v!r}' if k else repr(v) for k, v in given)})"
        for name, given in gold(record, rng)
    )


def json_calls(raw: str, record: dict[str, Any], rng: random.Random) -> str:
    calls = [{"name": name, "arguments": dict(given)} for name, given in gold(record, rng)]
    return json.dumps(calls, indent=rng.choice((None, 2))) if calls else ""


def gold(record: dict[str, Any], rng: random.Random) -> list[tuple[str, list[tuple[str, str]]]]:
    """The gold calls with one accepted value each and the arguments shuffled."""
    calls = [call for part in parts_of(record, "", 0) if part.kind == "gold" for call in part.calls]
    chosen = [(call.name, [(k, rng.choice(v)) for k, v in call.arguments if "" not in v]) for call in calls]
    return [(name, rng.sample(given, len(given))) for name, given in chosen]


FORMS: dict[str, Write] = {
    "record, verbatim": raw_record,
    "record, other JSON layout and key order": pretty,
    "question, verbatim": question,
    "gold calls in Python, arguments shuffled": python_calls,
    "gold calls in JSON, arguments shuffled": json_calls,
}


def redaction_speed(texts: list[str]) -> Iterator[str]:
    began = time.process_time()
    for text in texts:
        redact(text)
    spent = time.process_time() - began
    yield f"secrets and personal data, all types: {len(texts) / spent:,.0f} pages/s of CPU time"
    for name, finder in FINDERS.items():
        began = time.process_time()
        found = sum(len(list(finder(text))) > 0 for text in texts)
        spent = time.process_time() - began
        yield f"  {name:<16} {len(texts) / spent:>10,.0f} pages/s   found on {found:,} pages"
