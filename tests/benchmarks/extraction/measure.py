"""One site's pages through all extractors; pages of a site stay together, for its boilerplate shows on many."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tests.benchmarks.extraction.extractors import Extractor, make
from tests.benchmarks.extraction.reading import read_truth
from tests.benchmarks.extraction.score import METRICS, Share, repeated, score
from tests.benchmarks.extraction.sites import Page, Site

_DEPTH = 20_000  # Python frames: truth walks the tree by recursion, and pages nest deep


@dataclass(frozen=True)
class PageResult:
    url: str
    shares: dict[str, Share]
    seconds: float  # CPU


@dataclass(frozen=True)
class SiteResult:
    """What one extractor makes of one site."""

    site: str
    extractor: str
    pages: list[PageResult]

    def mean(self, metric: str) -> float | None:
        """Mean over the pages that hold anything of the kind; None where none does."""
        values = [page.shares[metric].value for page in self.pages if metric in page.shares]
        return fmean(values) if values else None


def measure_site(
    site: Site, pages: Sequence[Page], extractors: Sequence[str], datatrove: str = ""
) -> tuple[list[SiteResult], list[str]]:
    """Results by extractor, and the URLs of pages without a main area, which are left out."""
    sys.setrecursionlimit(_DEPTH)
    read = [(page, read_truth(page.html, site)) for page in pages]
    known = [(page, truth) for page, truth in read if truth is not None]
    boilerplate = repeated([truth for _, truth in known])
    results = []
    for name in extractors:
        extractor = make(name, datatrove)
        extractor.start_site()
        outputs = [(page, truth, *timed(extractor, page)) for page, truth in known]
        results.append(
            SiteResult(
                site.name,
                name,
                [
                    PageResult(page.url, score(truth, text, boilerplate), cpu)
                    for page, truth, text, cpu in outputs
                ],
            )
        )
    return results, [page.url for page, truth in read if truth is None]


def timed(extractor: Extractor, page: Page) -> tuple[str, float]:
    start = time.process_time()
    text, elsewhere = extractor(page.html, page.url)
    return text, time.process_time() - start if elsewhere is None else elsewhere


def macro(results: Sequence[SiteResult]) -> dict[str, float]:
    """Mean over sites of each metric."""
    means = {metric: [result.mean(metric) for result in results] for metric in METRICS}
    found = {metric: [value for value in values if value is not None] for metric, values in means.items()}
    return {metric: fmean(values) for metric, values in found.items() if values}


def pages_per_second(results: Sequence[SiteResult]) -> float:
    """Pages by CPU second of one core."""
    pages = [page for result in results for page in result.pages]
    return len(pages) / max(sum(page.seconds for page in pages), 1e-9)
