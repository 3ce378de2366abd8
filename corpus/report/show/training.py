"""Loss curves, held-out losses and learning rates of the training stages."""

from __future__ import annotations

from typing import Any

from corpus.report.figures import Bar, Part, Series, bars, lines
from corpus.report.grids import grid
from corpus.report.markup import count, decimal, sentence, short
from corpus.report.parts import SETS, Figure, Section, empty

Stats = dict[str, Any]


def section(stats: Stats) -> Section:
    runs = {run: found for run, found in stats["training"].items() if found and found["steps"]}
    if not runs:
        return empty("training", "Training", "training/stage1 or training/stage2")
    lead = " ".join(
        f"{sentence(SETS[run])}: {count(found['steps'])} steps, {count(found['tokens'])} tokens at a median "
        f"of {count(found['tokens_per_second'])} tokens per second."
        for run, found in runs.items()
    )
    figures = [_loss(runs), *(_heldout(run, found) for run, found in runs.items()), _rate(runs)]
    tables = [
        grid(
            "training",
            "Training runs",
            {
                "run": ("Run", "text"),
                "steps": ("Steps", "count"),
                "tokens": ("Tokens", "count"),
                "first_loss": ("First loss", "decimal"),
                "last_loss": ("Last loss", "decimal"),
                "tokens_per_second": ("Tokens/s (median)", "count"),
            },
            [{"run": SETS[run], **found} for run, found in runs.items()],
        ),
        grid(
            "training_sources",
            "Tokens that each source gave to training",
            {
                "run": ("Run", "text"),
                "source": ("Source", "text"),
                "tokens": ("Tokens", "count"),
                "share": ("Share", "percent"),
            },
            [{"run": SETS[run], **row} for run, found in runs.items() for row in found["sources"]],
        ),
    ]
    return Section(
        "training", "Training", lead, [f for f in figures if f], [table for table in tables if table.rows]
    )


def _loss(runs: Stats) -> Figure | None:
    series = []
    for run, found in runs.items():
        points = [row for row in found["curve"] if row["loss"] is not None]
        band = [(row["tokens"], row["lowest"], row["highest"]) for row in points]
        series.append(Series(SETS[run], [(row["tokens"], row["loss"]) for row in points], band))
    answer = " ".join(
        f"{sentence(SETS[run])} went from {decimal(found['first_loss'])} to {decimal(found['last_loss'])}."
        for run, found in runs.items()
    )
    note = (
        " Line: mean; band: lowest and highest of neighbouring steps."
        if any(f["steps"] > len(f["curve"]) for f in runs.values())
        else ""
    )
    svg = lines(series, f"Training loss. {answer}", x="tokens seen in the stage", y="loss (nats per token)")
    rows = [{"run": SETS[run], **row} for run, found in runs.items() for row in found["curve"]]
    columns = {"run": ("Run", "text"), "tokens": ("Tokens", "count")}
    columns |= {key: (key.capitalize(), "decimal") for key in ("loss", "lowest", "highest")}
    return Figure(
        "loss", "Does the model learn?", answer + note, svg, grid("loss", "Training loss", columns, rows)
    )


def _heldout(run: str, found: Stats) -> Figure | None:
    if not found["heldout"]:
        return None
    series = [
        Series(
            row["source"],
            [(point["tokens"], point["loss"]) for point in row["points"] if point["loss"] is not None],
            dots=True,
        )
        for row in found["heldout"]
    ]
    answer = (
        "Last held-out loss: "
        + ", ".join(f"{row['source']} {decimal(row['last_loss'])}" for row in found["heldout"])
        + "."
    )
    title = f"How well does {SETS[run]} predict documents it never saw?"
    if any(len(one.points) > 1 for one in series):
        svg = lines(
            series, f"{title} {answer}", x="tokens seen in the stage", y="held-out loss (nats per token)"
        )
    else:
        svg = _last_losses(found)
        answer += " Measured at the end alone; unit: nats per token."
    columns = {
        "source": ("Source", "text"),
        "tokens": ("Tokens seen", "count"),
        "loss": ("Loss", "decimal"),
        "bits_per_byte": ("Bits per byte", "decimal"),
    }
    rows = [{"source": row["source"], **point} for row in found["heldout"] for point in row["points"]]
    return Figure(
        f"heldout-{run}",
        title,
        answer,
        svg,
        grid(f"heldout_{run}", f"Held-out loss of {SETS[run]}", columns, rows),
    )


def _last_losses(found: Stats) -> str:
    rows = [row for row in found["heldout"] if row["last_loss"] is not None]
    items = [
        Bar(row["source"], decimal(row["last_loss"]), (Part("s0", row["last_loss"], row["source"]),))
        for row in rows
    ]
    return bars(items, "Last held-out loss by source, in nats per token")


def _rate(runs: Stats) -> Figure | None:
    series = [
        Series(SETS[run], [(row["tokens"], row["lr"]) for row in found["curve"] if row["lr"] is not None])
        for run, found in runs.items()
    ]
    series = [one for one in series if one.points]
    if not series:
        return None
    peak = max(value for one in series for _, value in one.points)
    answer = f"Each stage warms up and decays by itself; the highest rate drawn is {short(peak)}."
    svg = lines(
        series, f"Learning rate. {answer}", x="tokens seen in the stage", y="learning rate", zero=True
    )
    rows = [
        {"run": SETS[run], "tokens": row["tokens"], "lr": row["lr"]}
        for run, found in runs.items()
        for row in found["curve"]
    ]
    columns = {"run": ("Run", "text"), "tokens": ("Tokens", "count"), "lr": ("Learning rate", "number")}
    return Figure(
        "rate",
        "Which learning rate was used?",
        answer,
        svg,
        grid("learning_rate", "Learning rate", columns, rows),
    )
