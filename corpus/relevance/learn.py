"""From the chosen examples to a trained model, as the config asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.engine.errors import UserError
from corpus.relevance.config import ClassifierConfig
from corpus.relevance.fasttext_model import Settings
from corpus.relevance.labels import AGENT, GENERAL, GIVEN_BY_SEED
from corpus.relevance.training import Example, Trained, train_with_labels, train_without_labels


def train(kept: Sequence[Example], config: ClassifierConfig, labelled: bool) -> Trained:
    """Raises UserError where one of the two classes, or a second site, is missing."""
    seeds = [example for example in kept if example.given_by == GIVEN_BY_SEED]
    pages = [example for example in kept if example.given_by != GIVEN_BY_SEED]
    settings = Settings(
        config.dim, config.epoch, config.lr, config.word_ngrams, config.bucket, config.min_count, config.seed
    )
    _check(pages, config)
    if labelled:
        return train_with_labels(pages, seeds, settings, folds=config.folds, target_fpr=config.target_fpr)
    return train_without_labels(
        pages, seeds, settings, folds=config.folds, rounds=config.rounds, wanted_share=config.wanted_share
    )


def _check(pages: Sequence[Example], config: ClassifierConfig) -> None:
    there = {page.label for page in pages}
    if config.labels and there != {AGENT, GENERAL}:
        missing = " and ".join(sorted({AGENT, GENERAL} - there))
        raise UserError(
            f"no page of input= is labelled {missing} in {config.labels}; the URLs must be the same."
        )
    if len({page.site for page in pages}) < 2:
        raise UserError(
            "the crawl holds fewer than two sites with text; a classifier cannot be measured on unseen sites."
        )
