"""The runs of each cell: stage 1 on the mix, stage 2 on the seeds, together always the same tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.ablations.config import AblationConfig, CellConfig
from training.ablations.corpora import EXAM
from training.ablations.exam import NAME
from training.benchmark.config import BenchmarkConfig
from training.trials.launch import Trial


@dataclass(frozen=True)
class CellRun:
    """One seed of a cell: its stages in order."""

    cell: str
    seed: int
    stages: tuple[Trial, ...]

    @property
    def last(self) -> Trial:
        return self.stages[-1]


def runs_of(config: AblationConfig, shards: Mapping[str, Path]) -> list[CellRun]:
    """The runs of these cells, seed by seed, so that an early look compares all cells on one seed."""
    return [
        CellRun(name, seed, tuple(_stages(config, name, config.cells[name], seed, folder)))
        for seed in config.seeds
        for name, folder in shards.items()
    ]


def benchmarks_of(config: AblationConfig) -> dict[str, BenchmarkConfig]:
    exam = {NAME: BenchmarkConfig(path=str(Path(config.output) / EXAM))} if config.held_out else {}
    return {**exam, **config.benchmarks}


def _stages(config: AblationConfig, name: str, cell: CellConfig, seed: int, shards: Path) -> Iterator[Trial]:
    second = round(config.tokens * config.stage2_share) if cell.stage1 and cell.stage2 else 0
    budgets = (
        {"stage1": config.tokens - second, "stage2": second} if cell.stage1 else {"stage2": config.tokens}
    )
    model = config.model
    for stage, tokens in budgets.items():
        if not tokens:
            continue
        folder = Path(config.output) / "runs" / f"{name}-{seed}" / stage
        words = [f"{key}={json.dumps(value) if isinstance(value, (dict, list)) else value}"
                 for key, value in config.train.items()]  # fmt: skip
        words += [f"data={shards / stage}", f"model={model}", f"output={folder}", f"seed={seed}"]
        words += [f"tokens={tokens}", "heldout.rows=0"]
        recipe = config.recipe if stage == "stage1" else config.recipe2
        yield Trial(f"{name}-{seed}-{stage}", folder, ("--config", recipe, *words))
        model = str(folder / "export")
