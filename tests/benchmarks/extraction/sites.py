"""The documentation sites, their pages and the hand-made choice of each site's main area."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from corpus.crawl.charset import decode
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.warc.records import Record

_HERE = Path(__file__).resolve().parent
DATA = _HERE.parents[3] / "shared" / "data"
_CLASS = re.compile(r'\bc\("([^"]+)"\)')
_KEYS = ("drop", "neutral", "signatures", "layout", "code")


@dataclass(frozen=True)
class Site:
    """XPaths of one site; see sites.yaml for what each list means."""

    name: str
    main: tuple[str, ...] = ("//body",)
    drop: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    layout: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    url: str
    html: str


def load_sites() -> dict[str, Site]:
    read = yaml.safe_load((_HERE / "sites.yaml").read_text("utf-8"))
    return {name: make_site(name, own, read["generic"]) for name, own in read["sites"].items()}


def load_styles(part: str) -> list[tuple[Site, Page]]:
    """The hand-written pages of `<part>.yaml`, each a site of its own."""
    generic = yaml.safe_load((_HERE / "sites.yaml").read_text("utf-8"))["generic"]
    styles = yaml.safe_load((_HERE / f"{part}.yaml").read_text("utf-8"))
    found = []
    for style, own in styles.items():
        for name in (style, *own.get("also", ())):
            html = (_HERE / part / f"{name}.html").read_text("utf-8")
            page = Page(f"https://{name}.example.org/docs/page.html", html)
            found.append((make_site(name, own, generic), page))
    return found


def make_site(name: str, own: Mapping[str, Any], generic: Mapping[str, Any]) -> Site:
    """A site with what holds for all sites added to its own."""
    lists = {key: tuple(map(_xpath, [*generic.get(key, ()), *own.get(key, ())])) for key in _KEYS}
    return Site(name=name, main=tuple(map(_xpath, own["main"])), **lists)


def sample(sites: Sequence[str], pages: int, data: Path = DATA) -> dict[str, list[Page]]:
    """Up to `pages` pages of each site, chosen by the hash of their URL: the same ones each time."""
    columns = ["url", "origin", "label"]
    table = pq.read_table(data / "web" / "labels.parquet", columns=columns).to_pylist()
    by_site: dict[str, list[str]] = defaultdict(list)
    for row in table:
        if row["origin"] in sites:
            by_site[row["origin"]].append(row["url"])
    site_of = {url: site for site, urls in by_site.items() for url in sorted(set(urls), key=_rank)[:pages]}
    found: dict[str, list[Page]] = {site: [] for site in sites}
    for page in read_pages(site_of, data):
        found[site_of[page.url]].append(page)
    return {site: sorted(pages, key=lambda page: _rank(page.url)) for site, pages in found.items()}


def read_pages(urls: Mapping[str, Any] | set[str], data: Path = DATA) -> Iterator[Page]:
    """The pages of these URLs, each once."""
    wanted = set(urls)
    archives = find_archives(
        [str(data / "web" / pattern) for pattern in ("ship-*.warc.gz", "localonly-*.warc.gz")]
    )
    for archive in archives:
        for record in read_archive(archive):
            if isinstance(record, Record) and record.type == "response" and record.url in wanted:
                wanted.discard(record.url)
                yield Page(record.url, decode(record.payload, record.charset)[0])


def _rank(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _xpath(path: str) -> str:
    return _CLASS.sub(r'contains(concat(" ", normalize-space(@class), " "), " \1 ")', path)
