"""The crawl that the filter is measured on: 3 % wanted pages, on sites that its classifier never saw.

Built from the labelled pages of `../shared/data/web` alone, the same every time: the origins of each label are dealt
out to two halves; the classifier is trained on one, and the crawl is made of the other: all its negatives, and as many
positives as make 3 %. Records are copied as they stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from corpus.crawl.charset import decode
from corpus.crawl.html import full_extract
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.warc.records import Record
from corpus.demo.road import embedded
from corpus.engine import manifest
from corpus.engine.manifest import Manifest
from corpus.forge.config import Workspace
from corpus.relevance import model
from corpus.relevance.fasttext_model import Settings
from corpus.relevance.features import fasttext_line
from corpus.relevance.labels import AGENT, GENERAL
from corpus.relevance.training import Example, train_with_labels

WANTED_SHARE, FPR, PER_ORIGIN = 0.03, 0.01, 150


@dataclass(frozen=True)
class Mixed:
    """`crawl` has 3 % wanted pages, `wanted` all wanted pages of the same sites, `few` is what start-up is told by."""

    classifier: str
    crawl: str
    wanted: str
    few: str
    pages: int
    few_pages: int


def build(shared: Path, folder: Path, train_on: int = 0) -> Mixed:
    """Make it below `folder`, or take what is there. `train_on`: the half of the origins that is learnt from."""
    done = folder / "mixed.json"
    if done.exists():
        return Mixed(**json.loads(done.read_text()))
    web = shared / "web"
    labels = pq.read_table(web / "labels.parquet", columns=["url", "label", "origin"]).to_pylist()
    label_of = {row["url"]: (row["label"], row["origin"]) for row in labels}
    half = halves(label_of.values())
    records = [(r, *label_of[r.url]) for r in _responses(str(web)) if r.url in label_of]
    learnt = [(r, label, origin) for r, label, origin in records if half.get(origin) == train_on]
    classifier = _train(learnt, folder / "classifier")
    unseen = [(r, label) for r, label, origin in records if half.get(origin) == 1 - train_on]
    negatives = [r for r, label in unseen if label == "negative"]
    positives = sorted((r for r, label in unseen if label == "positive"), key=lambda r: _order(r.url))
    few_wanted = positives[: round(len(negatives) * WANTED_SHARE / (1 - WANTED_SHARE))]
    crawl = sorted([*negatives, *few_wanted], key=lambda r: _order(r.url))
    places = {
        "crawl": _copy(crawl, web, folder / "crawl" / "mixed-00.warc.gz"),
        "few": _copy(crawl[: len(crawl) // 10], web, folder / "few" / "few-00.warc.gz"),
        "wanted": _copy(positives[:1500], web, folder / "wanted" / "wanted-00.warc.gz"),
    }
    made = Mixed(classifier, pages=len(crawl), few_pages=len(crawl) // 10, **places)
    done.write_text(json.dumps(made.__dict__))
    return made


def demonstration(workspace: Path, folder: Path) -> Mixed:
    """The embedded crawl, ten times over, and the classifier of a finished demo: for want of labelled pages."""
    crawl = [Path(a.file.path) for a in find_archives([embedded("crawl", str(folder))])]
    data = b"".join(path.read_bytes() for path in crawl)
    places = {"few": folder / "few" / "few-00.warc.gz", "crawl": folder / "all" / "all-00.warc.gz"}
    for times, path in zip((1, 10), places.values()):
        path.parent.mkdir(parents=True)
        path.write_bytes(data * times)
    pages = sum(1 for _ in _responses(str(places["few"])))
    folders = {name: str(path.parent) for name, path in places.items()}
    classifier = Workspace(str(workspace))["classifier"]
    return Mixed(classifier, pages=10 * pages, few_pages=pages, wanted=folders["few"], **folders)


def halves(labelled: Any) -> dict[str, int]:
    """0 or 1 for each origin; the origins of each label are dealt out in a fixed order."""
    origins: dict[str, set[str]] = {}
    for label, origin in labelled:
        if label in ("positive", "negative"):
            origins.setdefault(label, set()).add(origin)
    return {
        origin: number % 2
        for names in origins.values()
        for number, origin in enumerate(sorted(names, key=_order))
    }


def _responses(path: str) -> Iterator[Record]:
    for archive in find_archives([path]):
        if "mini" not in archive.name:
            for found in read_archive(archive):
                if isinstance(found, Record) and found.type == "response" and found.payload:
                    yield found


def _train(pages: list[tuple[Record, str, str]], folder: Path) -> str:
    """A finished classifier stage; its threshold lets 1 % of the negatives of held-out folds pass."""
    examples, seen = [], dict.fromkeys((origin for _, _, origin in pages), 0)
    for record, label, origin in sorted(pages, key=lambda page: _order(page[0].url)):
        if label in ("positive", "negative") and seen[origin] < PER_ORIGIN:
            seen[origin] += 1
            html, _ = decode(record.payload, record.charset)
            line = fasttext_line(full_extract(html, record.url).text, record.url)  # as the stage learns
            if line:
                name = AGENT if label == "positive" else GENERAL
                examples.append(Example(record.id, record.url, origin, name, line))
    trained = train_with_labels(examples, [], Settings(), folds=4, target_fpr=FPR)
    files = model.save(str(folder), trained, url_words=True, folds=4)
    manifest.write(str(folder), Manifest("classifier", "benchmark", {}, [], {"funnel": ""}, files))
    return str(folder)


def _copy(records: list[Record], web: Path, target: Path) -> str:
    """The records' own bytes, one member each; the folder they are in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sources = {name: (web / name).read_bytes() for name in sorted({r.archive for r in records})}
    with target.open("wb") as out:
        for record in records:
            out.write(sources[record.archive][record.offset : record.offset + record.length])
    return str(target.parent)


def _order(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
