"""fastText behind a narrow door: the only module that imports it.

The model that is learnt (`bags`) is written as a fastText model, which any fastText reads: each word's
vector is its weight and a one, and each label's vector its share of both. fastText means over all words of
a line it knows; a word of weight 0 is put behind the others as often as makes that mean the cosine that was
learnt.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fasttext
import numpy as np

from corpus.relevance.bags import Bags, Indices, fit, vouched
from corpus.relevance.evaluation import Flags, Floats
from corpus.relevance.features.lexicon import Lexicon
from corpus.relevance.features.signs import Codes
from corpus.relevance.labels import AGENT, GENERAL

LABEL = "__label__"
PAD = "\x16"  # no token of a page can be like it
# Words in the mean for each unit of a bag's length: enough for the root of the different words of any page.
_WIDTH = 20
_PADS = f"{PAD} " * 40 * _WIDTH**2
_EDGE = 1e-9


@dataclass(frozen=True)
class Settings:
    """`strength` weighs the examples against the penalty; `evidence` is the least t of a token between sites.

    Pages that were read one by one count `read_weight` times.
    """

    strength: float = 0.2
    evidence: float = 1.5
    least_sites: int = 4
    read_weight: float = 3.0
    seed: int = 7


class Scorer:
    """A fastText model, and the lexicon of the words that it knows."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.lexicon = Lexicon([word for word in model.get_words() if word not in (PAD, "</s>")])
        self._words = np.array([word + " " for word in self.lexicon.tokens], dtype=object)

    def score(self, numbers: Codes, weights: Codes) -> float:
        """Probability of the agent label for a bag of known tokens, by their numbers.

        Goes to the compiled predict: the Python wrapper's `predict` breaks on numpy 2 in some builds.
        """
        length = math.sqrt(int(weights @ weights))
        pads = max(round(_WIDTH * length) - int(weights.sum()) - 1, 0)  # fastText adds the line's end
        line = "".join(np.repeat(self._words[numbers], weights).tolist()) + _PADS[: pads * len(PAD + " ")]
        ((score, label),) = self.model.f.predict(line + "\n", 1, 0.0, "strict")
        score = score if label == LABEL + AGENT else 1.0 - score
        return min(max(float(score), 0.0), 1.0)


def train(examples: Sequence[tuple[str, str]], settings: Settings) -> Scorer:
    """From (label, line) pairs alone, each as if of a site of its own."""
    bags = Bags.of([line for _, line in examples])
    wanted = np.array([label == AGENT for label, _ in examples], dtype=bool)
    sites = [str(number) for number in range(len(examples))]
    weight = np.ones(len(bags))
    return learn(bags, np.arange(len(bags)), wanted=wanted, sites=sites, weight=weight, settings=settings)


def learn(
    bags: Bags,
    chosen: Indices,
    *,
    wanted: Flags,
    sites: Sequence[str],
    weight: Floats,
    settings: Settings,
) -> Scorer:
    """A model from some of the rows; `wanted`, `sites` and `weight` belong to those, in their order."""
    mine = bags.rows(chosen)
    tokens = vouched(mine, wanted, sites, settings.least_sites, settings.evidence)
    weight = _even_languages(mine.english(), wanted, weight)
    few = mine.only(tokens)
    weights, bias = fit(few.normed(), wanted, weight, settings.strength)
    return _written(few.tokens, weights, bias)


def scores(scorer: Scorer, lines: Sequence[str]) -> list[float]:
    """Probability of the agent label for each line of `fasttext_line`; 0 for an empty one."""
    number = {token: place for place, token in enumerate(scorer.lexicon.tokens)}
    found = []
    for line in lines:
        counts = Counter(filter(number.__contains__, line.split()))
        numbers = np.array([number[token] for token in counts], np.intp)
        weights = np.array(list(counts.values()), np.intp)
        found.append(scorer.score(numbers, weights) if line else 0.0)
    return found


def score_pages(scorer: Scorer, texts: Sequence[str], urls: Sequence[str]) -> list[float]:
    """The same from the pages themselves; an empty URL shows nothing of the address."""
    bags = scorer.lexicon.bags(texts, urls)
    return [scorer.score(*bag) if text.strip() else 0.0 for text, bag in zip(texts, bags)]


def score_rough(scorer: Scorer, texts: Sequence[str]) -> list[float]:
    """The same from texts that have lost their layout; an empty one gets what the bias says, since an early
    step may not drop what it knows nothing of.
    """
    return [scorer.score(*bag) for bag in scorer.lexicon.rough_bags(texts)]


def _even_languages(english: Flags, wanted: Flags, weight: Floats) -> Floats:
    """Weights with which a page's language tells nothing of its class: each pair of both gets what it would
    have if they were independent. The sum stays.
    """
    weight = weight.astype(np.float64)
    even = weight.copy()
    for language in (True, False):
        for label in (True, False):
            here = (english == language) & (wanted == label)
            both = float(weight[wanted == label].sum() * weight[english == language].sum() / weight.sum())
            even[here] *= both / max(float(weight[here].sum()), _EDGE)
    found: Floats = even * (weight.sum() / max(float(even.sum()), _EDGE))
    return found


def _written(tokens: Sequence[str], weights: Floats, bias: float) -> Scorer:
    """A fastText model of those words and weights. Its dictionary comes from a pass over one line per
    label.
    """
    handle, path = tempfile.mkstemp(suffix=".txt", prefix="hephaestus-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            for label in (AGENT, GENERAL):
                stream.write(f"{LABEL}{label} {' '.join([*tokens, PAD])}\n")
        model = fasttext.train_supervised(
            path, dim=2, epoch=1, lr=1e-9, wordNgrams=1, minCount=1, bucket=0, thread=1, seed=1, verbose=0
        )
    finally:
        os.unlink(path)
    of_token = dict(zip(tokens, weights))
    vectors = [[_WIDTH * float(of_token.get(word, 0.0)), 1.0] for word in model.get_words()]
    labels = [[1.0, bias] if label == LABEL + AGENT else [0.0, 0.0] for label in model.get_labels()]
    model.set_matrices(np.array(vectors, np.float32), np.array(labels, np.float32))
    return Scorer(model)


def load(path: str) -> Scorer:
    return Scorer(fasttext.load_model(path))


def to_bytes(scorer: Scorer) -> bytes:
    """The model as fastText saves it."""
    handle, path = tempfile.mkstemp(suffix=".bin", prefix="hephaestus-")
    os.close(handle)
    try:
        scorer.model.save_model(path)
        with open(path, "rb") as stream:
            return stream.read()
    finally:
        os.unlink(path)
