"""The demo crawl, built once for all tests of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.demo.crawl import write_crawl
from corpus.demo.truth import CrawlTruth


@pytest.fixture(scope="session")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrawlTruth]:
    """The folder and the truth of the crawl with seed 0."""
    folder = tmp_path_factory.mktemp("demo-crawl")
    return folder, write_crawl(folder)
