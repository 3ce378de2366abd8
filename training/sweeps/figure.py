"""The law as the paper draws it: loss against share, a panel per benchmark, points with fitted lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.law.recommend import Law, Recommendation
from training.sweeps.curves import line

_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
)  # Okabe and Ito


def draw(law: Law, best: Recommendation, path: Path) -> None:
    """Write an SVG; the same law gives the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = list(law.runs)
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    with plt.rc_context({"svg.hashsalt": "law", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(rows, columns, figsize=(3.6 * columns, 2.9 * rows), squeeze=False)
        for panel, name in zip(axes.flat, names):
            _panel(panel, law, name, best)
        for empty in list(axes.flat)[len(names) :]:
            empty.remove()
        figure.suptitle(f"Which share of {law.source} lowers which loss?")
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _panel(panel: Any, law: Law, name: str, best: Recommendation) -> None:
    losses = law.runs[name]
    at = losses.sources.index(law.source)
    for number, size in enumerate(sorted(set(losses.sizes.tolist()))):
        colour = _COLOURS[number % len(_COLOURS)]
        chosen = losses.sizes == size
        panel.scatter(100 * losses.shares[chosen, at], losses.values[chosen], s=14, color=colour)
        shares, fitted = line(law, name, size)
        panel.plot(100 * shares, fitted, color=colour, label=f"{size / 1e6:,.3g} M parameters")
    if not np.isnan(best.low):
        panel.axvspan(100 * best.low, 100 * best.high, color="0.9", zorder=0)
    panel.axvline(100 * best.share, color="0.5", linewidth=1, zorder=0)
    panel.set_title(f"{name} ({law.choices[name].fit.form.name})", fontsize=8)
    panel.set_xlabel(f"share of {law.source} in tokens (%)")
    panel.set_ylabel("loss (nats per byte)")
    panel.legend(fontsize=7, frameon=False)
