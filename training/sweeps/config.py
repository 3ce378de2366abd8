"""The keys of `training/sweep.py`, and the grid that they span."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus.engine.config import option
from corpus.engine.errors import UserError
from training.benchmark.config import BenchmarkConfig


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """Which runs, on what, and what is made of them."""

    data: str = option("shard set with a folder per source, such as WORKSPACE/shards/stage1")
    models: dict[str, str] = option(
        "sizes by name: a folder with config.json alone starts at random, one with weights goes on",
        {},
    )
    base_tokens: int = option(
        "tokens of a base that is trained first for each size, and that all runs of the size go on from; "
        "0: they start from `models`",
        0,
        least=0,
    )
    base_share: float = option("share of the source in the data of the bases", 0.0, least=0, most=1)
    output: str = option(
        "folder of bases/, runs/, runs.parquet, law.json, law.md, law.svg, stage1.yaml", volatile=True
    )
    recipe: str = option("YAML of training/run.py that all runs follow", "conf/training/tiny-cpu-stage1.yaml")
    train: dict[str, Any] = option("keys of the recipe to change, such as train.rows=16", {})
    source: str = option("source whose share is swept; the others keep their ratio", "agent")
    shares: tuple[float, ...] = option(
        "shares of that source", (0.0, 0.1, 0.2, 0.33, 0.4, 0.5, 0.7, 0.9), least=0, most=1
    )
    seeds: tuple[int, ...] = option("seeds of data order and random start; each is a run of its own", (1,))
    repeat: tuple[float, ...] = option(
        "shares that run with every seed; none: all. The others run with the first seed", ()
    )
    tokens_per_parameter: float = option(
        "tokens of a run for each parameter outside the embeddings", 20.0, least=0
    )
    tokens: int = option("tokens of every run, in place of that; 0 leaves it to the size", 0, least=0)
    benchmarks: dict[str, BenchmarkConfig] = option(
        "benchmarks beside the loss on each held-out source, as training/evaluate.py takes them", {}
    )
    target: dict[str, float] = option(
        "weights of the benchmarks in the loss that the best share minimises; none: all alike", {}
    )
    general: tuple[str, ...] = option(
        "benchmarks that the largest harmless share must not harm; none: the other held-out sources",
        (),
    )
    tolerance: float = option(
        "how far those may rise above their loss at the least share, as a share of it", 0.01, least=0
    )
    aside: tuple[float, ...] = option(
        "shares kept from the fit, to check it; the largest size is kept from it too", (0.2, 0.5)
    )
    resamples: int = option("resampled fits behind the interval of the best share", 200, least=0)
    recommend: str = option(
        "which share stage1.yaml gets: target has the least weighted loss, constraint is the largest "
        "harmless one",
        "target",
        choices=("target", "constraint"),
    )
    launcher: str = option(
        "what starts a run, such as: python conf/launch/ranks.py 8; torchrun loses the exit code that puts a "
        "stopped run back into the queue",
        "",
        volatile=True,
    )
    launch: str = option(
        "here runs all on this machine; slurm writes a script per run and starts none; law fits the runs "
        "that are finished and starts none",
        "here",
        choices=("here", "slurm", "law"),
        volatile=True,
    )
    parallel: int = option("runs at work at a time on this machine", 1, least=1, volatile=True)
    keep_checkpoints: bool = option(
        "leave the checkpoints of finished runs, for curves; they are three times as large as the exports",
        False,
        volatile=True,
    )
    slurm: dict[str, str] = option(
        "options of sbatch: slurm.gres=gpu:1 slurm.time=24:00:00", {}, volatile=True
    )

    def __post_init__(self) -> None:
        strange = sorted(set(self.repeat) - set(self.shares))
        if strange:
            raise UserError(f"repeat={strange[0]:g} is none of shares={list(self.shares)}.")


@dataclass(frozen=True)
class Cell:
    """One run of the grid."""

    model: str
    share: float
    seed: int

    @property
    def name(self) -> str:
        return f"{self.model}-{self.share:g}-{self.seed}"


def cells(config: SweepConfig) -> list[Cell]:
    """The grid, seed by seed and small models first: a law can be read from a sweep that is not finished."""
    repeated = set(config.repeat) or set(config.shares)
    return [
        Cell(model, share, seed)
        for number, seed in enumerate(config.seeds)
        for model in config.models
        for share in config.shares
        if number == 0 or share in repeated
    ]
