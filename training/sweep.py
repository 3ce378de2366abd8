"""Train small models at many shares of one source, fit the mixing law of their losses, recommend a share.

    python training/sweep.py --config conf/training/sweeps/tiny.yaml data=WORKSPACE/shards/stage1 output=SWEEP

Runs `parallel` at a time, or with launch=slurm writes a batch script for each. With base_tokens= each size
first gets a base that its runs go on from. The same command goes on where it stopped; launch=law fits what is
finished. Writes runs.parquet (a row per run and benchmark), law.json, law.md, law.svg and stage1.yaml (the
recommended mix).
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
from training.trials.launch import Trial, train_all
from training.trials.same import check_same, settings_of
from training.trials.slurm import write_scripts


def sweep(config: SweepConfig) -> str:
    """Finish the runs, then fit; returns a summary."""
    grid = _grid(config)
    output = Path(config.output)
    output.mkdir(parents=True, exist_ok=True)
    check_same(base for model in config.models if (base := runs.base_of(config, model)))
    waiting = [] if config.launch == "law" else [cell for cell in grid if runs.losses(config, cell) is None]
    if config.launch == "slurm" and waiting:
        return _scripts(config, waiting)
    if waiting:
        _train(config, grid, waiting)
    rows = [row for cell in grid for row in runs.rows(config, cell)]
    write_runs(output, rows)
    return summary(study(config, rows), output)


def _train(config: SweepConfig, grid: list[Cell], waiting: list[Cell]) -> None:
    """Bases first, then the runs; runs.parquet grows with each that ends."""
    settings: dict[str, Any] = {"launcher": runs.launcher_of(config), "parallel": config.parallel}
    settings["keep"] = config.keep_checkpoints
    with Progress("sweeping") as progress:
        bases = [base for model in dict.fromkeys(cell.model for cell in waiting)
                 if (base := runs.base_of(config, model)) and not base.finished]  # fmt: skip

        def begun(base: Trial) -> None:
            check_same([base])  # an earlier call may have left it at work
            progress.update(0, len(grid), base.name)

        train_all(bases, begun, **settings)
        by_name = {cell.name: cell for cell in waiting}
        rows = [row for cell in grid if cell not in waiting for row in runs.rows(config, cell)]
        ended = len(grid) - len(waiting)

        def done(trial: Trial) -> None:
            nonlocal ended
            ended += 1
            rows.extend(runs.rows(config, by_name[trial.name]))
            write_runs(Path(config.output), rows)
            progress.update(ended, len(grid), trial.name)

        train_all([runs.trial(config, cell) for cell in waiting], done, **settings)


def _scripts(config: SweepConfig, waiting: list[Cell]) -> str:
    after = {cell.name: base for cell in waiting if (base := runs.base_of(config, cell.model))}
    submit = write_scripts(
        Path(config.output), [runs.trial(config, cell) for cell in waiting], after,
        launcher=runs.launcher_of(config), options=config.slurm,
    )  # fmt: skip
    return f"{len(waiting)} runs are waiting: sh {submit} hands them in, and the same command fits them later"


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
    for model in config.models:
        if base := runs.base_of(config, model):
            lines.append(_planned(base))
    lines += [_planned(runs.trial(config, cell)) for cell in grid]
    return "\n".join([f"sweep: {len(grid)} runs -> {config.output}", *lines])


def _planned(trial: Trial) -> str:
    found = settings_of(trial)
    shares = ", ".join(f"{name} {share:.3f}" for name, share in found.weights.items())
    return f"  {trial.name:<24} {found.tokens:>14,} tokens  {shares}"


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
