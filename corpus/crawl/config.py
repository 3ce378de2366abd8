"""The keys of the filter job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.crawl.inputs.asked import CrawlInput
from corpus.crawl.rules.policy import AGENTS, DIRECTIVES, OPT_OUTS
from corpus.crawl.rules.urlrules import UrlConfig
from corpus.engine.config import option
from corpus.hygiene.quality import Limits


@dataclass(frozen=True, kw_only=True)
class FilterConfig(CrawlInput):
    # The classifier's content is an input, so its place does not matter.
    classifier: str = option("folder of the finished classifier stage", volatile=True)
    threshold: float | None = option(
        "score of the kept text from which a page is kept; null takes the classifier's own",
        None,
        least=0,
        most=1,
    )
    second: bool = option(
        "false leaves out the classifier's second scorer, where it has one; its first then decides alone",
        True,
    )
    second_threshold: float | None = option(
        "chance by both scores from which a page is kept; null takes the classifier's own",
        None,
        least=0,
        most=1,
    )
    prefilter_threshold: float | None = option(
        "score of the raw bytes from which a page is parsed at all; null takes the calibrated one, or one "
        "of which half of the threshold's logit less 1.3 is the logit; 0 switches the step off",
        None,
        least=0,
        most=1,
    )
    light_threshold: float | None = option(
        "score of the light text from which a page is fully extracted; null takes the calibrated one, or "
        "the same",
        None,
        least=0,
        most=1,
    )
    calibration: str | None = option(
        "JSON file (or folder with calibration.json) that says prefilter_threshold and light_threshold",
        None,
        volatile=True,  # what it says is in the fingerprint
    )
    calibrate: str | None = option(
        "labels (CSV or Parquet with url, label) of pages of the input: filters nothing, chooses thresholds "
        "on them and writes calibration.json to the output",
        None,
        volatile=True,
    )
    recall_loss: float = option(
        "share of the wanted pages that the early steps may lose, for calibrate=",
        0.01,
        least=0,
        most=0.5,
        volatile=True,
    )
    urls: UrlConfig = option("rules on addresses", UrlConfig())
    languages: tuple[str, ...] = option("ISO 639-1 codes of the languages to keep; empty keeps all", ())
    min_words: int = option("pages with fewer words are dropped", 15, least=0)
    quality: Limits = option("limits of the quality rules; null switches one off", Limits())
    respect_opt_out: bool = option("drop pages that ask to be left out; the column opt_out stays", True)
    opt_out: tuple[str, ...] = option(
        f"directives of robots tags and headers that ask so, of {', '.join(DIRECTIVES)}",
        OPT_OUTS,
        choices=DIRECTIVES,
    )
    opt_out_agents: tuple[str, ...] = option(
        "names of crawlers whose own directives count beside those for all; *: any crawler's", AGENTS
    )
    full_extraction: bool = option(
        "false keeps the light text that the classifier saw: faster, code not verbatim", True
    )
    source: str = option("name that the pages carry in the column source", "common-crawl")
    page_bytes: int = option("larger bodies are dropped", 20 << 20, least=1 << 10, most=256 << 20)
    page_seconds: float = option(
        "a page that takes longer to parse fails with the reason timeout", 20.0, least=0.1
    )
    page_memory_mb: int = option("memory limit of the process that parses pages", 1024, least=512)
    recycle_after: int = option(
        "pages after which that process is replaced, whatever its libraries hoard",
        20_000,
        least=1,
        volatile=True,
    )
    cores: int | None = option(
        "cores that --plan reckons with; null takes those of this machine", None, least=1, volatile=True
    )
    core_hour_price: float = option(
        "what a core costs for an hour, for --plan; the default is an assumption about rented machines",
        0.04,
        least=0,
        volatile=True,
    )
    sample_archives: int = option("archives that --plan samples", 4, least=1, volatile=True)
    sample_records: int = option(
        "responses that --plan takes from the start of each of them", 500, least=1, volatile=True
    )
