"""Loss curves, held-out and benchmark losses, tokens and learning rates of the training stages."""

from __future__ import annotations

from typing import Any

from corpus.report.figures.bars import Bar, Part, bars
from corpus.report.figures.curves import Series, lines
from corpus.report.figures.style import SERIES
from corpus.report.grids import grid
from corpus.report.markup import count, decimal, percent, sentence, short
from corpus.report.parts import Figure, Section, empty, is_stage, run_slug, run_title

Stats = dict[str, Any]
SEEN = "tokens seen in the stage"


def section(stats: Stats) -> Section:
    runs = {run: found for run, found in stats["training"].items() if found and found["steps"]}
    if not runs:
        return empty("training", "Training", "training/stage1 or training/stage2")
    lead = " ".join(
        f"{sentence(run_title(run))}: {count(found['steps'])} steps, {count(found['tokens'])} tokens at a "
        f"median of {count(found['tokens_per_second'])} tokens per second."
        for run, found in runs.items()
    )
    figures = [
        _loss(runs),
        *(_heldout(run, found) for run, found in runs.items()),
        *(_benchmarks(run, found) for run, found in runs.items()),
        _sources(runs),
        _rate(runs),
    ]
    columns = {
        "run": ("Run", "text"),
        "steps": ("Steps", "count"),
        "tokens": ("Tokens", "count"),
        "first_loss": ("First loss", "decimal"),
        "last_loss": ("Last loss", "decimal"),
        "tokens_per_second": ("Tokens/s (median)", "count"),
        "spikes": ("Spikes", "count"),
        "skipped": ("Skipped updates", "count"),
    }
    table = grid(
        "training",
        "Training runs",
        columns,
        [{"run": run_title(run), **found} for run, found in runs.items()],
    )
    return Section("training", "Training", lead, [f for f in figures if f], [table])


def _loss(runs: Stats) -> Figure | None:
    """All stages on one axis of tokens, one behind the other, as they were trained; other runs begin at 0."""
    series, rows, start = [], [], 0.0
    for run, found in runs.items():
        points = [row for row in found["curve"] if row["loss"] is not None]
        before = start if is_stage(run) else 0.0
        band = [(before + row["tokens"], row["lowest"], row["highest"]) for row in points]
        series.append(Series(run_title(run), [(before + row["tokens"], row["loss"]) for row in points], band))
        rows += [{"run": run_title(run), **row} for row in found["curve"]]
        start += found["tokens"] * is_stage(run)
    answer = " ".join(
        f"{sentence(run_title(run))} went from {decimal(found['first_loss'])} "
        f"to {decimal(found['last_loss'])}."
        for run, found in runs.items()
    )
    if any(found["steps"] > len(found["curve"]) for found in runs.values()):
        answer += " Line: mean; band: lowest and highest of neighbouring steps."
    chart = lines(series, x="tokens seen in all stages", y="training loss (nats per token)")
    columns = {"run": ("Run", "text"), "tokens": ("Tokens", "count")}
    columns |= {key: (key.capitalize(), "decimal") for key in ("loss", "lowest", "highest")}
    return Figure(
        "loss", "Does the model learn?", answer, chart, grid("loss", "Training loss", columns, rows)
    )


def _heldout(run: str, found: Stats) -> Figure | None:
    last = ", ".join(f"{row['source']} {decimal(row['last_loss'])}" for row in found["heldout"])
    return _evaluated(
        f"heldout-{run_slug(run)}",
        f"How well does {run_title(run)} predict documents it never saw?",
        f"Last held-out loss: {last}.",
        found["heldout"],
        y="held-out loss (nats per token)",
        caption=f"Held-out loss of {run_title(run)}",
    )


def _benchmarks(run: str, found: Stats) -> Figure | None:
    """Whole benchmarks; categories alone where a log has nothing else."""
    shown = [row for row in found["benchmarks"] if ": " not in row["source"]] or found["benchmarks"]
    last = ", ".join(f"{row['source']} {decimal(row['last_loss'])}" for row in shown)
    return _evaluated(
        f"benchmarks-{run_slug(run)}",
        f"Do the benchmarks' gold answers become likelier during {run_title(run)}?",
        f"Last benchmark loss: {last}.",
        shown,
        y="benchmark loss (nats per byte)",
        caption=f"Benchmark loss of {run_title(run)}",
    )


def _evaluated(
    name: str, question: str, answer: str, found: list[Stats], *, y: str, caption: str
) -> Figure | None:
    """Losses measured now and then on some sources; bars where each was measured once."""
    series = [
        Series(
            row["source"],
            [(p["tokens"], p["loss"]) for p in row["points"] if p["loss"] is not None],
            dots=True,
        )
        for row in found
    ]
    if not any(one.points for one in series):
        return None
    if any(len(one.points) > 1 for one in series):
        chart = lines(series, x=SEEN, y=y)
    else:
        ends = [(row["source"], row["last_loss"]) for row in found if row["last_loss"] is not None]
        chart = bars(
            [Bar(one, decimal(loss), [Part(y, loss, f"{one}: {loss:.4g}")]) for one, loss in ends], unit=y
        )
    columns = {
        "source": ("Source", "text"),
        "tokens": ("Tokens seen", "count"),
        "loss": ("Loss", "decimal"),
        "bits_per_byte": ("Bits per byte", "decimal"),
    }
    rows = [{"source": row["source"], **point} for row in found for point in row["points"]]
    return Figure(name, question, answer, chart, grid(name.replace("-", "_"), caption, columns, rows))


def _sources(runs: Stats) -> Figure | None:
    rows = [{"run": run_title(run), **row} for run, found in runs.items() for row in found["sources"]]
    if not rows:
        return None
    names = list(dict.fromkeys(row["source"] for row in rows))
    items = []
    for run, found in runs.items():
        parts = [
            Part(
                row["source"],
                row["tokens"],
                f"{row['source']}: {count(row['tokens'])} tokens, {percent(row['share'])} "
                f"of {run_title(run)}",
                SERIES[names.index(row["source"]) % len(SERIES)],
            )
            for row in found["sources"]
        ]
        items.append(Bar(sentence(run_title(run)), f"{short(found['tokens'])} tokens", parts))
    answer = "; ".join(
        f"{run_title(run)}: "
        + ", ".join(f"{row['source']} {percent(row['share'])}" for row in found["sources"])
        for run, found in runs.items()
        if found["sources"]
    )
    columns = {"run": ("Run", "text"), "source": ("Source", "text"), "tokens": ("Tokens", "count")}
    table = grid(
        "training_sources",
        "Tokens that each source gave to training",
        {**columns, "share": ("Share", "percent")},
        rows,
    )
    question = "Which tokens did the training see?"
    return Figure("training-sources", question, f"{sentence(answer)}.", bars(items, unit="tokens"), table)


def _rate(runs: Stats) -> Figure | None:
    series = [
        Series(
            run_title(run), [(row["tokens"], row["lr"]) for row in found["curve"] if row["lr"] is not None]
        )
        for run, found in runs.items()
    ]
    series = [one for one in series if one.points]
    if not series:
        return None
    peak = max(value for one in series for _, value in one.points)
    answer = f"Each stage warms up and decays by itself; the highest rate drawn is {short(peak)}."
    chart = lines(series, x=SEEN, y="learning rate", zero=True)
    rows = [
        {"run": run_title(run), "tokens": row["tokens"], "lr": row["lr"]}
        for run, found in runs.items()
        for row in found["curve"]
    ]
    columns = {"run": ("Run", "text"), "tokens": ("Tokens", "count"), "lr": ("Learning rate", "number")}
    table = grid("learning_rate", "Learning rate", columns, rows)
    return Figure("rate", "Which learning rate was used?", answer, chart, table)
