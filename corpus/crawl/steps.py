"""The steps of the cascade, each a named object that looks at one page and may say why it is not wanted.

Outer steps look at the record's headers and bytes in the worker itself. Inner steps parse, and so run in the
child that may be killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from corpus.crawl.charset import decode
from corpus.crawl.language import detect
from corpus.crawl.light import light_text
from corpus.crawl.rules import policy
from corpus.crawl.walk import Candidate, Meter, Passage, Step, walk, walk_together
from corpus.crawl.warc.records import Record
from corpus.hygiene import quality

# for those who ask for them beside the steps
__all__ = ["Candidate", "Meter", "Passage", "Step", "walk", "walk_together"]
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
RESILIPARSE = "resiliparse"
_CHARACTERS_PER_WORD = 8  # scripts without spaces are measured by characters


class Scorer(Protocol):
    """What the cascade needs of the agent classifier."""

    def score(self, texts: Sequence[str], urls: Sequence[str]) -> list[float]: ...


class Prejudge(Protocol):
    """What the cascade needs of the pre-classifier: scores for raw bytes, no parser involved."""

    def scores(self, payloads: Sequence[bytes]) -> list[float]: ...


class Addresses(Protocol):
    """What the cascade needs of the URL rules."""

    def reason(self, url: str) -> str | None: ...


@dataclass
class RecordStep:
    """Record type, HTTP status, size, media type and first bytes."""

    name: str = "record"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        return precheck(page.record) or ""


@dataclass
class UrlStep:
    """Blocklists and rules on the address."""

    rules: Addresses
    name: str = "url"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        return self.rules.reason(page.record.url) or ""


@dataclass
class PrefilterStep:
    """The pre-classifier on the page's bytes. Its threshold is low: what it sorts out, nobody sees again."""

    model: Prejudge
    threshold: float | None
    name: str = "prefilter"

    def prepare(self, pages: Sequence[Candidate]) -> None:
        for page, score in zip(pages, self.model.scores([page.record.payload for page in pages])):
            page.prefilter_score = score

    def __call__(self, page: Candidate) -> str:
        if page.prefilter_score is None:
            self.prepare([page])
        assert page.prefilter_score is not None
        return self.name if page.prefilter_score < (self.threshold or 0.0) else ""


@dataclass
class DecodeStep:
    """Bytes to characters."""

    name: str = "decode"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        try:
            page.html, page.columns["charset"] = decode(page.record.payload, page.record.charset)
        except UnicodeError:
            return "undecodable"
        return ""


@dataclass
class LightTextStep:
    """The text that the classifier sees."""

    min_words: int
    name: str = "light_text"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        page.light = light_text(page.html)
        if not page.light.strip():
            return "empty"
        return "too_short" if is_short(page.light, self.min_words) else ""


@dataclass
class LanguageStep:
    """Detected for every page that comes here, compared only where `languages` names some."""

    languages: frozenset[str]
    name: str = "language"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        page.columns["language"] = language = detect(page.light)
        return self.name if self.languages and language not in self.languages else ""


@dataclass
class LightScoreStep:
    """The agent classifier on the light text."""

    scorer: Scorer
    threshold: float | None
    name: str = "light_score"

    def __call__(self, page: Candidate) -> str:
        page.light_score = score_of(self.scorer, page.light, page.record.url)
        return self.name if page.light_score < (self.threshold or 0.0) else ""


@dataclass
class PolicyStep:
    """What the page says of its own use.

    `honoured`: the directives that count, none where the filter is off; `agents`: those that speak for us.
    """

    honoured: Sequence[str]
    agents: Sequence[str]
    name: str = "policy"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        record = page.record
        said = policy.read(page.html, robots=record.robots, link=record.link, tdm=record.tdm)
        page.said = said
        page.columns.update(asdict(said))
        return "opt_out" if policy.asks_to_be_left_out(said.opt_out, self.honoured, self.agents) else ""


@dataclass
class ExtractionStep:
    """The text that is kept: fully extracted, or (`full` off) the light text."""

    full: bool
    min_words: int
    name: str = "extraction"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        from corpus.crawl.html import describe, full_extract

        record = page.record
        if self.full:
            found = full_extract(
                page.html, record.url, robots=record.robots, link=record.link, tdm=record.tdm, said=page.said
            )
            columns = asdict(found)
            page.text = columns.pop("text")
        else:
            columns = asdict(describe(page.html, robots=record.robots, link=record.link))
            columns |= {"extractor": RESILIPARSE, "code_share": 0.0}
            page.text = page.light
        page.columns = {**columns, **page.columns}
        page.columns["num_words"] = len(page.text.split())
        return "too_short" if is_short(page.text, self.min_words) else ""


@dataclass
class QualityStep:
    """Quality rules on the text that is kept; their signals become columns."""

    limits: quality.Limits
    name: str = "quality"
    threshold: float | None = None

    def __call__(self, page: Candidate) -> str:
        signals = quality.measure(page.text)
        page.columns.update(signals)
        broken = quality.failed(signals, self.limits)
        return f"quality_{broken[0]}" if broken else ""


@dataclass
class FinalScoreStep:
    """The agent classifier on the text that is kept: the score that decides."""

    scorer: Scorer
    threshold: float | None
    name: str = "agent_score"

    def __call__(self, page: Candidate) -> str:
        same = page.text == page.light and page.light_score is not None
        score = page.light_score if same else score_of(self.scorer, page.text, page.record.url)
        page.agent_score = score
        return self.name if score is not None and score < (self.threshold or 0.0) else ""


def score_of(scorer: Scorer, text: str, url: str) -> float:
    return float(scorer.score([text], [url])[0])


def precheck(record: Record) -> str | None:
    """The reason not to look into a record any further, told from its headers and first bytes."""
    if record.problem:
        return record.problem
    if record.http_status is None:
        return "not_html"
    if record.http_status != 200:
        return "http_status"
    if not record.payload.strip():
        return "empty"
    return None if looks_like_html(record) else "not_html"


def looks_like_html(record: Record) -> bool:
    """By media type; where the server named none, by the first bytes."""
    if record.mime:
        return record.mime in HTML_TYPES and not record.payload.startswith(
            (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"PK\3\4")
        )
    return record.payload[:512].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def is_short(text: str, min_words: int) -> bool:
    """Fewer than `min_words` words, and too few characters for those words in a script without spaces."""
    return len(text) < _CHARACTERS_PER_WORD * min_words and len(text.split(None, min_words)) < min_words
