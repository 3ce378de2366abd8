"""From records to decisions, the cheapest test first; full extraction meets what all others let through."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from corpus.crawl import policy
from corpus.crawl.records import Record
from corpus.crawl.sandbox import Sandbox, SandboxError
from corpus.engine.ledger import DROPPED, FAILED, KEPT

HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
# could not be read or processed, against: read, and not wanted
FAILURES = frozenset(
    {"bad_http", "bad_header", "bad_length", "bad_encoding", "damaged", "truncated"}
    | {"undecodable", "timeout", "crash", "memory"}
)
_CHARACTERS_PER_WORD = 8  # scripts without spaces are measured by characters
BATCH_RECORDS, BATCH_BYTES = 256, 32 << 20


class Scorer(Protocol):
    """What the cascade needs of the agent classifier."""

    def score(self, texts: Sequence[str], urls: Sequence[str]) -> list[float]: ...


@dataclass(frozen=True)
class Rules:
    """What is wanted. An empty `languages` takes all; `full_extraction` off keeps the light text."""

    threshold: float
    languages: frozenset[str] = frozenset()
    min_words: int = 20
    respect_opt_out: bool = True
    full_extraction: bool = True


@dataclass
class Decision:
    """What becomes of one response record. `page` holds the columns that extraction adds, for kept ones."""

    record: Record
    id: str
    reason: str = ""
    score: float | None = None
    page: dict[str, Any] | None = None

    @property
    def outcome(self) -> str:
        return KEPT if not self.reason else FAILED if self.reason in FAILURES else DROPPED


@dataclass
class _Candidate:
    decision: Decision
    text: str
    charset: str
    language: str | None


class Cascade:
    """Judges response records in batches. `seconds` adds up the wall time of each step."""

    def __init__(self, rules: Rules, scorer: Scorer, sandbox: Sandbox) -> None:
        self.rules, self.scorer, self.sandbox = rules, scorer, sandbox
        self.seconds: Counter[str] = Counter()

    def judge(self, records: Sequence[Record]) -> list[Decision]:
        """One decision per record, in the order of the records."""
        decisions = [Decision(r, r.id, precheck(r) or "") for r in records]
        candidates = [found for d in decisions if not d.reason and (found := self._scan(d))]
        self._score(candidates)
        for candidate in candidates:
            if not candidate.decision.reason:
                self._extract(candidate)
        return decisions

    def _scan(self, decision: Decision) -> _Candidate | None:
        """Light text and language, in the child."""
        record, rules = decision.record, self.rules
        with _Clock(self.seconds, "light_text"):
            try:
                found, text = self.sandbox.call("scan", record.payload, charset=record.charset)
            except SandboxError as error:
                decision.reason = error.reason
                return None
        if not text.strip():
            decision.reason = "empty"
        elif is_short(text, rules.min_words):
            decision.reason = "too_short"
        elif rules.languages and found["language"] not in rules.languages:
            decision.reason = "language"
        return None if decision.reason else _Candidate(decision, text, found["charset"], found["language"])

    def _score(self, candidates: Sequence[_Candidate]) -> None:
        if not candidates:
            return
        with _Clock(self.seconds, "classifier"):
            scores = self.scorer.score(
                [c.text for c in candidates], [c.decision.record.url for c in candidates]
            )
        for candidate, score in zip(candidates, scores, strict=True):
            candidate.decision.score = float(score)
            if score < self.rules.threshold:
                candidate.decision.reason = "agent_score"

    def _extract(self, candidate: _Candidate) -> None:
        """Full text and policy, in the child; policy alone where the light text is what is wanted."""
        decision = candidate.decision
        record = decision.record
        fields = {"charset": record.charset, "url": record.url, "robots": record.robots, "link": record.link}
        full = self.rules.full_extraction
        command, step = ("extract", "full_extraction") if full else ("describe", "policy")
        with _Clock(self.seconds, step):
            try:
                found, text = self.sandbox.call(command, record.payload, **fields)
            except SandboxError as error:
                decision.reason = error.reason
                return
        if not full:
            text = candidate.text
            found.update(extractor="resiliparse", code_share=0.0)
        if self.rules.respect_opt_out and policy.asks_to_be_left_out(found["opt_out"]):
            decision.reason = "opt_out"
        elif is_short(text, self.rules.min_words):
            decision.reason = "too_short"
        else:
            own = {"text": text, "charset": candidate.charset, "language": candidate.language}
            decision.page = {**found, **own, "num_words": len(text.split())}


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


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in groups that are bounded by number and by bytes."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.payload)
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Clock:
    def __init__(self, seconds: Counter[str], step: str) -> None:
        self._seconds, self._step = seconds, step

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._step] += time.perf_counter() - self._started  # type: ignore[assignment]
