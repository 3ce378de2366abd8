"""The likelihood of what is counted, under any Hugging Face causal model that lies on one device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from training.benchmark.encoding import Window, encode_all
from training.benchmark.items import Segment
from training.benchmark.passes import arrays, batches, whole_model


@dataclass(frozen=True)
class Score:
    """`nats` is the summed loss of the counted tokens, `size` the bytes that they stand for."""

    nats: float
    tokens: int
    size: int


def score(
    items: Sequence[Sequence[Segment]], model: Any, tokenizer: Any, *, bos: bool, longest: int | None = None
) -> list[Score]:
    """The score of each item, in order. `longest` defaults to the positions of the model."""
    limit = longest or longest_of(model.config)
    return score_windows(*encode_all(items, tokenizer, bos=bos, longest=limit), model)


def score_windows(windows: Sequence[Window], sizes: Sequence[int], model: Any) -> list[Score]:
    """The score of each item of `sizes`, in order, from the windows of all."""
    nats, tokens = np.zeros(len(sizes)), np.zeros(len(sizes), np.int64)
    forward = whole_model(model)
    model.eval()
    with torch.inference_mode():
        for batch in batches(windows, int(model.config.vocab_size)):
            for window, loss in zip(batch, forward(*arrays(batch))):
                nats[window.item] += loss
                tokens[window.item] += int(window.counted.sum())
    return [Score(float(n), int(t), size) for n, t, size in zip(nats, tokens, sizes)]


def longest_of(config: Any) -> int:
    """Tokens that a model of this configuration reads at once."""
    return int(getattr(config, "max_position_embeddings", 0) or 2048)


def per_byte(scores: Sequence[Score]) -> tuple[float, float]:
    """Nats per byte over all items, and its standard error over items (of a ratio, by linearisation)."""
    nats = np.array([s.nats for s in scores])
    sizes = np.array([s.size for s in scores], dtype=np.float64)
    if not sizes.sum():
        return math.nan, math.nan
    ratio = float(nats.sum() / sizes.sum())
    if len(scores) < 2:
        return ratio, math.nan
    residuals = nats - ratio * sizes
    spread = math.sqrt(float((residuals**2).sum()) / (len(scores) - 1) / len(scores))
    return ratio, spread / float(sizes.mean())
