"""Settings of the harvest job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.crawl.inputs.asked import CrawlInput
from corpus.crawl.rules.policy import AGENTS, DIRECTIVES, OPT_OUTS
from corpus.engine.config import option
from corpus.harvest.starts import KINDS
from corpus.hygiene.quality import Limits


@dataclass(frozen=True, kw_only=True)
class HarvestConfig(CrawlInput):
    """What to harvest, how far to follow links, and what is no seed."""

    # what the starts say is an input of the stage, their place is not
    start: tuple[str, ...] = option(
        "addresses of documentation sites, or YAML lists of them (docs/rounds.md)", volatile=True
    )
    source: str | None = option(
        "name of the source, for starts that name none; null takes their host", None, volatile=True
    )
    kind: str = option(
        "kind of the seeds, for starts that name none", "tool_doc", choices=KINDS, volatile=True
    )
    licence: str | None = option(
        "licence of starts that name none; null takes what each page states", None, volatile=True
    )
    levels: int = option(
        "how many links away from the pages under the prefixes pages are taken", 1, least=0, most=20
    )
    most_per_level: int = option("most pages of one start in each level", 2_000, least=1)
    most_per_start: int = option("most pages of one start in all levels", 5_000, least=1)
    languages: tuple[str, ...] = option("ISO 639-1 codes of the languages to keep; empty keeps all", ())
    min_words: int = option("pages with fewer words are dropped", 30, least=0)
    quality: Limits = option(
        "limits of the quality rules; null switches one off",
        Limits(min_substance=40, min_substance_share=0.3),
    )
    respect_opt_out: bool = option("drop pages that ask to be left out", True)
    opt_out: tuple[str, ...] = option(
        f"directives of robots tags and headers that ask so, of {', '.join(DIRECTIVES)}",
        OPT_OUTS,
        choices=DIRECTIVES,
    )
    opt_out_agents: tuple[str, ...] = option(
        "names of crawlers whose own directives count beside those for all; *: any crawler's", AGENTS
    )
    page_bytes: int = option("larger bodies are dropped", 20 << 20, least=1 << 10, most=256 << 20)
    page_seconds: float = option("time that one page may take", 20.0, least=0.1, volatile=True)
    page_memory_mb: int = option("memory limit of the process that parses pages", 1024, least=512)
