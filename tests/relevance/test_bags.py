"""What is learnt is the optimum of a plain problem, over tokens that more than one site vouches for."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.relevance import fasttext_model
from corpus.relevance.bags import Bags, fit, vouched
from corpus.relevance.evaluation import Flags
from corpus.relevance.fasttext_model import PAD, Scorer, Settings, learn, scores
from corpus.relevance.features import fasttext_line

LINES = ["a a b", "b c", "", "c c c d", "a d"]


def dense(bags: Bags) -> np.ndarray:  # type: ignore[type-arg]
    found = np.zeros((len(bags), len(bags.tokens)))
    for row in range(len(bags)):
        part = slice(bags.starts[row], bags.starts[row + 1])
        found[row, bags.columns[part]] = bags.values[part]
    return found


def pages(random: np.random.Generator, count: int = 120) -> tuple[list[str], Flags, list[str]]:
    """Lines of twelve sites, half of them wanted; `sure` words tell the classes apart, others only sites."""
    wanted = np.arange(count) % 12 < 6
    lines, sites = [], []
    for number, flag in enumerate(wanted):
        words = random.choice(["sun", "hill", "lamp"], 3).tolist()
        words += random.choice(["call" if flag else "story", "sun"], 2).tolist()
        lines.append(" ".join([*words, f"site{number % 12}"]))
        sites.append(f"s{number % 12}")
    return lines, wanted, sites


def test_rows_and_tokens_are_those_that_were_asked_for() -> None:
    bags = Bags.of(LINES)
    whole = dense(bags)
    assert bags.tokens == ["a", "b", "c", "d"] and whole[3].tolist() == [0, 0, 3, 1]
    some = bags.rows(np.array([3, 0, 3])).only(np.array([2, 0]))
    assert np.array_equal(dense(some), whole[[3, 0, 3]][:, [2, 0]])
    lengths = np.linalg.norm(dense(bags.normed()), axis=1)
    assert np.allclose(lengths[[0, 1, 3, 4]], 1) and lengths[2] == 0
    each = np.arange(1.0, 6)
    assert np.allclose(bags.dot(each[:4]), whole @ each[:4])
    assert np.allclose(bags.dot_back(each), whole.T @ each)


def test_the_fit_is_the_optimum_of_the_penalised_loss() -> None:
    random = np.random.default_rng(1)
    lines, wanted, _ = pages(random)
    bags, weight = Bags.of(lines).normed(), random.uniform(0.5, 3, len(lines))
    weights, bias = fit(bags, wanted, weight, 2.0)
    chance = 1 / (1 + np.exp(-(bags.dot(weights) + bias)))
    error = 2.0 * weight * (chance - wanted)
    slope = np.append(weights + bags.dot_back(error), bias + error.sum())
    start = np.abs(np.append(bags.dot_back(2.0 * weight * (0.5 - wanted)), 0)).max()
    assert np.abs(slope).max() < 1e-3 * start


def test_a_word_that_one_site_vouches_for_is_not_learnt() -> None:
    lines, wanted, sites = pages(np.random.default_rng(2))
    bags = Bags.of(lines)
    found = {bags.tokens[n] for n in vouched(bags, wanted, sites, 2, 1.5)}
    assert {"call", "story"} <= found and not any(token.startswith("site") for token in found)


def test_a_large_site_counts_as_one() -> None:
    """A word in every page of one huge wanted site tells less than one in a few pages of all wanted sites."""
    lines = ["huge"] * 500 + ["common x", "x", "common", "x"] * 5 + ["y"] * 25
    sites = ["big"] * 500 + [f"w{n // 4}" for n in range(20)] + [f"g{n // 5}" for n in range(25)]
    wanted = np.array([True] * 520 + [False] * 25)
    bags = Bags.of(lines)
    found = {bags.tokens[n] for n in vouched(bags, wanted, sites, 2, 1.5)}
    assert "common" in found and "huge" not in found


def model_of(lines: list[str], wanted: Flags, sites: list[str], **settings: float) -> Scorer:
    bags = Bags.of(lines)
    chosen, weight = np.arange(len(lines)), np.ones(len(lines))
    given = Settings(**settings)  # type: ignore[arg-type]
    return learn(bags, chosen, wanted=wanted, sites=sites, weight=weight, settings=given)


def test_fasttext_scores_by_the_cosine_that_was_learnt() -> None:
    lines, wanted, sites = pages(np.random.default_rng(3))
    scorer = model_of(lines, wanted, sites, strength=5.0)
    vectors = {word: scorer.model.get_input_vector(n) for n, word in enumerate(scorer.model.get_words())}
    labels = dict(zip(scorer.model.get_labels(), scorer.model.get_output_matrix()))
    lines.append(" ".join(["call", *["story"] * 3, "unknown"]))
    for line, found in zip(lines, scores(scorer, lines)):
        known = [token for token in line.split() if token in vectors]
        length = np.sqrt(sum(known.count(token) ** 2 for token in set(known)))
        mean = sum(vectors[token][0] for token in known) / max(round(20 * length), 1)
        logit = np.array([mean, 1.0]) @ (labels["__label__agent"] - labels["__label__general"])
        assert found == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-4)


def test_a_page_scores_as_its_line_does_and_after_loading_too(tmp_path: object) -> None:
    texts = ["call(me) " * 5 + "sun\n", "A story of the sun. " * 9, "", "call story", "zyx", " "]
    lines = [fasttext_line(text) for text in texts[:2]] * 30
    wanted = np.arange(60) % 2 == 0
    scorer = model_of(lines, wanted, [f"s{n % 10}" for n in range(60)], evidence=0.5)
    path = f"{tmp_path}/model.bin"
    with open(path, "wb") as out:
        out.write(fasttext_model.to_bytes(scorer))
    found = scores(scorer, list(map(fasttext_line, texts)))
    assert found[0] > 0.5 > found[1] and found[2] == 0
    for again in (scorer, fasttext_model.load(path)):
        assert fasttext_model.score_pages(again, texts, [""] * len(texts)) == pytest.approx(found, abs=1e-6)


def test_the_language_of_a_page_tells_nothing_of_its_class() -> None:
    """Most wanted pages are English, most others not: the words of English must not be what is learnt."""
    english = "the of and is in this"
    lines = [f"{english} call"] * 40 + ["call le"] * 10 + [f"{english} story"] * 10 + ["story le"] * 40
    wanted = np.arange(100) < 50
    scorer = model_of(lines, wanted, [f"s{n // 2}" for n in range(100)], evidence=0.0, strength=20.0)
    in_english, elsewhere = scores(scorer, [english, "le"])
    assert abs(in_english - elsewhere) < 0.1
    assert min(scores(scorer, [f"{english} call", "call le"])) > 0.5
    assert max(scores(scorer, [f"{english} story", "story le", PAD])) < 0.55
