"""From finished runs to runs.parquet, law.json, law.svg and the mix of a stage."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from corpus.engine.errors import UserError, nearest
from training.law.choice import Check, Choice, check, choose
from training.law.losses import Losses, from_rows
from training.law.recommend import Law, Recommendation, best_share, largest_share
from training.sweeps.config import SweepConfig
from training.sweeps.curves import curves
from training.sweeps.figure import draw
from training.sweeps.report import report

RUNS, LAW, REPORT, FIGURE, STAGE = "runs.parquet", "law.json", "law.md", "law.svg", "stage1.yaml"
LEAST = 4  # mixes, so that one may be left out and a line through the others still be checked
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("run", "model", "benchmark")]
    + [(name, pa.int64()) for name in ("size", "tokens", "base_tokens", "seed")]
    + [("share", pa.float64())]
    + [("shares", pa.map_(pa.string(), pa.float64())), ("loss", pa.float64())]
)

Row = Mapping[str, Any]


def write_runs(output: Path, rows: Sequence[Row]) -> None:
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA), output / RUNS)


def study(config: SweepConfig, rows: Sequence[Row]) -> dict[str, Any]:
    """Fit, check, recommend; writes law.json, law.md, law.svg and stage1.yaml. Returns what law.json holds.

    Forms are chosen on what is left when the shares in `aside` and the largest size are taken out, and
    checked on those; the law that recommends is fitted again to all runs. Raises UserError for too few runs.
    """
    runs = tables(rows)
    _require(config, runs)
    weights = config.target or dict.fromkeys(runs, 1.0)
    checked, aside = _checked(config, runs, weights)
    law = Law({name: choose(losses) for name, losses in runs.items()}, runs, config.source)
    best = best_share(law, weights, resamples=config.resamples)
    harmless = _harmless(config, law)
    found = {
        "source": config.source,
        "target": weights,
        "runs": len(next(iter(runs.values()))),
        "swept": [float(share) for share in sorted({row["share"] for row in rows})],
        "noise": {name: _number(losses.noise()) for name, losses in runs.items()},
        "forms": {name: _choice(choice) for name, choice in law.choices.items()},
        "curves": curves(law),
        "set_aside": {"shares": list(config.aside), "largest_size": aside, "check": _check(checked)},
        "best": _recommendation(best),
        "harmless": {
            **_recommendation(harmless),
            "tolerance": config.tolerance,
            "for": _general(config, law),
        },
    }
    output = Path(config.output)
    (output / LAW).write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", "utf-8")
    (output / STAGE).write_text(_stage(config, {"target": best, "constraint": harmless}), "utf-8")
    (output / REPORT).write_text(report(found), "utf-8")
    draw(law, best, output / FIGURE)
    return found


def tables(rows: Sequence[Row]) -> dict[str, Losses]:
    """Losses by benchmark, each with the same runs in the same order."""
    sources = sorted({name for row in rows for name in dict(row["shares"])})
    names = sorted({row["benchmark"] for row in rows})
    ordered = sorted(rows, key=lambda row: (row["size"], row["share"], row["seed"]))
    return {
        name: from_rows(
            ({**row, "shares": dict(row["shares"])} for row in ordered if row["benchmark"] == name), sources
        )
        for name in names
    }


def _checked(
    config: SweepConfig, runs: Mapping[str, Losses], weights: Mapping[str, float]
) -> tuple[Check | None, bool]:
    """The check on what no form has seen, and whether the largest size was part of that."""
    first = next(iter(runs.values()))
    at = first.sources.index(config.source)
    sizes = sorted(set(first.sizes.tolist()))
    aside = [any(math.isclose(share, kept) for kept in config.aside) for share in first.shares[:, at]]
    largest = len(sizes) > 2
    if largest:
        aside = [one or size == sizes[-1] for one, size in zip(aside, first.sizes)]
    seen = [number for number, one in enumerate(aside) if not one]
    unseen = [number for number, one in enumerate(aside) if one]
    if not unseen or len(first.where(seen).groups()) < LEAST:
        return None, False
    choices = {name: choose(losses.where(seen)) for name, losses in runs.items()}
    return check(choices, {name: losses.where(unseen) for name, losses in runs.items()}, weights), largest


def _harmless(config: SweepConfig, law: Law) -> Recommendation:
    """The largest share whose general losses stay near those of the least share that was run."""
    allowed = {}
    for name in _general(config, law):
        losses = law.runs[name]
        swept = losses.shares[:, losses.sources.index(config.source)]
        largest = losses.sizes == losses.sizes.max()
        at = (swept == swept[largest].min()) & largest
        allowed[name] = float(losses.values[at].mean()) * (1 + config.tolerance)
    return largest_share(law, allowed, resamples=config.resamples)


def _general(config: SweepConfig, law: Law) -> list[str]:
    others = [n for n in law.runs if n.startswith("heldout.") and n != f"heldout.{config.source}"]
    return list(config.general) or [n for n in others if n != "heldout.seeds"] or list(law.runs)


def _require(config: SweepConfig, runs: Mapping[str, Losses]) -> None:
    for key, names in (("target", config.target), ("general", config.general)):
        for name in names:
            if name not in runs:
                raise UserError(f"{key} names '{name}', which no run measured: {nearest(name, runs)}")
    if config.target and sum(config.target.values()) <= 0:
        raise UserError("all weights of target are 0; give at least one benchmark a weight.")
    if len({len(losses) for losses in runs.values()}) > 1:
        raise UserError("benchmarks were measured on different runs; remove the losses.json of those runs.")
    first = next(iter(runs.values()), None)
    if first is None or len(first.groups()) < LEAST:
        raise UserError(f"a law needs at least {LEAST} finished mixes; give more of them in shares=.")


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "form": choice.fit.form.name,
        "parameters": choice.fit.parameters.tolist(),
        "left_out_error": dict(sorted(choice.errors.items(), key=lambda item: item[1])),
    }


def _check(found: Check | None) -> dict[str, Any] | None:
    return None if found is None else {**asdict(found), "rank": _number(found.rank)}


def _recommendation(found: Recommendation) -> dict[str, Any]:
    return {**asdict(found), "low": _number(found.low), "high": _number(found.high)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _stage(config: SweepConfig, found: Mapping[str, Recommendation]) -> str:
    chosen = found[config.recommend]
    why = {
        "target": "has the least weighted loss",
        "constraint": f"is the largest whose general losses rise by no more than {config.tolerance:.1%}",
    }[config.recommend]
    shares = {name: round(share, 4) for name, share in chosen.shares.items()}
    lines = [f"# The share of {config.source} that {why}, by the law in {LAW}.",
             "# Its lines belong into the recipe of training/run.py."]  # fmt: skip
    return "\n".join(lines) + "\n" + str(yaml.safe_dump({"weights": shares}, sort_keys=True))
