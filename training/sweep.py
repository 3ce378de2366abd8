"""Train small models at many shares of one source, fit the mixing law of their losses, recommend a share.

    python training/sweep.py --config conf/training/sweeps/tiny.yaml data=WORKSPACE/shards/stage1 output=SWEEP

Runs one after another, or with launch=slurm writes a batch script for each. The same command goes on where it
stopped. Writes runs.parquet (a row per run and benchmark), law.json, law.svg and stage1.yaml (the mix that is
recommended).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# As a script, Python puts training/ first in the path, where its modules would shadow others.
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from corpus.engine.cli import run_job
from corpus.engine.errors import UserError
from corpus.engine.progress import Progress
from training.sweeps import runs
from training.sweeps.config import Cell, SweepConfig, cells
from training.sweeps.study import study, write_runs


def sweep(config: SweepConfig) -> str:
    """Finish the runs, then fit; returns a summary."""
    grid = _grid(config)
    output = Path(config.output)
    output.mkdir(parents=True, exist_ok=True)
    if config.launch == "slurm":
        waiting = [cell for cell in grid if runs.losses_of(config, cell) is None]
        scripts = [runs.write_script(config, cell) for cell in waiting]
        if scripts:
            return f"{len(scripts)} scripts: for s in {output}/runs/*/run.sh; do sbatch $s; done"
    rows: list[dict[str, Any]] = []
    with Progress("sweeping") as progress:
        for number, cell in enumerate(grid):
            rows += finished(config, cell)
            write_runs(output, rows)
            progress.update(number + 1, len(grid), cell.name)
    return summary(study(config, rows), output)


def finished(config: SweepConfig, cell: Cell) -> list[dict[str, Any]]:
    """The rows of one run for runs.parquet, after training and measuring what is not there yet."""
    if runs.losses_of(config, cell) is None:
        runs.train(config, cell)
    losses = runs.losses_of(config, cell) or {}
    plan = runs.plan_of(config, cell)
    one = {"run": cell.name, "model": cell.model, "seed": cell.seed, "share": cell.share}
    one |= {"size": runs.size_of(plan.model), "tokens": plan.config.steps * plan.config.tokens_per_step}
    one["shares"] = list(plan.config.weights.items())
    return [{**one, "benchmark": name, "loss": loss} for name, loss in sorted(losses.items())]


def summary(law: dict[str, Any], output: Path) -> str:
    best, check = law["best"], law["set_aside"]["check"]
    interval = f"90 % interval {_share(best['low'])} to {_share(best['high'])}"
    harmless = f"largest harmless one {law['harmless']['share']:.2f}"
    lines = [f"{law['source']}: best share {best['share']:.2f} ({interval}), {harmless}"]
    if check:
        rank = "none" if check["rank"] is None else f"{check['rank']:.2f}"
        lines.append(
            f"on {check['mixes']} runs set aside: error {check['error']:.2%}, rank correlation {rank}, "
            f"regret {check['regret']:.4f}"
        )
    return "\n".join([*lines, f"{output / 'law.json'}"])


def plan(config: SweepConfig) -> str:
    grid = _grid(config)
    lines = []
    for cell in grid:
        found = runs.settings(config, cell)
        lines.append(f"  {cell.name:<24} {found.tokens:>14,} tokens  " + ", ".join(
            f"{name} {share:.3f}" for name, share in found.weights.items()))  # fmt: skip
    return "\n".join([f"sweep: {len(grid)} runs -> {config.output}", *lines])


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _grid(config: SweepConfig) -> list[Cell]:
    if not config.models:
        raise UserError("no models: give models.NAME=FOLDER at least once.")
    return cells(config)


def main(argv: list[str] | None = None) -> int:
    return run_job(SweepConfig, sweep, description=__doc__ or "", plan=plan, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
