"""Numbers of sweeps, ablations and scores, read from the files that they leave, not from the trainer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from corpus.engine import storage
from corpus.report.workspace import Workspace, batches, read_json

# Where a workspace keeps them; keys of the report name other folders.
_PLACES = {
    "sweep": ("sweep", "training/sweep"),
    "ablations": ("ablations", "training/ablations"),
    "scores": ("scores", "training/scores"),
}
Row = dict[str, Any]


def numbers(space: Workspace, given: Mapping[str, str]) -> dict[str, Any]:
    """`given` maps sweep, ablations and scores to folders, empty where they are to be looked for."""
    places = {name: _place(space, name, given.get(name, "")) for name in _PLACES}
    return {
        "law": _law(places["sweep"]) if places["sweep"] else None,
        "ablations": _ablations(places["ablations"]) if places["ablations"] else None,
        "scores": list(_scores(read_json(storage.join(places["scores"], "scores.json"))))
        if places["scores"]
        else [],
    }


def _place(space: Workspace, name: str, given: str) -> str:
    choices = [given] if given else [space.path(*place.split("/")) for place in _PLACES[name]]
    return next((place for place in choices if storage.is_folder(place)), "")


def _law(folder: str) -> Row | None:
    """Measured losses by benchmark, size and share, the curves where law.json has them, and the optimum."""
    law = read_json(storage.join(folder, "law.json"))
    runs = storage.join(folder, "runs.parquet")
    if not law.get("best") or not storage.exists(runs):
        return None
    losses: dict[str, dict[int, dict[float, list[float]]]] = {}
    for batch in batches([runs], {name: name for name in ("benchmark", "size", "share", "loss")}):
        for row in batch.to_pylist():
            if row["loss"] is not None and math.isfinite(row["loss"]):
                sizes = losses.setdefault(row["benchmark"], {})
                sizes.setdefault(row["size"], {}).setdefault(round(row["share"], 6), []).append(row["loss"])
    curves = law.get("curves") or {}
    return {
        "source": str(law.get("source", "")),
        "runs": law.get("runs"),
        "best": {key: law["best"].get(key) for key in ("share", "low", "high")},
        "harmless": {
            key: (law.get("harmless") or {}).get(key) for key in ("share", "low", "high", "tolerance")
        },
        "check": (law.get("set_aside") or {}).get("check"),
        "benchmarks": {
            name: {
                "sizes": [
                    _points(size, shares, curves.get(name) or ()) for size, shares in sorted(sizes.items())
                ]
            }
            for name, sizes in sorted(losses.items())
        },
        "forms": _forms(law),
    }


def _points(size: int, shares: Mapping[float, Sequence[float]], curve: Sequence[Mapping[str, Any]]) -> Row:
    points = [
        {"share": share, "loss": fmean(values), "low": min(values), "high": max(values), "runs": len(values)}
        for share, values in sorted(shares.items())
    ]
    return {"size": size, "points": points, "fit": [dict(row) for row in curve if row.get("size") == size]}


def _forms(law: Mapping[str, Any]) -> list[Row]:
    rows = []
    for name, choice in sorted((law.get("forms") or {}).items()):
        errors = choice.get("left_out_error") or {}
        rows.append(
            {
                "benchmark": name,
                "form": choice.get("form"),
                "error": errors.get(choice.get("form")),
                "noise": (law.get("noise") or {}).get(name),
            }
        )
    return rows


def _ablations(folder: str) -> Row | None:
    """Rows of ablations.json: losses of cells, and differences from the reference with their intervals."""
    found = read_json(storage.join(folder, "ablations.json"))
    rows = []
    for row in found.get("rows") or ():
        gap = row.get("difference") or {}
        plain = {key: row.get(key) for key in ("cell", "benchmark", "loss", "spread", "seeds", "items")}
        rows.append({**plain, **{key: gap.get(key) for key in ("value", "low", "high", "verdict")}})
    if not rows:
        return None
    return {"reference": str(found.get("reference", "")), "tokens": found.get("tokens"), "rows": rows}


def _scores(found: Mapping[str, Any]) -> Iterator[Row]:
    """Losses and scores of each model, a row per benchmark and group; what was not run has no value."""
    for place, model in sorted((found.get("models") or {}).items()):
        name, step = str(model.get("name") or place.rsplit("/", 1)[-1]), model.get("step")
        base = {"model": name, "step": step}
        for benchmark, groups in sorted((model.get("benchmarks") or {}).items()):
            for group, row in sorted(groups.items()):
                measured = {"measure": "nats per byte", "value": row.get("loss"), "stderr": row.get("stderr")}
                yield {**base, "benchmark": benchmark, "group": group, **measured}
        for kind, scores in sorted((model.get("scores") or {}).items()):
            if not isinstance(scores, Mapping):
                yield {
                    **base,
                    "benchmark": kind,
                    "group": "all",
                    "measure": str(scores),
                    "value": None,
                    "stderr": None,
                }
                continue
            for task, row in sorted(scores.items()):
                for measure, value in sorted(row.items()) if isinstance(row, Mapping) else (("score", row),):
                    if isinstance(value, (int, float)) and not isinstance(value, bool):
                        yield {
                            **base,
                            "benchmark": kind,
                            "group": task,
                            "measure": measure,
                            "value": value,
                            "stderr": None,
                        }
