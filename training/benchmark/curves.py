"""Benchmark loss over the course of training, as the paper's figure 5 draws it: a panel per benchmark.

A line per run over its checkpoints, a dotted line for each finished model that has none (the base models that
runs are compared with).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.benchmark.table import markdown

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito

Row = Mapping[str, Any]


def is_curve(rows: Sequence[Row]) -> bool:
    return any(len(of) > 1 for of in _runs(rows).values())


def table(rows: Sequence[Row]) -> str:
    """A line per checkpoint, in order of run and tokens."""
    names = _benchmarks(rows)
    head = ["run", "step", "tokens", *names]
    lines = [[run, str(row["step"]), f"{row['tokens']:,}", *(_loss(row, name) for name in names)]
             for run, of in _runs(rows).items() for row in of]  # fmt: skip
    lines += [[row["name"], "", "", *(_loss(row, name) for name in names)] for row in _alone(rows)]
    return markdown([head, *lines]) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write an SVG; the same rows give the same bytes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = _benchmarks(rows)
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    with plt.rc_context({"svg.hashsalt": "curves", "svg.fonttype": "none", "font.size": 9}):
        size = (3.6 * columns, 2.9 * lines)
        figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False)
        for panel, name in zip(axes.flat, names):
            _panel(panel, rows, name)
        for empty in list(axes.flat)[len(names) :]:
            empty.remove()
        axes.flat[0].legend(fontsize=7, frameon=False)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _panel(panel: Any, rows: Sequence[Row], name: str) -> None:
    for number, (run, of) in enumerate(_runs(rows).items()):
        measured = [row for row in of if name in row["benchmarks"]]
        groups = [row["benchmarks"][name]["all"] for row in measured]
        tokens = [row["tokens"] / 1e6 for row in measured]
        colour, losses = _COLOURS[number % len(_COLOURS)], [group["loss"] for group in groups]
        panel.plot(tokens, losses, marker="o", markersize=3, color=colour, label=run)
        errors = [group["stderr"] or 0.0 for group in groups]
        low, high = ([loss + side * error for loss, error in zip(losses, errors)] for side in (-1, 1))
        panel.fill_between(tokens, low, high, color=colour, alpha=0.15, linewidth=0)
    for number, row in enumerate(row for row in _alone(rows) if name in row["benchmarks"]):
        grey = str(0.2 + 0.15 * (number % 4))
        panel.axhline(row["benchmarks"][name]["all"]["loss"], linestyle=":", color=grey, label=row["name"])
    panel.set_title(name, fontsize=9)
    panel.set_xlabel("tokens of training (millions)")
    panel.set_ylabel("benchmark loss (nats per byte)")


def _runs(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in sorted((row for row in rows if row["step"] is not None), key=lambda r: (r["run"], r["step"])):
        found.setdefault(row["run"], []).append(row)
    return found


def _alone(rows: Sequence[Row]) -> list[Row]:
    """Finished models without checkpoints; the export of a run that has some is the end of its line."""
    runs = _runs(rows)
    return [row for row in rows if row["step"] is None and row["name"] not in runs]


def _benchmarks(rows: Sequence[Row]) -> list[str]:
    return sorted({name for row in rows for name in row["benchmarks"]})


def _loss(row: Row, name: str) -> str:
    return f"{row['benchmarks'][name]['all']['loss']:.4f}" if name in row["benchmarks"] else ""
