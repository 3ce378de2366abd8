"""Numbers of a training run, read from its metrics.jsonl; nothing of the trainer is imported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from corpus.engine import storage
from corpus.report.counters import share
from corpus.report.workspace import LOG, Workspace, json_lines

POINTS = 240  # of a curve: more than a figure has pixels to tell apart
_CURVES = ("loss", "lr", "grad_norm")


def numbers(space: Workspace, run: str) -> dict[str, Any] | None:
    """Curves, held-out losses and shares of one run; null where it left no log.

    A step that is logged twice, as after a crash, counts once, with its last values; so do its spike and its
    dropped update.
    """
    path = space.path("training", run, LOG)
    if not storage.exists(path):
        return None
    steps: dict[int, tuple[float, ...]] = {}
    rates: dict[int, float] = {}
    skipped: dict[int, bool] = {}
    spikes: set[int] = set()
    held: dict[str, dict[int, dict[str, Any]]] = {}
    answers: dict[str, dict[int, dict[str, Any]]] = {}
    last: dict[str, Any] = {}
    for row in json_lines(path):
        step = row.get("step")
        if not isinstance(step, int):
            continue
        if row.get("event") == "benchmark":
            answers.setdefault(_benchmark(row), {})[step] = row
        elif row.get("event") == "eval":
            held.setdefault(str(row.get("source")), {})[step] = row
        elif row.get("event") == "spike":
            spikes.add(step)
        elif row.get("event", "step") == "step" and "loss" in row:
            steps[step] = (_number(row.get("tokens")), *(_number(row.get(name)) for name in _CURVES))
            rates[step] = _number(row.get("tokens_per_second"))
            skipped[step] = row.get("skipped") is True
            last = row
    if not steps:
        return {"steps": 0}
    curve = [steps[step] for step in sorted(steps)]
    return {
        "steps": max(steps),
        "tokens": int(curve[-1][0]),
        "first_loss": curve[0][1],
        "last_loss": curve[-1][1],
        "finite": all(math.isfinite(row[1]) for row in curve),
        "tokens_per_second": median(rate for rate in rates.values()),
        "spikes": len(spikes),
        "skipped": sum(skipped.values()),
        "curve": _thin(curve),
        "heldout": [_heldout(source, held[source], steps) for source in sorted(held)],
        "benchmarks": [_heldout(name, answers[name], steps) for name in sorted(answers)],
        "sources": _sources(last.get("source_tokens") or last.get("tokens_per_source") or {}),
    }


def _benchmark(row: dict[str, Any]) -> str:
    """The name of a benchmark, with its category where that is not the whole."""
    name, category = str(row.get("benchmark")), row.get("category")
    return name if category in (None, "all") else f"{name}: {category}"


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _thin(curve: Sequence[tuple[float, ...]]) -> list[dict[str, Any]]:
    """At most POINTS points: means, lowest and highest over equal runs of steps, so that no spike hides."""
    size = -(-len(curve) // POINTS)
    out = []
    for start in range(0, len(curve), size):
        part = curve[start : start + size]
        means = {name: _mean([row[1 + i] for row in part]) for i, name in enumerate(_CURVES)}
        losses = [row[1] for row in part if math.isfinite(row[1])]
        spread = {"lowest": min(losses, default=None), "highest": max(losses, default=None)}
        out.append({"tokens": part[-1][0], **means, **spread})
    return out


def _mean(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return fmean(finite) if finite else None


def _heldout(
    source: str, rows: dict[int, dict[str, Any]], steps: dict[int, tuple[float, ...]]
) -> dict[str, Any]:
    per_step = steps[min(steps)][0] / min(steps) if min(steps) > 0 else 0.0
    points = [
        {
            "tokens": steps[step][0] if step in steps else step * per_step,
            "loss": rows[step].get("loss"),
            "bits_per_byte": rows[step].get("bits_per_byte"),
        }
        for step in sorted(rows)
    ]
    first, final = points[0], points[-1]
    return {
        "source": source,
        "first_loss": first["loss"],
        "last_loss": final["loss"],
        "bits_per_byte": final["bits_per_byte"],
        "points": points,
    }


def _sources(tokens: dict[str, Any]) -> list[dict[str, Any]]:
    whole = sum(tokens.values())
    return [
        {"source": name, "tokens": tokens[name], "share": share(tokens[name], whole)}
        for name in sorted(tokens)
    ]
