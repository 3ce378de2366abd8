"""fastText behind a narrow door: the only module that imports it."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fasttext

from corpus.relevance.labels import AGENT, GENERAL

LABEL = "__label__"
LEAST_UPDATES = 12_000  # small sets are gone through more often, until this many examples were seen
MOST_EPOCHS = 60


@dataclass(frozen=True)
class Settings:
    dim: int = 32
    epoch: int = 5
    lr: float = 0.3
    word_ngrams: int = 2
    bucket: int = 200_000
    min_count: int = 3
    seed: int = 7


def train(examples: Sequence[tuple[str, str]], settings: Settings) -> Any:
    """A fastText model from (label, line) pairs in the order given.

    It has one thread and a seed, so that equal input gives an equal model. Lines must hold no line break
    and no label of their own.
    """
    epochs = min(
        max(settings.epoch, math.ceil(LEAST_UPDATES / max(len(examples), 1))),
        max(MOST_EPOCHS, settings.epoch),
    )
    handle, path = tempfile.mkstemp(suffix=".txt", prefix="hephaestus-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(f"{LABEL}{label} {line}\n" for label, line in examples)
        return fasttext.train_supervised(
            path,
            dim=settings.dim,
            epoch=epochs,
            lr=settings.lr,
            wordNgrams=settings.word_ngrams,
            bucket=settings.bucket,
            minCount=settings.min_count if len(examples) >= 200 else 1,
            thread=1,
            seed=settings.seed,
            verbose=0,
        )
    finally:
        os.unlink(path)


def scores(model: Any, lines: Sequence[str]) -> list[float]:
    """Probability of the agent label for each line; 0 for an empty line.

    Goes to the compiled predict: the Python wrapper's `predict` breaks on numpy 2 in some builds.
    """
    found = []
    for line in lines:
        if not line:
            found.append(0.0)
            continue
        by_label = {
            label: probability for probability, label in model.f.predict(line + "\n", 2, 0.0, "strict")
        }
        agent = by_label.get(LABEL + AGENT)
        if agent is None:
            agent = 1.0 - by_label.get(LABEL + GENERAL, 1.0)
        found.append(min(max(float(agent), 0.0), 1.0))
    return found


def load(path: str) -> Any:
    return fasttext.load_model(path)


def to_bytes(model: Any) -> bytes:
    """The model as fastText saves it."""
    handle, path = tempfile.mkstemp(suffix=".bin", prefix="hephaestus-")
    os.close(handle)
    try:
        model.save_model(path)
        with open(path, "rb") as stream:
            return stream.read()
    finally:
        os.unlink(path)
