"""The runs of a sweep: one command of training/run.py each, in a folder of its own."""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from corpus.engine.config import build, load_yaml, to_dict
from corpus.engine.errors import EXIT_DATA, EXIT_USER, ForgeError, UserError
from corpus.engine.overrides import with_overrides
from training.benchmark.models import Subject
from training.benchmark.run import EvaluateConfig, items_of, measure
from training.config import TrainConfig
from training.model import ModelSource
from training.plan import Plan, check_fingerprint, make_plan
from training.run_folder import RECORD
from training.sweeps.config import Cell, SweepConfig

RUN = Path(__file__).resolve().parents[1] / "run.py"
LOSSES = "losses.json"
_SCRIPT = """#!/bin/sh
#SBATCH --job-name={name}
#SBATCH --output={folder}/slurm-%j.out
#SBATCH --requeue
{command}
"""


class RunError(ForgeError):
    """A run of the sweep ended before its end; the exit code is the trainer's own."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code if code in (EXIT_USER, EXIT_DATA) else 1


def folder_of(config: SweepConfig, cell: Cell) -> Path:
    return Path(config.output) / "runs" / cell.name


def shares_of(config: SweepConfig, cell: Cell, weights: dict[str, float]) -> dict[str, float]:
    """Shares of all sources: the swept one's, and the rest in the ratio of the manifest's weights."""
    others = {name: weight for name, weight in weights.items() if name != config.source}
    total = sum(others.values())
    rest = {name: (1 - cell.share) * weight / total for name, weight in others.items()} if total else {}
    return {config.source: cell.share, **rest}


def settings(config: SweepConfig, cell: Cell) -> TrainConfig:
    """The run's config. UserError where it cannot be built, before anything is started."""
    recipe = load_yaml(config.recipe)
    words = [f"{key}={value}" for key, value in config.train.items()]
    fixed = [f"data={config.data}", f"model={config.models[cell.model]}", f"output={folder_of(config, cell)}"]
    asked = with_overrides(recipe, [*words, *fixed, f"seed={cell.seed}"])
    given = make_plan(build(TrainConfig, asked, where=config.recipe))
    weights = {source.name: source.weight for source in given.shards.sources}
    tokens = config.tokens or math.ceil(config.tokens_per_parameter * size_of(given.model))
    shares = shares_of(config, cell, weights)
    return build(TrainConfig, {**asked, "tokens": tokens, "weights": shares}, where=config.recipe)


def size_of(model: ModelSource) -> int:
    """Parameters outside the embeddings, which a vocabulary would otherwise dominate in small models."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(model.config)
    ends = [m for m in (empty.get_input_embeddings(), empty.get_output_embeddings()) if m is not None]
    embeddings = {id(m.weight): m.weight.numel() for m in ends}  # a tied one once
    return int(sum(p.numel() for p in empty.parameters()) - sum(embeddings.values()))


def command(config: SweepConfig, cell: Cell) -> list[str]:
    """What starts the run; the same again takes it on."""
    found = settings(config, cell)
    words = [f"{key}={value}" for key, value in config.train.items()]
    words += [f"data={found.data}", f"model={found.model}", f"output={found.output}"]
    words += [f"seed={found.seed}", f"tokens={found.tokens}"]
    words += [f"weights.{name}={share!r}" for name, share in found.weights.items()]
    launcher = shlex.split(config.launcher) or [sys.executable]
    return [*launcher, str(RUN), "--config", config.recipe, *words]


def write_script(config: SweepConfig, cell: Cell) -> Path:
    """The run as a batch script, which a cluster may start in any order and requeue."""
    folder = folder_of(config, cell).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "run.sh"
    script.write_text(
        _SCRIPT.format(name=cell.name, folder=folder, command=shlex.join(command(config, cell))), "utf-8"
    )
    return script


def train(config: SweepConfig, cell: Cell) -> None:
    """Run one cell to its end, unless it is there. Its output goes to train.log in its folder."""
    folder = folder_of(config, cell)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "train.log", "a", encoding="utf-8") as log:
        code = subprocess.run(command(config, cell), stdout=log, stderr=log, check=False).returncode
    if code:
        last = (folder / "train.log").read_text("utf-8").strip().splitlines()[-1:]
        raise RunError(f"the run {cell.name} ended with code {code}: {' '.join(last)}", code)


def losses_of(config: SweepConfig, cell: Cell) -> dict[str, float] | None:
    """The run's losses by benchmark, measured where they are not yet; None while it is not finished.

    All in nats per byte. Held-out sources come from the run's own last measurement, named heldout.SOURCE.
    Raises UserError where the folder holds a run of other settings.
    """
    folder = folder_of(config, cell)
    if not (folder / "export" / "config.json").is_file():
        return None
    _same_run(config, cell, folder)
    kept, asked_for = folder / LOSSES, to_dict(config)["benchmarks"]
    if kept.is_file():
        before = json.loads(kept.read_text("utf-8"))
        if before["benchmarks"] == json.loads(json.dumps(asked_for)):
            return dict(before["losses"])
    found = dict(_heldout(folder))
    if config.benchmarks:
        asked = EvaluateConfig(model=(str(folder),), output="", benchmarks=config.benchmarks)
        row = measure(Subject(cell.name, folder / "export"), items_of(asked), asked)
        found.update({name: groups["all"]["loss"] for name, groups in row["benchmarks"].items()})
    fresh = kept.with_suffix(".tmp")
    row = {"losses": found, "benchmarks": asked_for}
    fresh.write_text(json.dumps(row, indent=1, allow_nan=False) + "\n", "utf-8")
    os.replace(fresh, kept)
    return found


def _same_run(config: SweepConfig, cell: Cell, folder: Path) -> None:
    begun = json.loads((folder / RECORD).read_text("utf-8"))["fingerprint"]
    try:
        check_fingerprint(folder, begun, json.loads(json.dumps(plan_of(config, cell).fingerprint())))
    except UserError as error:
        raise UserError(f"{error} Give the sweep another output, or remove that run.") from error


def _heldout(folder: Path) -> Iterator[tuple[str, float]]:
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    ]
    for row in rows:  # later measurements of a source replace earlier ones
        if row.get("event") == "eval":
            if row["bits_per_byte"] is None:
                raise UserError(
                    f"{folder}: held-out {row['source']} has no texts; a loss per byte needs them."
                )
            yield f"heldout.{row['source']}", row["bits_per_byte"] * math.log(2)


def plan_of(config: SweepConfig, cell: Cell) -> Plan:
    return make_plan(settings(config, cell))
