"""The loop: train, score, measure, propose, wait for the review, collect, and again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.session import get_session
from corpus.engine.tables import LIGHT
from corpus.relevance.model import AgentClassifier
from corpus.relevance.stage import run as train
from corpus.rounds.collect.stage import gathered, measured
from corpus.rounds.config import AUTO, RoundsConfig, ScoreConfig
from corpus.rounds.history import Gathered, Measured, enough, row, table, write_history
from corpus.rounds.place import Known, Round
from corpus.rounds.review.model import Review
from corpus.rounds.review.stage import review_of
from corpus.rounds.scores.stage import filter_of, read_light, score_by_filter, score_light

LABELS_OF_A_ROUND = "labels"  # stands for them where it counts only that there are any


@dataclass(frozen=True)
class Outcome:
    """The history as a table, and in one sentence where the rounds stand."""

    rows: tuple[dict[str, Any], ...]
    sentence: str
    classifier: str
    finished: bool

    def __str__(self) -> str:
        return "\n".join([*([table(self.rows)] if self.rows else []), self.sentence])


@dataclass(frozen=True)
class State:
    """What a round begins with."""

    number: int = 0
    labels: tuple[str, ...] = ()
    before: Round | None = None
    known: Known = field(default_factory=Known)


@dataclass(frozen=True)
class Step:
    """What came of a round: a row of the history, and the next state, or a sentence why there is none."""

    classifier: str
    row: dict[str, Any] | None = None
    next: State | None = None
    sentence: str = ""
    finished: bool = False


def run(config: RoundsConfig) -> Outcome:
    """Go on until a review is needed or a round brings almost nothing. What is done is not done again."""
    _check(config)
    rows: list[dict[str, Any]] = []
    state: State | None = State()
    while state is not None:
        step = one_round(config, state)
        rows += [step.row] if step.row else []
        state = step.next
    write_history(storage.absolute(config.output), rows)
    return Outcome(tuple(rows), step.sentence, step.classifier, step.finished)


def one_round(config: RoundsConfig, state: State) -> Step:
    """One round, as far as it goes without a person."""
    number, known = state.number, state.known
    classifier = classifier_of(config, state)
    found = scored_round(config, number, classifier)
    if found is None:
        return Step(classifier, sentence=_scores_wanted(config, number, classifier))
    spark = get_session("rounds", config.master)
    now = measured(spark, config, found, state.before, known)

    if enough(now, number, pages=config.stop_pages, sites=config.stop_hosts):
        sentence = (
            f"round {number:02d} brought almost nothing: {now.new_share:.1%} of the collected pages and "
            f"{now.new_site_share:.1%} of their sites are new; the classifier is {classifier}."
        )
        return Step(classifier, _row(found, now, "finished"), None, sentence, True)
    review = review_of(spark, config, found, known)
    if review.open and config.accept != AUTO:
        asked = f"round {number:02d} waits for a review: decide on {len(review.open)} prefixes in "
        return Step(
            classifier,
            _row(found, now, "review"),
            sentence=f"{asked}{found.review_path}, then run the same command again.",
        )
    return collected(config, state, found, now, review)


def collected(config: RoundsConfig, state: State, found: Round, now: Measured, review: Review) -> Step:
    """What the review of a round leads to."""
    number, classifier = state.number, found.classifier

    def ended(sentence: str) -> Step:
        return Step(classifier, _row(found, now, "finished"), None, sentence, True)

    learnt = state.known.with_review(review)
    if learnt == state.known:
        return ended(
            f"round {number:02d} found no further prefix with enough hits to decide on (min_pages, min_hits, "
            f"min_share); the classifier is {classifier}."
        )
    brought = gathered(get_session("rounds", config.master), config, found, review, learnt)
    if not brought.positives and not config.labels:
        return ended(f"no prefix is accepted, so there is nothing to learn; the classifier is {classifier}.")
    done = _row(found, now, "collected", brought)
    if number + 1 >= config.max_rounds:
        sentence = f"max_rounds={config.max_rounds} rounds are done; the classifier is {classifier}."
        return Step(classifier, done, None, sentence, True)
    return Step(classifier, done, State(number + 1, (found.labels_path,), found, learnt))


def plan(config: RoundsConfig) -> str:
    """Where the rounds stand, for --dry-run."""
    _check(config)
    lines = []
    for number in range(config.max_rounds):
        folder = folder_of(config, number)
        if not storage.exists(folder):
            break
        done = {name: manifest.is_finished(storage.join(folder, name)) for name in ("classifier", "scores")}
        done |= {
            name: storage.exists(storage.join(folder, name)) for name in ("review.yaml", "labels.parquet")
        }
        there = [name for name, is_there in done.items() if is_there]
        lines.append(f"round {number:02d}: {', '.join(there) or 'begun'}")
    return "\n".join([*(lines or ["round 00 would begin"]), f"output: {config.output}"])


def folder_of(config: RoundsConfig, number: int) -> str:
    return storage.join(storage.absolute(config.output), "round", f"{number:02d}")


def classifier_of(config: RoundsConfig, state: State) -> str:
    """The folder of a round's finished classifier, trained where it is not there yet."""
    if state.number == 0 and config.classifier:
        AgentClassifier.load(config.classifier)  # one that does not serve is told now
        return storage.absolute(config.classifier)
    folder = storage.join(folder_of(config, state.number), "classifier")
    train(config.training(folder, state.labels))
    return folder


def scored_round(config: RoundsConfig, number: int, classifier: str) -> Round | None:
    """The round with its scores; None where they are to come from a filter that has not run yet."""
    folder = folder_of(config, number)
    shared: dict[str, Any] = {"output": storage.join(folder, "scores"), "classifier": classifier}
    shared |= {"master": config.master, "max_failed_fraction": config.max_failed_fraction}
    if config.scored:
        pages = filter_of(config.scored, classifier)
        if not pages:
            return None
        score_by_filter(ScoreConfig(pages=pages, **shared))
        texts = (pages, "pages")
    else:
        light = config.reading()
        read_light(light, config.training(folder, [LABELS_OF_A_ROUND]))
        texts = (storage.absolute(light.output), LIGHT.name)
        score_light(ScoreConfig(pages=texts[0], **shared))
    used = storage.exists(storage.join(folder_of(config, number + 1), "classifier"))
    threshold = AgentClassifier.load(classifier).threshold
    return Round(number, folder, classifier, threshold, shared["output"], texts, used)


def _row(found: Round, now: Measured, state: str, brought: Gathered | None = None) -> dict[str, Any]:
    return row(found.number, found.threshold, now, brought, state)


def _scores_wanted(config: RoundsConfig, number: int, classifier: str) -> str:
    words = [*config.crawl] if config.crawl else [f"index={','.join(config.index)}"]
    reads = [f"input={','.join(words)}"] if config.crawl else [*words, f"where={config.where}"]
    command = shlex.join(
        ["python", "jobs/filter.py", *reads, f"classifier={classifier}", f"output=FOLDER-{number:02d}"]
    )
    return (
        f"round {number:02d} waits for scores: run {command} and give its folder with scored=, beside those "
        "of earlier rounds."
    )


def _check(config: RoundsConfig) -> None:
    if not config.crawl and not config.index:
        raise UserError("the keys 'crawl' and 'index' are empty; give one of them.")
    if config.crawl and config.index:
        raise UserError("the keys 'crawl' and 'index' exclude each other; give one of them.")
    if not config.seeds:
        raise UserError("the key 'seeds' is empty; give seeds= one or more folders of finished seeds.")
