"""News, articles and recipes: strings that people marked as belonging to the text, and strings that do not.

The figure is that of trafilatura's own evaluation (`tests/evaluate.py`): over all pages, a marked string that is in
the output is a true positive, one that is missing a false negative, and an unwanted string that is there a false
positive; F1 = 2 tp / (2 tp + fp + fn). Here strings are compared without white space and Markdown's marks, so that
line breaks and emphasis do not count; `exact` compares as trafilatura does.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.extraction.extractors import make
from tests.benchmarks.extraction.measure import timed
from tests.benchmarks.extraction.normal import squeeze
from tests.benchmarks.extraction.sites import DATA, Page, read_pages


@dataclass(frozen=True)
class GoldPage:
    page: Page
    wanted: list[str]
    unwanted: list[str]


@dataclass
class GoldResult:
    extractor: str
    pages: int = 0
    seconds: float = 0.0
    normal: list[int] = field(default_factory=lambda: [0, 0, 0])  # tp, fp, fn
    exact: list[int] = field(default_factory=lambda: [0, 0, 0])
    wrong: list[tuple[str, list[str], list[str]]] = field(default_factory=list)  # url, missing, unwanted


def read_gold(data: Path = DATA) -> tuple[list[GoldPage], list[GoldPage]]:
    """Articles with their marked strings, and recipes whose ingredients and steps are the wanted strings."""
    with gzip.open(data / "gold" / "gold.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    pages = {page.url: page for page in read_pages({row["url"] for row in rows}, data)}
    articles, recipes = [], []
    for row in rows:
        page = pages.get(row["url"])
        if page is not None and "with" in row:
            articles.append(GoldPage(page, row["with"], row["without"]))
        elif page is not None:
            recipes.append(GoldPage(page, _recipe(row["data"]), []))
    return articles, [recipe for recipe in recipes if recipe.wanted]


def measure_gold(pages: Sequence[GoldPage], name: str, datatrove: str = "") -> GoldResult:
    extractor = make(name, datatrove)
    extractor.start_site()
    result = GoldResult(name)
    for gold in pages:
        text, seconds = timed(extractor, gold.page)
        result.pages += 1
        result.seconds += seconds
        squeezed = squeeze(text).text
        missing = [wanted for wanted in gold.wanted if squeeze(wanted).text not in squeezed]
        unwanted = [other for other in gold.unwanted if squeeze(other).text in squeezed]
        _add(result.normal, len(gold.wanted) - len(missing), len(unwanted), len(missing))
        there = sum(wanted in text for wanted in gold.wanted)
        _add(result.exact, there, sum(other in text for other in gold.unwanted), len(gold.wanted) - there)
        if missing or unwanted:
            result.wrong.append((gold.page.url, missing, unwanted))
    return result


def f1(counts: Sequence[int]) -> float:
    right, wrong, missing = counts
    return 2 * right / max(2 * right + wrong + missing, 1)


def precision_recall(counts: Sequence[int]) -> tuple[float, float]:
    right, wrong, missing = counts
    return right / max(right + wrong, 1), right / max(right + missing, 1)


def _add(counts: list[int], *more: int) -> None:
    counts[:] = [old + new for old, new in zip(counts, more)]


def _recipe(data: dict[str, object] | str) -> list[str]:
    """Ingredients and steps, each once."""
    read = json.loads(data) if isinstance(data, str) else data
    lists = (read.get("ingredients"), read.get("instructions_list"))
    strings = [text for one in lists if isinstance(one, list) for text in one if isinstance(text, str)]
    return list(dict.fromkeys(text for text in strings if squeeze(text).text))
