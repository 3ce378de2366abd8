"""python -m tests.benchmarks.extraction: fidelity of extractors on the documentation sites and the gold strings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.benchmarks.extraction import gold, report
from tests.benchmarks.extraction.extractors import EXTRACTORS
from tests.benchmarks.extraction.measure import SiteResult, measure_site
from tests.benchmarks.extraction.score import METRICS
from tests.benchmarks.extraction.sites import DATA, load_sites, load_styles, sample

STYLES = {
    "styles": "hand-written pages in the manner of other generators",
    "chrome": "hand-written pages, navigation and banners in the proportions of real ones",
}
PARTS = ("sites", *STYLES, "gold")


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    if not (DATA / "web" / "labels.parquet").exists():
        print(f"{DATA} is not there; the fidelity of extraction is measured on its pages.", file=sys.stderr)
        return 2
    sites = load_sites()
    chosen = options.sites or sorted(sites)
    known = {*sites, *EXTRACTORS, *METRICS, *PARTS}
    unknown = sorted({*chosen, *options.extractors, *options.worst, *options.parts} - known)
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    if "datatrove" in options.extractors and not options.datatrove:
        print("datatrove: its settings of trafilatura; its own step is skipped (--datatrove PYTHON runs it).")
    with ProcessPoolExecutor(options.processes) as pool:
        if "sites" in options.parts:
            _sites(options, chosen, pool)
        for part, title in STYLES.items():
            if part in options.parts:
                _styles(options, part, title)
        if "gold" in options.parts:
            _gold(options, pool)
    return 0


def _sites(options: argparse.Namespace, chosen: Sequence[str], pool: ProcessPoolExecutor) -> None:
    sites, pages = load_sites(), sample(chosen, options.pages)
    largest = sorted(chosen, key=lambda name: -sum(len(page.html) for page in pages[name]))
    tasks = [
        pool.submit(measure_site, sites[name], pages[name], options.extractors, options.datatrove)
        for name in largest
    ]
    results: list[SiteResult] = []
    for task in tasks:
        found, without = task.result()
        results += found
        for url in without:
            print(f"no main area: {url}")
    results.sort(key=lambda one: one.site)
    _print(report.table(results, options.extractors, f"fidelity, up to {options.pages} pages a site"))
    _print(report.worst_sites(results, options.extractors))
    if options.holdout:
        names = sorted({result.site for result in results})
        for title, half in (("odd sites", names[::2]), ("even sites", names[1::2])):
            own = [result for result in results if result.site in half]
            _print(report.table(own, options.extractors, title))
    _details(results, options)


def _styles(options: argparse.Namespace, part: str, title: str) -> None:
    results = []
    for site, page in load_styles(part):
        results += measure_site(site, [page], options.extractors, options.datatrove)[0]
    _print(report.table(results, options.extractors, title))
    _details(results, options)


def _details(results: Sequence[SiteResult], options: argparse.Namespace) -> None:
    """What the author of the last named extractor wants to see."""
    name = options.extractors[-1]
    _print(report.by_site(results, name))
    for metric in options.worst:
        _print(report.worst_pages(results, name, metric, pages=options.worst_pages, strings=options.strings))


def _gold(options: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    articles, recipes = gold.read_gold()
    for title, pages in (
        ("news and articles, gold strings", articles),
        ("recipes, ingredients and steps", recipes),
    ):
        tasks = [
            pool.submit(gold.measure_gold, pages, name, options.datatrove) for name in options.extractors
        ]
        results = [task.result() for task in tasks]
        _print(report.gold_table(results, title))
        if options.worst:
            _print(report.worst_gold(results, options.extractors[-1], pages=options.worst_pages))


def _print(lines: object) -> None:
    for line in lines:  # type: ignore[attr-defined]
        print(line, flush=True)
    print()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.extraction", description=__doc__)
    parser.add_argument("--sites", type=_names, default=[], help="these sites alone, divided by commas")
    parser.add_argument("--extractors", type=_names, default=list(EXTRACTORS), help=", ".join(EXTRACTORS))
    parser.add_argument("--pages", type=int, default=25, help="pages of each site (25)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--datatrove", default="", metavar="PYTHON", help="the interpreter that has datatrove"
    )
    parser.add_argument("--holdout", action="store_true", help="odd and even sites in tables of their own")
    parser.add_argument(
        "--worst",
        type=_names,
        default=[],
        metavar="METRIC",
        help=f"pages that lose most: {', '.join(METRICS)}",
    )
    parser.add_argument("--worst-pages", type=int, default=10, help="how many of them (10)")
    parser.add_argument("--strings", type=int, default=6, help="lost strings of each (6)")
    parser.add_argument("--parts", type=_names, default=list(PARTS), help=f"of {', '.join(PARTS)}")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
