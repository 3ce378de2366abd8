"""Which mix, and did it help: the mixing law, the ablations, the scores of models, where they were made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from corpus.report.figures.bars import Interval, intervals
from corpus.report.figures.curves import Series, lines
from corpus.report.grids import Grid, grid
from corpus.report.markup import count, decimal, percent
from corpus.report.parts import Figure, Section

Stats = dict[str, Any]


def section(stats: Stats) -> Section:
    found = stats["experiments"]
    figures = [*_laws(found["law"]), *_ablations(found["ablations"]), *_checkpoints(found["scores"])]
    tables = [
        table
        for table in (_forms(found["law"]), _ablation_table(found["ablations"]), _scores(found["scores"]))
        if table
    ]
    told = found["ablations"]
    lead = " ".join(
        [
            _law_told(found["law"]),
            f"Ablations compare cells with {told['reference']}." if told else "No ablation was run.",
            "" if found["scores"] else "No model was scored.",
        ]
    ).strip()
    return Section("experiments", "Which mix, and did it help", lead, figures, tables)


def _law_told(law: Stats | None) -> str:
    if not law:
        return "No sweep of the mix was run."
    best = law["best"]
    return (
        f"{count(law['runs'])} small models were trained at several shares of {law['source']}. The loss is "
        f"least at {percent(best['share'])}; resampled runs put the optimum between {percent(best['low'])} "
        f"and {percent(best['high'])}."
    )


def _laws(law: Stats | None) -> list[Figure]:
    """Loss against share, a figure per benchmark: the paper's figure 3."""
    figures = []
    for name, curves in (law or {}).get("benchmarks", {}).items():
        series = [
            Series(
                f"{count(one['size'])} parameters",
                [(row["share"], row["loss"]) for row in one["points"]],
                dots=True,
            )
            for one in curves["sizes"]
        ]
        series += [
            Series(f"fit, {count(one['size'])}", [(row["share"], row["loss"]) for row in one["fit"]])
            for one in curves["sizes"]
            if one["fit"]
        ]
        lowest = min((row for one in curves["sizes"] for row in one["points"]), key=lambda row: row["loss"])
        answer = (
            f"Least loss measured: {decimal(lowest['loss'])} at a share of {percent(lowest['share'])}. "
            "Dots: means over seeds."
        )
        rows = [{"size": one["size"], **row} for one in curves["sizes"] for row in one["points"]]
        columns = {"size": ("Parameters", "count"), "share": ("Share", "percent"), "runs": ("Runs", "count")}
        columns |= {"loss": ("Loss", "decimal"), "low": ("Least", "decimal"), "high": ("Greatest", "decimal")}
        slug = _slug(name)
        figures.append(
            Figure(
                f"law-{slug}",
                f"Which share of {(law or {})['source']} is best for {name}?",
                answer,
                lines(series, x=f"share of {(law or {})['source']}", y="loss (nats per byte)"),
                grid(f"law_{slug}", f"Loss of {name} by share", columns, rows),
            )
        )
    return figures


def _checkpoints(found: Sequence[Stats]) -> list[Figure]:
    """Benchmark loss over the checkpoints of runs: the paper's figure 5."""
    rows = [
        row for row in found if row["step"] is not None and row["group"] == "all" and row["value"] is not None
    ]
    figures = []
    for benchmark in sorted({row["benchmark"] for row in rows}):
        mine = sorted((row for row in rows if row["benchmark"] == benchmark), key=lambda row: row["step"])
        runs = sorted({_run_of(row["model"]) for row in mine})
        series = [
            Series(
                run, [(row["step"], row["value"]) for row in mine if _run_of(row["model"]) == run], dots=True
            )
            for run in runs
        ]
        least = min(mine, key=lambda row: float(row["value"]))
        answer = (
            f"Least at step {count(least['step'])} of {_run_of(least['model'])}: {decimal(least['value'])}."
        )
        slug = _slug(benchmark)
        columns = {"model": ("Model", "foreign"), "step": ("Step", "count"), "value": ("Loss", "decimal")}
        table = grid(f"checkpoints_{slug}", f"Loss on {benchmark} by checkpoint", columns, mine)
        question = f"Does {benchmark} become likelier from checkpoint to checkpoint?"
        chart = lines(series, x="training step", y="loss (nats per byte)")
        figures.append(Figure(f"checkpoints-{slug}", question, answer, chart, table))
    return figures


def _run_of(model: str) -> str:
    """The run that a checkpoint belongs to: its name without the step."""
    return re.sub(r"[/ ]*(?:checkpoints/)?step_\d+$", "", model) or model


def _slug(name: str) -> str:
    """A benchmark's name as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]


def _forms(law: Stats | None) -> Grid | None:
    if not law or not law["forms"]:
        return None
    columns = {
        "benchmark": ("Benchmark", "foreign"),
        "form": ("Form", "text"),
        "error": ("Leave-one-out error", "percent"),
        "noise": ("Noise between seeds", "decimal"),
    }
    return grid("law_forms", "Form of the law that was chosen for each benchmark", columns, law["forms"])


def _ablations(found: Stats | None) -> list[Figure]:
    """Difference of each cell's loss from the reference, with its interval; one figure per benchmark."""
    figures = []
    rows = [row for row in (found or {}).get("rows", ()) if row["value"] is not None]
    reference = (found or {}).get("reference", "")
    for name in dict.fromkeys(row["benchmark"] for row in rows):
        mine = [row for row in rows if row["benchmark"] == name]
        items = [
            Interval(
                f"{row['cell']}: {row['verdict']}",
                row["value"],
                row["low"],
                row["high"],
                f"{row['cell']}: {row['value']:+.4f} against {reference}",
            )
            for row in mine
        ]
        best = min(mine, key=lambda row: float(row["value"]))
        answer = (
            f"Against {reference} at equal tokens, {best['cell']} changes the loss by {best['value']:+.4f} "
            f"({best['verdict']}). Below 0 a cell is better; lines are intervals over items and seeds."
        )
        question = f"Which parts of the recipe change the loss on {name}?"
        chart = intervals(items, x=f"loss less that of {reference} (nats per byte)")
        table = _ablation_grid(f"ablation_{_slug(name)}", f"Ablations on {name}", mine)
        figures.append(Figure(f"ablation-{_slug(name)}", question, answer, chart, table))
    return figures


def _ablation_table(found: Stats | None) -> Grid | None:
    return _ablation_grid("ablations", "All cells and benchmarks", found["rows"]) if found else None


def _ablation_grid(name: str, caption: str, rows: Sequence[Stats]) -> Grid:
    columns = {
        "cell": ("Cell", "foreign"),
        "benchmark": ("Benchmark", "foreign"),
        "loss": ("Loss", "decimal"),
        "spread": ("Deviation over seeds", "decimal"),
        "seeds": ("Seeds", "count"),
        "value": ("Difference", "decimal"),
        "low": ("Interval from", "decimal"),
        "high": ("to", "decimal"),
        "verdict": ("Verdict", "text"),
    }
    return grid(name, caption, columns, rows)


def _scores(found: Sequence[Stats]) -> Grid | None:
    columns = {
        "model": ("Model", "foreign"),
        "step": ("Step", "count"),
        "benchmark": ("Benchmark", "foreign"),
        "group": ("Group", "foreign"),
        "measure": ("Measure", "text"),
        "value": ("Value", "decimal"),
        "stderr": ("Standard error", "decimal"),
    }
    return (
        grid("scores_of_models", "Benchmark losses and scores of models", columns, found) if found else None
    )
