"""What a law says of every share, size by size: the lines of its figures."""

from __future__ import annotations

import numpy as np

from training.law.losses import Floats, Losses
from training.law.recommend import GRID, Law, candidates

_STEP = 0.02  # of the shares in law.json


def line(law: Law, name: str, size: float, step: float = GRID) -> tuple[Floats, Floats]:
    """Shares of the swept source between the least and the largest that was run, and the loss of the
    benchmark `name` there: of this size at the most tokens that it was trained on."""
    losses = law.runs[name]
    grid = candidates(losses, law.source, step)
    same, tokens = np.ones(len(grid)), float(losses.tokens[losses.sizes == size].max())
    sized = Losses(grid.sources, grid.shares, same * size, same * tokens, grid.values)
    return grid.shares[:, grid.sources.index(law.source)], law.choices[name].fit.predict(sized)


def curves(law: Law) -> dict[str, list[dict[str, float]]]:
    """{benchmark: [{size, share, loss}]} for law.json."""
    return {
        name: [
            {"size": int(size), "share": float(share), "loss": float(loss)}
            for size in sorted(set(losses.sizes.tolist()))
            for share, loss in zip(*line(law, name, size, _STEP))
            if np.isfinite(loss)
        ]
        for name, losses in law.runs.items()
    }
