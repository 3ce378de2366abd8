"""The learning rate as a pure function of the tokens already trained on; nothing of it is saved."""

from __future__ import annotations

import math

from training.config import TrainConfig, phase_tokens


def learning_rate(config: TrainConfig, tokens: int) -> float:
    """The rate of the step that ends at `tokens` tokens: linear warm-up, then WSD or cosine.

    WSD follows Hu et al. 2024 (MiniCPM); the 1-sqrt decay follows Haegele et al. 2024.
    """
    peak, floor = config.optimiser.lr, config.schedule.final
    warmup, decay = phase_tokens(config)
    if tokens < warmup:
        return peak * tokens / warmup
    if config.schedule.kind == "cosine":
        done = _share(tokens - warmup, config.tokens - warmup)
        left = 0.5 * (1 + math.cos(math.pi * done))
    else:
        done = _share(tokens - (config.tokens - decay), decay)
        left = 1 - (math.sqrt(done) if config.schedule.shape == "1-sqrt" else done)
    return peak * (floor + (1 - floor) * left)


def _share(part: int, whole: int) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
