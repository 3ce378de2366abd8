"""The demo's crawl: WARC files of pages whose right treatment is known, to measure every stage against.

Nothing in it comes from the network. API reference is rendered from the running Python's standard library,
everything else is written by grammars; the same Python and the same seed give the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from corpus.demo.broken import damaged_wrappings, nested_page, unreadable_pages, useless_pages
from corpus.demo.doc import Distinct, Doc, take_distinct
from corpus.demo.duplicates import plant
from corpus.demo.html import Site
from corpus.demo.page import Page, html_page
from corpus.demo.prose import documents, load_yaml
from corpus.demo.spam import spam_pages
from corpus.demo.stdlib import CRAWL_MODULES, module_documents
from corpus.demo.truth import CrawlTruth, TruthRow, write_truth
from corpus.demo.unclean import plant_unclean
from corpus.demo.wanted import agent_documents, cli_documents, rest_documents
from corpus.demo.warc import record_id, write_warc

FILES = 5
# No two pages that were not planted as duplicates are closer than this (word-5-gram Jaccard).
MOST_ALIKE = 0.45
# Wanted pages per site by kind; a module gives at most PER_MODULE of them.
COUNTS = {"reference": 32, "rest": 16, "cli": 15, "agents": 15}
PER_MODULE = 4
COMPANY_PAGES, SPAM_PAGES = 3, 48
_STYLES = ("plain", "sphinx", "boxes", "javadoc")

Pair = tuple[Page, Doc]


def write_crawl(folder: Path, *, seed: int = 0) -> CrawlTruth:
    """Write `demo-0000N.warc.gz` and `truth.parquet` into `folder` (made if need be) and return the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = build_pages(str(seed))
    rows: list[TruthRow] = []
    names = [f"demo-{number:05d}.warc.gz" for number in range(FILES)]
    for number, name in enumerate(names):
        mine = _with_damage(pages, number)
        write_warc(folder / name, mine, version="1.1" if number % 2 else "1.0", first=number * len(pages))
        rows += [_row(page, name) for page in mine]
    write_truth(folder / "truth.parquet", rows)
    return CrawlTruth(tuple(rows), tuple(names), {page.url: page.text for page in pages if page.text})


def build_pages(seed: str) -> list[Page]:
    """Every planted page in the order of the crawl. Pages with damage are the last two."""
    distinct = Distinct(MOST_ALIKE)
    sites = wanted_sites()
    wanted, spare = _wanted(sites, distinct, seed)
    ordinary = _ordinary(sites, distinct, seed)
    reference = [site for site in sites if site.genre == "reference"]
    agent_twins = plant([p for p in wanted if p[0].site in reference], reference, near=8, same=12, seed=seed)
    latin = [pair for pair in ordinary if pair[0].language == "en"]
    other_twins = plant(latin, [page.site for page, _ in latin], near=2, same=6, seed=seed)
    pages = [page for page, _ in chain(wanted, ordinary)] + agent_twins + other_twins
    pages += spam_pages(SPAM_PAGES, seed)
    pages += _troubled(reference, spare, random.Random(f"{seed}:broken"))
    random.Random(f"{seed}:order").shuffle(pages)
    flipped, cut = (html_page(site, doc, "agent", folder="lost/") for site, doc in islice(spare, 2))
    flipped, cut = (replace(page, expected="damaged", text="") for page in (flipped, cut))
    return [
        *pages,
        replace(flipped, damage="flip", note="its gzip member has inverted bytes"),
        replace(cut, damage="truncate", note="the file ends in the middle of it"),
    ]


def wanted_sites() -> list[Site]:
    """The sites that hold wanted pages; `genre` says of which kind."""
    bank = load_yaml("sites")
    return [_site(entry, genre=kind) for kind in COUNTS for entry in bank[kind]]


def _wanted(
    sites: Sequence[Site], distinct: Distinct, seed: str
) -> tuple[list[Pair], Iterator[tuple[Site, Doc]]]:
    """Wanted pages, and as an iterator further reference pages that stand on none of the sites yet."""
    pairs: list[Pair] = []
    spare: list[tuple[Site, Doc]] = []
    reference = [site for site in sites if site.genre == "reference"]
    for number, site in enumerate(reference):
        docs = chain.from_iterable(_of_module(name) for name in CRAWL_MODULES[number :: len(reference)])
        found = take_distinct(docs, distinct, COUNTS["reference"] + 4)
        pairs += _pages(site, found[: COUNTS["reference"]], "agent")
        spare += [(site, doc) for doc in found[COUNTS["reference"] :]]
    sources = {"rest": rest_documents(seed), "cli": cli_documents(seed), "agents": agent_documents(seed)}
    written: list[Pair] = []
    for site in sites:
        if site.genre in sources:
            found = take_distinct(sources[site.genre], distinct, COUNTS[site.genre])
            written += _pages(site, found, "agent")
    # None of these gets a duplicate: what hygiene takes away is not counted against deduplication.
    return [*pairs, *plant_unclean(written, seed)], iter(spare)


def _of_module(name: str) -> Iterator[Doc]:
    return islice(module_documents(name), PER_MODULE)


def _ordinary(wanted: Sequence[Site], distinct: Distinct, seed: str) -> list[Pair]:
    """Ordinary pages: each genre on its own sites, and a few beside the reference of each wanted site."""
    pairs: list[Pair] = []
    for number, (genre, entry) in enumerate(load_yaml("sites")["genres"].items()):
        docs = take_distinct(documents(genre, seed), distinct, entry["count"])
        hosts = entry["hosts"]
        style = _STYLES[number % len(_STYLES)]
        for at, host in enumerate(hosts):
            # The last site of each genre is held out.
            split = "test" if at == len(hosts) - 1 else "train"
            name = host.split(".")[0].replace("-", " ").title()
            site = _site({**entry, "host": host, "split": split, "name": name, "style": style}, genre=genre)
            pairs += _pages(site, docs[at :: len(hosts)], "general")
    company = documents("company", seed)
    for site in wanted:
        pairs += _pages(site, take_distinct(company, distinct, COMPANY_PAGES), "general")
    return pairs


def _troubled(sites: Sequence[Site], spare: Iterator[tuple[Site, Doc]], rng: random.Random) -> list[Page]:
    """Broken records, good pages in bad wrappings, and pages that say how they may be used."""
    pages: list[Page] = []
    for site in (sites[0], sites[2]):
        pages += useless_pages(site, rng)
        pages += unreadable_pages(site, next(spare)[1])
    pages.append(nested_page(sites[0]))
    pages += damaged_wrappings(
        [html_page(site, doc, "agent", folder="odd/") for site, doc in islice(spare, 14)]
    )
    noai = '<meta name="robots" content="noai, noindex">'
    licence = '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
    for meta, note, expected in (
        (noai, "robots meta: noai, noindex", "dropped"),
        (licence, "licence link: CC BY 4.0", "kept"),
    ):
        site, doc = next(spare)
        page = html_page(site, doc, "agent", folder="policy/", meta=meta)
        pages.append(replace(page, note=note, expected=expected))
    return pages


def _pages(site: Site, docs: Iterable[Doc], label: str) -> list[Pair]:
    return [(html_page(site, doc, label, number=number), doc) for number, doc in enumerate(docs)]


def _site(entry: dict[str, Any], genre: str) -> Site:
    return Site(
        host=entry["host"],
        split=entry["split"],
        name=entry["name"],
        skeleton=entry["skeleton"],
        style=entry["style"],
        nav=tuple(entry.get("nav", ())),
        aside=tuple(entry.get("aside", ())),
        footer=entry.get("footer", ""),
        genre=genre,
    )


def _with_damage(pages: Sequence[Page], number: int) -> list[Page]:
    """The pages of file `number`: the flipped record is amid the last but one, the cut one ends the last."""
    *sound, flipped, cut = pages
    mine = list(sound[number::FILES])
    if number == FILES - 2:
        mine.insert(len(mine) // 2, flipped)
    return [*mine, cut] if number == FILES - 1 else mine


def _row(page: Page, warc: str) -> TruthRow:
    return TruthRow(
        url=page.url,
        warc=warc,
        record_id=record_id("response", page.url),
        host=page.site.host,
        label=page.label,
        genre=page.genre,
        language=page.language,
        charset=page.charset,
        expected=page.expected,
        split=page.site.split,
        duplicate_of=page.duplicate_of,
        relation=page.relation,
        jaccard=page.jaccard,
        note=page.note,
        benchmark_item=page.benchmark_item,
        secret=page.secret,
    )
