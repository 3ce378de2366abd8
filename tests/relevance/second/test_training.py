"""Both scorers together are measured on sites that neither saw, and one rule decides."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.engine.errors import UserError
from corpus.relevance.evaluation import auc
from corpus.relevance.labels import AGENT, GENERAL, STUB, Label
from corpus.relevance.second.rule import Rule
from corpus.relevance.second.scorer import STRUCTURE, Second
from corpus.relevance.second.training import BOTH, FIRST, SECOND, Joined, train_second, weights
from corpus.relevance.views import Pages, measure
from tests.relevance.second.pages import KINDS, made, text_of


def train(structure: np.ndarray | None = None) -> tuple[Pages, Joined]:
    pages, first, folds, layout = made()
    given = layout if structure is None else structure
    nothing = np.zeros((len(first), 0))
    settings = {"encoder": STRUCTURE, "max_tokens": 0, "target_fpr": 0.1, "seed": 7}
    return pages, train_second(pages, first, folds.tolist(), given, nothing, **settings)


@pytest.fixture(scope="module")
def trained() -> tuple[Pages, Joined]:
    return train()


def test_both_are_better_than_a_poor_first_score_alone(trained: tuple[Pages, Joined]) -> None:
    pages, joined = trained
    by = {name: auc(pages.wanted, scores) for name, scores in joined.scores.items()}
    assert by[SECOND] > 0.95 and by[BOTH] > by[FIRST]
    assert set(joined.chances) == {FIRST, SECOND, BOTH}


def test_no_more_of_the_others_pass_the_joint_threshold_than_asked(trained: tuple[Pages, Joined]) -> None:
    pages, joined = trained
    others = joined.scores[BOTH][pages.clean & ~pages.wanted]
    assert (others >= joined.second.rule.threshold).mean() <= 0.1
    assert 0 <= joined.passing["others"] <= 1 and joined.passing["wanted"] > 0.9


def test_training_twice_gives_the_same_bytes_scores_and_rule(trained: tuple[Pages, Joined]) -> None:
    _, again = train()
    assert again.second.head.to_bytes() == trained[1].second.head.to_bytes()
    assert again.second.metadata() == trained[1].second.metadata()
    assert all(np.array_equal(again.scores[name], trained[1].scores[name]) for name in again.scores)


def test_held_out_scores_know_nothing_of_their_own_site() -> None:
    """Numbers that name the site, in pages that are alike otherwise, say nothing about a site never seen."""
    pages, *_, layout = made()
    named = np.zeros_like(layout)
    named[:, 0] = [int(site[1:]) for site in pages.site]
    _, joined = train(named)
    assert auc(pages.wanted, joined.scores[SECOND]) < 0.75


def test_a_page_without_text_is_not_trained_on_and_not_kept() -> None:
    *_, layout = made()
    layout[0] = np.nan
    _, joined = train(layout)
    assert joined.scores[SECOND][0] < 1e-6
    assert joined.second.rule.chance(1.0, float(joined.scores[SECOND][0])) < joined.second.rule.threshold


def test_pages_that_were_read_weigh_more_and_stubs_less_than_a_class() -> None:
    pages, *_ = made()
    found = weights(pages, np.ones(len(pages.url), dtype=bool))
    label = np.array(pages.label)
    share = {kind: found[label == kind].sum() / found.sum() for kind in KINDS}
    assert found.mean() == pytest.approx(1) and share[STUB] < share[AGENT] == pytest.approx(share[GENERAL])


def test_the_scorer_gives_what_training_stored_and_refuses_another_layout(
    trained: tuple[Pages, Joined],
) -> None:
    second = trained[1].second
    again = Second.restore(second.head.to_bytes(), second.metadata(), "folder")
    texts = [text_of(kind, 3, 4) for kind in KINDS]
    urls, titles = ["https://new.example/a"] * 3, [""] * 3
    agent, general, stub = again.score(texts, titles, urls)
    assert agent > max(general, stub) and again.score(texts, titles, urls) == second.score(
        texts, titles, urls
    )
    assert again.score([], [], []) == []
    kept = again.with_threshold(0.0).judge(texts, titles, urls, [0.5] * 3)
    assert [score for score, _ in kept] == [agent, general, stub] and all(keep for _, keep in kept)
    with pytest.raises(UserError, match="version 0"):
        Second.restore(second.head.to_bytes(), {**second.metadata(), "structure_version": 0}, "folder")


def test_a_higher_score_of_either_kind_never_lowers_the_chance() -> None:
    found = Rule(0.4, 0.9, -0.2, 0.1, 0.5)
    grid = np.linspace(0, 1, 11)
    chances = found.chances(*(values.ravel() for values in np.meshgrid(grid, grid))).reshape(11, 11)
    assert (np.diff(chances, axis=0) >= 0).all() and (np.diff(chances, axis=1) >= 0).all()


def test_mixed_sites_count_where_their_pages_were_read_and_stubs_never() -> None:
    urls = [f"https://s.example/{n}" for n in range(4)]
    labels = {
        urls[0]: Label(GENERAL, "s", genre="forum", by_site=GENERAL),
        urls[1]: Label(AGENT, "s", genre="forum", by_site=GENERAL, read=True),
        urls[2]: Label(GENERAL, "s", genre="forum", by_site=GENERAL, read=True),
        urls[3]: Label(STUB, "s", by_site=AGENT, read=True),
    }
    pages = Pages.of(urls, ["s"] * 4, [labels[url].label for url in urls], labels, ("forum",))
    assert pages.clean.tolist() == [False, True, True, False]
    scores = np.array([0.9, 0.8, 0.2, 0.7])
    found = measure(pages, scores, scores, 0.5, prevalence=0.01)
    assert (found["pages"], found["agent_pages"], found["recall"], found["false_positive_rate"]) == (
        2,
        1,
        1.0,
        0.0,
    )
    assert found["stubs"] == {"pages": 1, "kept": 1.0}
    assert (found["read"]["yes"], found["read"]["no"], found["read"]["stubs"]) == (1, 1, 1)
