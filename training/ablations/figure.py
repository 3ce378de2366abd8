"""Differences to the reference as points with intervals, a panel per benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_COLOURS = {
    "better": "#009e73",
    "worse": "#d55e00",
    "within noise": "0.4",
    "one seed": "0.4",
}  # Okabe and Ito


def draw(rows: Sequence[Mapping[str, Any]], reference: str, path: Path) -> None:
    """Write an SVG; the same rows give the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    compared = [row for row in rows if row["difference"]]
    names = list(dict.fromkeys(row["benchmark"] for row in compared))
    cells = list(dict.fromkeys(row["cell"] for row in compared))
    with plt.rc_context({"svg.hashsalt": "ablations", "svg.fonttype": "none", "font.size": 9}):
        size = (2.0 + 3.2 * len(names), 1.2 + 0.32 * len(cells))
        figure, axes = plt.subplots(1, len(names), figsize=size, squeeze=False, sharey=True)
        for panel, name in zip(axes.flat, names):
            panel.axvline(0, color="0.6", linewidth=1)
            for row in (row for row in compared if row["benchmark"] == name):
                _point(panel, cells.index(row["cell"]), row["difference"])
            panel.set_yticks(range(len(cells)), cells)
            panel.set_ylim(len(cells) - 0.5, -0.5)
            panel.set_xlabel(f"loss minus that of {reference} (nats per byte)", fontsize=8)
            panel.set_title(name, fontsize=9)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _point(panel: Any, at: int, gap: Mapping[str, Any]) -> None:
    colour = _COLOURS[gap["verdict"]]
    if gap["low"] is not None:
        panel.plot([gap["low"], gap["high"]], [at, at], color=colour, linewidth=1.5)
    panel.scatter([gap["value"]], [at], color=colour, s=22, zorder=3)
