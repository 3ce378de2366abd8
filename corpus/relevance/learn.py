"""From the chosen examples to a trained model, as the config asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from corpus.engine.errors import UserError
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.evaluation import Floats
from corpus.relevance.fasttext_model import Settings
from corpus.relevance.labels import AGENT, GENERAL, GIVEN_BY_SEED, Label
from corpus.relevance.second.scorer import NONE
from corpus.relevance.second.structure import NAMES
from corpus.relevance.second.training import Joined, train_second
from corpus.relevance.training import Example, Trained, train_with_labels, train_without_labels
from corpus.relevance.views import Pages, clean_threshold

Vectors = Mapping[str, tuple[list[float], list[float]]]  # by the page's id: layout and embedding


def train(kept: Sequence[Example], config: ClassifierConfig, labelled: bool) -> Trained:
    """Raises UserError where one of the two classes, or a second site, is missing."""
    seeds = [example for example in kept if example.given_by == GIVEN_BY_SEED]
    pages = pages_of(kept)
    settings = Settings(config.strength, config.evidence, config.least_sites, config.read_weight, config.seed)
    _check(pages, config)
    if labelled:
        return train_with_labels(pages, seeds, settings, folds=config.folds, target_fpr=config.target_fpr)
    return train_without_labels(
        pages, seeds, settings, folds=config.folds, rounds=config.rounds, wanted_share=config.wanted_share
    )


def marked(kept: Sequence[Example], labels: Mapping[str, Label]) -> list[Example]:
    """The examples, those marked that somebody has judged one by one."""
    read = {url for url, label in labels.items() if label.read}
    return [replace(e, read=e.given_by != GIVEN_BY_SEED and e.url in read) for e in kept]


def pages_of(kept: Sequence[Example]) -> list[Example]:
    """The pages among the examples, in the order of the scores that training gives."""
    return [example for example in kept if example.given_by != GIVEN_BY_SEED]


def known_pages(pages: Sequence[Example], labels: Mapping[str, Label], config: ClassifierConfig) -> Pages:
    columns = ([page.url for page in pages], [page.site for page in pages], [page.label for page in pages])
    return Pages.of(*columns, labels, config.mixed_genres)


def with_sure_threshold(trained: Trained, known: Pages, config: ClassifierConfig) -> Trained:
    """The threshold for `target_fpr` of the sure negatives: stubs and pages of mixed sites would raise it."""
    return replace(trained, threshold=clean_threshold(known, trained.scores, config.target_fpr))


def train_on_top(
    trained: Trained, pages: Sequence[Example], known: Pages, vectors: Vectors, config: ClassifierConfig
) -> Joined:
    """The second scorer and the joint rule, for a config that asks for one."""
    assert config.second != NONE
    width = max((len(embedding) for _, embedding in vectors.values()), default=0)
    structure = np.full((len(pages), len(NAMES)), np.nan)
    embedding: Floats = np.zeros((len(pages), width))
    for number, page in enumerate(pages):
        if page.id in vectors:
            structure[number], embedding[number] = vectors[page.id]
    return train_second(
        known,
        trained.scores,
        trained.folds,
        structure,
        embedding,
        encoder=config.second,
        max_tokens=config.second_tokens,
        target_fpr=config.target_fpr,
        seed=config.seed,
    )


def _check(pages: Sequence[Example], config: ClassifierConfig) -> None:
    there = {page.label for page in pages}
    if config.labels and not there >= {AGENT, GENERAL}:
        missing = " and ".join(sorted({AGENT, GENERAL} - there))
        given = ", ".join(config.labels)
        raise UserError(f"no page of input= is labelled {missing} in {given}; the URLs must be the same.")
    if len({page.site for page in pages}) < 2:
        raise UserError(
            "the crawl holds fewer than two sites with text; a classifier cannot be measured on unseen sites."
        )
