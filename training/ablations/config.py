"""The keys of `training/ablate.py`: the cells of the matrix, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus.engine.config import option
from corpus.engine.errors import UserError, nearest
from training.benchmark.config import BenchmarkConfig

JOBS = ("filter", "dedup", "hygiene", "match", "shard")


@dataclass(frozen=True, kw_only=True)
class CellConfig:
    """One corpus and its training. What is not said is as in the whole recipe."""

    stage1: bool = option("train on the mix; without it stage 2 has the whole budget", True)
    stage2: bool = option(
        "train on the seeds alone at the end; without it stage 1 has the whole budget", True
    )
    retrieved: bool = option(
        "pages of the crawl in the mix; without them the seeds alone are agent data", True
    )
    filtered: bool = option("pages that the classifier and the quality rules keep; without: all", True)
    deduplicated: bool = option("without duplicates", True)
    matched: bool = option("pages that are near to a seed alone", True)
    agent_share: float | None = option(
        "share of agent data in the mix; null takes the matrix's", None, least=0, most=1
    )
    corpus: tuple[str, ...] = option(
        "another's pages in place of those of the crawl: whatever jobs/shard.py reads. Parquet with id and "
        "text is decontaminated like ours",
        (),
    )


@dataclass(frozen=True, kw_only=True)
class AblationConfig:
    """A matrix of cells over one finished workspace."""

    workspace: str = option("finished workspace of jobs/forge.py: its pages, classifier and seeds are used")
    output: str = option("folder of corpora/, shards/, runs/, ablations.json and ablations.md", volatile=True)
    cells: dict[str, CellConfig] = option("cells by name: cells.raw.filtered=false", {})
    reference: str = option("the cell that all others are compared with", "whole")
    only: tuple[str, ...] = option("cells to run now; none: all", (), volatile=True)
    code: tuple[str, ...] = option("general code of the mix, as jobs/shard.py reads it", ())
    text: tuple[str, ...] = option("general text of the mix", ())
    agent_share: float = option("share of agent data in the mix", 0.36, least=0, most=1)
    seeds_share: float = option(
        "share of the seeds in the agent data; the rest are pages", 0.25, least=0, most=1
    )
    held_out: float = option(
        "share of the seeds' files that no cell trains on; their texts are the benchmark `seeds`. "
        "0: benchmarks= alone",
        0.3,
        least=0,
        most=0.9,
    )
    benchmarks: dict[str, BenchmarkConfig] = option(
        "further benchmarks, as training/evaluate.py takes them; all cells are kept free of their items", {}
    )
    model: str = option("model that all cells start from", "conf/training/models/tiny")
    recipe: str = option("YAML of training/run.py for stage 1", "conf/training/tiny-cpu-stage1.yaml")
    recipe2: str = option("YAML of training/run.py for stage 2", "conf/training/tiny-cpu-stage2.yaml")
    train: dict[str, Any] = option("keys of both recipes to change, such as train.rows=16", {})
    tokens: int = option("tokens of both stages of every cell", 500_000, least=1)
    stage2_share: float = option("share of stage 2 in them", 0.1, least=0, most=1)
    seeds: tuple[int, ...] = option(
        "seeds of data order and random start; each is a run of its own", (1, 2, 3)
    )
    confidence: float = option("of the intervals of the differences", 0.95, least=0.5, most=0.999)
    set: dict[str, dict[str, Any]] = option("settings of single jobs: set.match.min_score=0.3", {})
    spark: str = option("what starts a job, such as: spark-submit --master yarn", "", volatile=True)
    launcher: str = option(
        "what starts a run, such as: python conf/launch/ranks.py 8; torchrun loses the exit code that puts a "
        "stopped run back into the queue",
        "",
        volatile=True,
    )
    launch: str = option(
        "here runs all on this machine; slurm builds the corpora and writes a script per run; table compares "
        "what is finished and starts nothing",
        "here",
        choices=("here", "slurm", "table"),
        volatile=True,
    )
    parallel: int = option("runs at work at a time on this machine", 1, least=1, volatile=True)
    keep_checkpoints: bool = option(
        "leave the checkpoints of finished runs, for curves; they are three times as large as the exports",
        False,
        volatile=True,
    )
    slurm: dict[str, str] = option("options of sbatch: slurm.gres=gpu:1", {}, volatile=True)

    def __post_init__(self) -> None:
        if not self.cells:
            raise UserError("no cells: give cells.NAME.KEY=VALUE at least once, or a matrix as --config.")
        for key, names in (("reference", (self.reference,)), ("only", self.only)):
            for name in names:
                if name not in self.cells:
                    raise UserError(f"{key}={name} is no cell: {nearest(name, self.cells)}")
        for name in self.set:
            if name not in JOBS:
                raise UserError(f"set.{name} names no job of an ablation: {nearest(name, JOBS)}")
        for name, cell in self.cells.items():
            if not (cell.stage1 or cell.stage2):
                raise UserError(f"cells.{name} trains on nothing: it has neither stage.")
        if not (self.held_out or self.benchmarks):
            raise UserError("nothing to measure: give held_out above 0, or benchmarks.NAME.path=FILE.")
