"""From records to decisions, the cheapest test first; full extraction meets what all others let through.

The worker asks the outer steps itself. Pages that pass them go to its child in batches, which asks the inner
steps in one go and sends back the text of those that are kept, and a reason and scores of the others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from corpus.crawl.child import Work
from corpus.crawl.closer import SECOND, Closer, look_closer
from corpus.crawl.inputs.ranges import FAILED_ROWS
from corpus.crawl.prefilter import early_threshold
from corpus.crawl.rules.policy import AGENTS, OPT_OUTS
from corpus.crawl.sandbox import Answer, Sandbox
from corpus.crawl.steps import (
    Addresses,
    Candidate,
    DecodeStep,
    ExtractionStep,
    FinalScoreStep,
    LanguageStep,
    LightScoreStep,
    LightTextStep,
    Meter,
    PolicyStep,
    PrefilterStep,
    Prejudge,
    QualityStep,
    RecordStep,
    Scorer,
    Step,
    UrlStep,
    precheck,
    walk,
    walk_together,
)
from corpus.crawl.warc.records import Record
from corpus.engine.ledger import DROPPED, FAILED, KEPT
from corpus.hygiene.quality import Limits

__all__ = ["FAILURES", "Cascade", "Decision", "Rules", "batches", "inner_steps", "outer_steps", "precheck"]
# could not be read or processed, against: read, and not wanted
FAILURES = frozenset(
    {"bad_http", "bad_header", "bad_length", "bad_encoding", "damaged", "truncated"}
    | {"undecodable", "timeout", "crash", "memory"}
    | FAILED_ROWS
)
JUDGE = "corpus.crawl.cascade:judge_in_child"
BATCH_RECORDS, BATCH_BYTES = 256, 8 << 20


@dataclass(frozen=True)
class Rules:
    """What is wanted. An empty `languages` takes all; `full_extraction` off keeps the light text.

    Pages are kept by `threshold`, on the text that is kept. `light_threshold` and `prefilter_threshold`
    (null: lower than it by a margin) only spare the dearer steps, and lose what they lose.
    """

    threshold: float
    light_threshold: float | None = None
    prefilter_threshold: float | None = None
    languages: tuple[str, ...] = ()
    min_words: int = 15
    opt_out: tuple[str, ...] = OPT_OUTS
    opt_out_agents: tuple[str, ...] = AGENTS
    full_extraction: bool = True
    quality: Limits = field(default_factory=Limits)

    @property
    def light(self) -> float:
        if not self.full_extraction:
            return self.threshold
        return early_threshold(self.threshold) if self.light_threshold is None else self.light_threshold

    @property
    def prefilter(self) -> float:
        """0 switches the step off."""
        given = self.prefilter_threshold
        return early_threshold(self.threshold) if given is None else given

    def thresholds(self) -> dict[str, float | None]:
        """The score from which pages pass, by the names of the steps that compare one."""
        return {
            "prefilter": self.prefilter or None,
            "light_score": self.light,
            "agent_score": self.threshold,
        }


@dataclass
class Decision:
    """What becomes of one response record. `page` holds the columns that the steps add, for kept ones.

    `spent` is the CPU time of the page in the child, in seconds.
    """

    record: Record
    id: str
    reason: str = ""
    score: float | None = None
    page: dict[str, Any] | None = None
    spent: float = 0.0

    @property
    def outcome(self) -> str:
        return KEPT if not self.reason else FAILED if self.reason in FAILURES else DROPPED


def outer_steps(rules: Rules, urls: Addresses | None = None, model: Prejudge | None = None) -> list[Step]:
    """The steps that look at headers and bytes, in their order."""
    steps: list[Step] = [RecordStep()]
    if urls is not None:
        steps.append(UrlStep(urls))
    if model is not None:
        steps.append(PrefilterStep(model, rules.prefilter))
    return steps


def inner_steps(rules: Rules, scorer: Scorer) -> list[Step]:
    """The steps that parse, in their order. Run them on pages of others in a child alone.

    Where no languages are named the language is but a column, and told of those pages alone that got so far.
    """
    language, score = LanguageStep(frozenset(rules.languages)), LightScoreStep(scorer, rules.light)
    return [
        DecodeStep(),
        LightTextStep(rules.min_words),
        *((language, score) if rules.languages else (score, language)),
        PolicyStep(rules.opt_out, rules.opt_out_agents),
        ExtractionStep(rules.full_extraction, rules.min_words),
        FinalScoreStep(scorer, rules.threshold),  # as dear as the quality rules, and lets far fewer through
        QualityStep(rules.quality),
    ]


def child_setup(rules: Rules, scorer: str, *arguments: str, exhaustive: bool = False) -> dict[str, Any]:
    """What a sandbox of the job `JUDGE` is set up with. `scorer` is `module:function`, called with them.

    With `exhaustive`, all steps look at every page, so that it is known what each of them costs and loses.
    """
    return {"rules": asdict(rules), "scorer": scorer, "arguments": list(arguments), "exhaustive": exhaustive}


def judge_in_child(setup: dict[str, Any]) -> Work:
    """The child's side: what judges one page by the inner steps."""
    given = dict(setup["rules"])
    rules = Rules(**{**given, "quality": Limits(**given["quality"]), "languages": tuple(given["languages"])})
    scorer = named(setup["scorer"])(*setup["arguments"])
    importlib.import_module("corpus.crawl.html")  # or the first page would pay for the import
    steps = inner_steps(rules, scorer)
    exhaustive = bool(setup["exhaustive"])

    def work(fields: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        page = Candidate(
            Record("", "response", payload=body, record_id="", date=None, offset=0, length=0, **fields)
        )
        passage = walk(steps, page, exhaustive=exhaustive)
        answer = {
            "spent": [[name, round(seconds, 7)] for name, seconds in passage.spent],
            "reasons": passage.reasons,
            "light_score": page.light_score,
            "agent_score": page.agent_score,
        }
        if passage.reasons:
            return answer, b""
        return {**answer, "columns": page.columns}, page.text.encode("utf-8", "replace")

    return work


def named(place: str) -> Callable[..., Any]:
    """The function at `module:function`."""
    module, _, name = place.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


class Cascade:
    """Judges response records in batches. `meters` adds up what each step costs and lets through.

    `sandbox` must be one of the job `JUDGE`. Pages that took the child down are in no step's meter. `closer`
    has the last word on those that are left. They are few, and plain text by then: it works in the worker
    itself, which has the memory that an encoder takes.
    """

    def __init__(self, steps: Sequence[Step], sandbox: Sandbox, closer: Closer | None = None) -> None:
        self.steps, self.sandbox, self.closer = list(steps), sandbox, closer
        self.meters: dict[str, Meter] = {}
        self.reset()

    def reset(self) -> None:
        """Start the meters anew."""
        self.meters = {step.name: Meter() for step in self.steps}

    def judge(self, records: Sequence[Record]) -> list[Decision]:
        """One decision per record, in the order of the records."""
        decisions: list[Decision] = []
        through: list[Decision] = []
        passages = walk_together(self.steps, [Candidate(record) for record in records])
        for record, passage in zip(records, passages):
            self._count(passage.spent, passage.reason)
            decision = Decision(record, record.id, passage.reason)
            decisions.append(decision)
            if not decision.reason:
                through.append(decision)
        answers = (
            self.sandbox.map([(fields_of(d.record), d.record.payload) for d in through]) if through else []
        )
        for decision, answer in zip(through, answers, strict=True):
            self._settle(decision, answer)
        if self.closer:
            self._look_closer(self.closer, [decision for decision in through if decision.page is not None])
        return decisions

    def _look_closer(self, closer: Closer, decisions: Sequence[Decision]) -> None:
        pages = [decision.page or {} for decision in decisions]
        found = look_closer(closer, pages, [decision.record.url for decision in decisions])
        for decision, page, look in zip(decisions, pages, found, strict=True):
            page[SECOND] = look.score
            decision.spent += look.seconds
            if not look.keep:
                decision.reason, decision.page = SECOND, None
            self._count([(SECOND, look.seconds)], decision.reason)

    def _settle(self, decision: Decision, answer: Answer) -> None:
        if answer.reason:
            decision.reason = answer.reason
            return
        found = answer.fields
        reasons = found["reasons"]
        decision.reason = str(reasons[0][1]) if reasons else ""
        light, final = found["light_score"], found["agent_score"]
        decision.score = light if final is None else final
        decision.spent = sum(seconds for _, seconds in found["spent"])
        self._count(found["spent"], decision.reason)
        if not reasons:
            scores = {"light_score": light, "agent_score": final}
            decision.page = {**found["columns"], **scores, "text": answer.text}

    def _count(self, spent: Sequence[Sequence[Any]], reason: str) -> None:
        last = len(spent) - 1
        for number, (name, seconds) in enumerate(spent):
            self.meters.setdefault(name, Meter()).add(seconds, passed=number < last or not reason)


def fields_of(record: Record) -> dict[str, str]:
    """What the child is told of a record beside its bytes."""
    return {
        "url": record.url,
        "charset": record.charset,
        "robots": record.robots,
        "link": record.link,
        "tdm": record.tdm,
    }


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in groups that are bounded by number and by bytes; a large record comes alone."""
    batch: list[Record] = []
    size = 0
    for record in records:
        if batch and (len(batch) >= BATCH_RECORDS or size + len(record.payload) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.payload)
    if batch:
        yield batch
