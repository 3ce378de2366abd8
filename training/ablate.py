"""Train the same model on corpora that each lack one thing, and compare their benchmark loss at equal tokens.

    python training/ablate.py --config conf/training/ablations/tiny.yaml workspace=demo output=ABLATIONS

Builds each cell's shards from the stages of a finished workspace by the jobs of the road, trains every cell
with every seed on the same tokens, measures, and prints the differences with their noise. only=CELL,... runs
some of them; the same command goes on where it stopped. Writes ablations.json, ablations.md, ablations.svg.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# As a script, Python puts training/ first in the path, where its modules would shadow others.
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from corpus.engine import manifest
from corpus.engine.cli import run_job
from corpus.engine.progress import Progress
from training.ablations import compare
from training.ablations.compare import Measured
from training.ablations.config import AblationConfig
from training.ablations.corpora import Corpora, build
from training.ablations.figure import draw
from training.ablations.runs import CellRun, benchmarks_of, runs_of
from training.trials.launch import Trial, train_all
from training.trials.losses import items_of, losses_of
from training.trials.same import check_same
from training.trials.slurm import write_scripts

RESULT, TABLE, FIGURE = "ablations.json", "ablations.md", "ablations.svg"


def ablate(config: AblationConfig) -> str:
    """Build, train, measure, compare; returns the table."""
    chosen = {name: cell for name, cell in config.cells.items() if not config.only or name in config.only}
    if config.launch == "table":
        shards = {name: Corpora(config).shards(cell) for name, cell in config.cells.items()}
    else:
        shards = build(config, chosen, lambda text: print(text, file=sys.stderr, flush=True))
    runs = runs_of(config, shards)
    check_same(stage for run in runs for stage in run.stages)
    if config.launch == "slurm":
        return _scripts(config, runs)
    if config.launch == "here":
        _train(config, runs)
    everything = {name: Corpora(config).shards(cell) for name, cell in config.cells.items()}
    return _report(config, everything)


def _train(config: AblationConfig, runs: list[CellRun]) -> None:
    """First stages before second ones; each run is measured as it ends."""
    settings: dict[str, Any] = {"launcher": shlex.split(config.launcher), "parallel": config.parallel}
    settings["keep"] = config.keep_checkpoints
    waiting = [run for run in runs if not run.last.finished]
    with Progress("ablating") as progress:
        early = [stage for run in waiting for stage in run.stages[:-1] if not stage.finished]
        ended = len(runs) - len(waiting)

        def begun(stage: Trial) -> None:
            check_same([stage])  # an earlier call may have left it at work
            progress.update(ended, len(runs), stage.name)

        train_all(early, begun, **settings)

        def done(stage: Trial) -> None:
            nonlocal ended
            ended += 1
            check_same([stage])
            losses_of(stage.folder, benchmarks_of(config))
            progress.update(ended, len(runs), stage.name)

        train_all([run.last for run in waiting], done, **settings)


def _scripts(config: AblationConfig, runs: list[CellRun]) -> str:
    waiting = [stage for run in runs for stage in run.stages if not stage.finished]
    after = {later.name: earlier for run in runs for earlier, later in zip(run.stages, run.stages[1:])}
    submit = write_scripts(
        Path(config.output), waiting, after, launcher=shlex.split(config.launcher), options=config.slurm
    )
    return f"{len(waiting)} runs are waiting: sh {submit} hands them in; launch=table compares them later"


def _report(config: AblationConfig, shards: Mapping[str, Path]) -> str:
    """Compare all that is finished, of this call and of earlier ones with the same settings."""
    finished = [run for run in runs_of(config, shards) if run.last.finished]
    check_same(stage for run in finished for stage in run.stages)
    measured: dict[str, dict[str, Measured]] = {}
    for cell in dict.fromkeys(run.cell for run in finished):
        folders = {run.seed: run.last.folder for run in finished if run.cell == cell}
        for folder in folders.values():
            names = losses_of(folder, benchmarks_of(config))
        measured[cell] = {name: _measured(folders, name) for name in names}
    found = compare.rows(measured, config.reference, config.confidence)
    facts = {cell: _facts(shards[cell]) for cell in measured}
    output = Path(config.output)
    result = {"reference": config.reference, "tokens": config.tokens, "cells": facts, "rows": found}
    (output / RESULT).write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", "utf-8")
    text = compare.table(found, facts, config.reference, config.confidence)
    (output / TABLE).write_text(text, "utf-8")
    if any(row["difference"] for row in found):
        draw(found, config.reference, output / FIGURE)
    return f"{text}\n{output / RESULT}"


def _measured(folders: Mapping[int, Path], name: str) -> Measured:
    """`folders` are those of the runs by seed."""
    parts = {seed: part for seed, folder in folders.items() if (part := items_of(folder, name)) is not None}
    nats, sizes = zip(*parts.values())
    return Measured(np.stack(nats), sizes[0], tuple(parts))


def _facts(shards: Path) -> dict[str, Any]:
    """Different documents of the crawl in the mix, and how often the mix reads them."""
    sources = manifest.read(str(shards)).facts["sets"].get("stage1", {}).get("sources", {})
    found = sources.get("retrieved", {})
    documents, rows = found.get("documents"), found.get("rows")
    return {"documents": documents, "times": rows / documents if documents else None}


def plan(config: AblationConfig) -> str:
    corpora = Corpora(config)
    chosen = {name: cell for name, cell in config.cells.items() if not config.only or name in config.only}
    shards = {name: corpora.shards(cell) for name, cell in chosen.items()}
    lines = [f"  {step.job:<8} {step.folder}" for step in corpora.steps.values()]
    for run in runs_of(config, shards):
        stages = ", ".join(stage.folder.name for stage in run.stages)
        lines.append(f"  run      {run.cell}, seed {run.seed}: {stages}")
    return "\n".join([f"ablation: {len(chosen)} cells -> {config.output}", *lines])


def main(argv: list[str] | None = None) -> int:
    return run_job(AblationConfig, ablate, description=__doc__ or "", plan=plan, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
