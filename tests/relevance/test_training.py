"""Training is a pure function of its input, and measures on sites that it never saw."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from corpus.relevance.fasttext_model import Settings
from corpus.relevance.features import fasttext_line
from corpus.relevance.labels import AGENT, GENERAL
from corpus.relevance.training import Example, Trained, folds_of, train_with_labels, train_without_labels

SMALL = Settings(strength=5.0)
NOUNS = ("wren", "river", "stone", "lamp", "cloud", "table", "garden", "window", "bread", "paper")


def page(site: int, number: int, wanted: bool, source: str = "site") -> Example:
    a, b = NOUNS[(site + number) % 10], NOUNS[(site * 3 + number) % 10]
    if wanted:
        text = f"{a}_{b}(name, size=0)\n    Returns: the {a} as {b}. Parameters: name (str) required.\n    GET /v1/{a}/{{id}}\n"
    else:
        text = f"The {a} lay in the sun. She thought of the {b} and of the long way home. Nobody spoke that evening. "
    text = text * (2 + number % 3) + f"{a} {number}"
    label = AGENT if wanted else GENERAL
    return Example(
        f"{source}{site}-{number}-{wanted}",
        f"https://{source}{site}.org/{number}",
        f"{source}{site}",
        label,
        fasttext_line(text),
    )


def labelled() -> list[Example]:
    return [page(site, number, site % 2 == 0) for site in range(12) for number in range(8)]


def seeds() -> list[Example]:
    return [page(site, number, True, "source") for site in range(3) for number in range(20)]


def unlabelled() -> Trained:
    return train_without_labels(labelled(), seeds(), SMALL, folds=3, rounds=2, wanted_share=None)


def test_training_twice_gives_the_same_model_scores_and_threshold() -> None:
    first, second = (
        train_with_labels(labelled(), seeds(), SMALL, folds=3, target_fpr=0.05) for _ in range(2)
    )
    assert hashlib.sha256(first.model).digest() == hashlib.sha256(second.model).digest()
    assert first.threshold == second.threshold and np.array_equal(first.scores, second.scores)
    assert unlabelled().model == unlabelled().model


def test_a_site_lies_in_one_fold_and_each_fold_has_both_labels() -> None:
    pages = labelled()
    folds = folds_of([p.site for p in pages], [p.label for p in pages], 3, seed=7)
    assert all(
        len({f for p, f in zip(pages, folds) if p.site == site}) == 1 for site in {p.site for p in pages}
    )
    assert all({p.label for p, f in zip(pages, folds) if f == fold} == {AGENT, GENERAL} for fold in range(3))


def test_held_out_scores_know_nothing_of_their_own_site() -> None:
    """A word that only one site has, in pages that all look alike, cannot be told by a model without that site."""
    pages = [
        Example(f"{s}-{n}", f"u{s}-{n}", f"s{s}", AGENT if s % 2 else GENERAL, f"marker{s} common words here")
        for s in range(8)
        for n in range(10)
    ]
    held_out = train_with_labels(pages, [], SMALL, folds=4, target_fpr=0.1).metrics["held_out"]
    assert held_out["auc"] < 0.8


def test_without_labels_the_metrics_say_so_and_the_crawl_is_told_apart() -> None:
    trained = unlabelled()
    assert trained.metrics["labels"] == "seeds vs crawl (unlabelled)"
    wanted = np.array([p.label == AGENT for p in labelled()])
    assert ((trained.scores >= trained.threshold) == wanted).mean() > 0.9
    assert len(trained.used) < len(labelled()) + len(seeds())


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_share_that_is_given_sets_the_threshold(share: float) -> None:
    trained = train_without_labels(labelled(), seeds(), SMALL, folds=3, rounds=1, wanted_share=share)
    assert (trained.scores >= trained.threshold).mean() <= share + 0.1
