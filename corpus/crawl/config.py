"""The keys of the filter job."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class FilterConfig(JobConfig):
    input: tuple[str, ...] = option(
        "WARC files, folders, globs or lists of paths (*.paths, *.paths.gz); local, s3:// or https://"
    )
    base: str = option("prefix of relative paths in lists, such as https://data.commoncrawl.org/", "")
    # The classifier's content is an input, so its place does not matter.
    classifier: str = option("folder of the finished classifier stage", volatile=True)
    threshold: float | None = option(
        "agent score from which a page is kept; null takes the classifier's own", None, least=0, most=1
    )
    languages: tuple[str, ...] = option("ISO 639-1 codes of the languages to keep; empty keeps all", ())
    min_words: int = option("pages with fewer words are dropped", 20, least=0)
    respect_opt_out: bool = option(
        "drop pages whose robots directives say noai, noindex, none or tdm-reservation", True
    )
    full_extraction: bool = option(
        "false keeps the light text that the classifier saw: faster, code not verbatim", True
    )
    source: str = option("name that the pages carry in the column source", "common-crawl")
    page_bytes: int = option("larger bodies are dropped", 20 << 20, least=1 << 10, most=256 << 20)
    page_seconds: float = option(
        "a page that takes longer to parse fails with the reason timeout", 20.0, least=0.1
    )
    page_memory_mb: int = option("memory limit of the process that parses pages", 2048, least=512)
