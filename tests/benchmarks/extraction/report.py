"""Tables of the results, and the worst pages with what they lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.benchmarks.extraction.gold import GoldResult, f1, precision_recall
from tests.benchmarks.extraction.measure import SiteResult, macro, pages_per_second
from tests.benchmarks.extraction.score import METRICS

_NAME = 20


def table(results: Sequence[SiteResult], extractors: Sequence[str], title: str) -> Iterator[str]:
    """One line per extractor, macro-averaged over sites."""
    sites = {result.site for result in results}
    yield f"{title}: {len(sites)} sites"
    yield f"  {'':<{_NAME}}" + "".join(f"{metric[:9]:>10}" for metric in METRICS) + f"{'pages/s':>10}"
    for name in extractors:
        own = [result for result in results if result.extractor == name]
        means = macro(own)
        yield (
            f"  {name:<{_NAME}}"
            + "".join(f"{_number(means.get(metric)):>10}" for metric in METRICS)
            + f"{pages_per_second(own):>10,.0f}"
        )


def worst_sites(results: Sequence[SiteResult], extractors: Sequence[str]) -> Iterator[str]:
    """For each extractor the worst site of each metric."""
    yield "worst site of each"
    for name in extractors:
        own = [result for result in results if result.extractor == name]
        parts = []
        for metric in METRICS:
            values = [(value, one.site) for one in own if (value := one.mean(metric)) is not None]
            if values:
                value, site = max(values) if metric == "leak" else min(values)
                parts.append(f"{metric} {_number(value)} {site}")
        yield f"  {name:<{_NAME}}" + ", ".join(parts)


def by_site(results: Sequence[SiteResult], name: str) -> Iterator[str]:
    """Every site of one extractor."""
    yield f"{name}, site by site"
    for one in sorted((result for result in results if result.extractor == name), key=lambda one: one.site):
        values = "".join(f"{_number(one.mean(metric)):>10}" for metric in METRICS)
        yield f"  {one.site:<{_NAME}}{values}{len(one.pages):>6} pages"


def worst_pages(
    results: Sequence[SiteResult], name: str, metric: str, *, pages: int, strings: int
) -> Iterator[str]:
    """Pages by what they lose, weighed as the macro average weighs them, with the strings."""
    found = [
        (_loss(page.shares[metric].value, metric) / len(one.pages), page, one.site)
        for one in results
        if one.extractor == name
        for page in one.pages
        if metric in page.shares
    ]
    yield f"{name}, worst pages by {metric}"
    for weight, page, site in sorted(found, key=lambda one: (-one[0], one[1].url))[:pages]:
        share = page.shares[metric]
        if not weight:
            break
        yield f"  {_number(share.value)} ({share.kept:g} of {share.total:g})  {site}  {page.url}"
        for text in share.lost[:strings]:
            yield f"        {text[:160]!r}"


def gold_table(results: Sequence[GoldResult], title: str) -> Iterator[str]:
    yield title
    yield f"  {'':<{_NAME}}{'F1':>8}{'precision':>11}{'recall':>8}{'F1 exact':>10}{'pages':>7}{'pages/s':>9}"
    for one in results:
        precision, recall = precision_recall(one.normal)
        yield (
            f"  {one.extractor:<{_NAME}}{_number(f1(one.normal)):>8}{_number(precision):>11}{_number(recall):>8}"
            f"{_number(f1(one.exact)):>10}{one.pages:>7}{one.pages / max(one.seconds, 1e-9):>9,.0f}"
        )


def worst_gold(results: Sequence[GoldResult], name: str, *, pages: int) -> Iterator[str]:
    for one in results:
        if one.extractor == name:
            yield f"{name}, pages that lose or leak most"
            for url, missing, unwanted in sorted(one.wrong, key=lambda row: -len(row[1]) - len(row[2]))[
                :pages
            ]:
                yield f"  {url}\n        missing {missing}\n        unwanted {unwanted}"


def _loss(value: float, metric: str) -> float:
    return value if metric == "leak" else 1 - value


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}".replace("0.", ".", 1) if value < 1 else "1.000"
