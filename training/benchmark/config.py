"""The keys of `training/evaluate.py`, and of benchmarks wherever they are named."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option
from training.benchmark.agentbench import AgentBenchConfig
from training.benchmark.peer_scores import HarnessConfig, LeaderboardConfig


@dataclass(frozen=True, kw_only=True)
class BenchmarkConfig:
    """One benchmark."""

    path: str = option(
        "JSONL of items; the leaderboard's data folder or container; Parquet with a column text"
    )
    kind: str = option(
        "layout of `path`: items; bfcl for the leaderboard; texts for Parquet such as "
        "WORKSPACE/shards/heldout, a category per folder",
        "items",
        choices=("items", "bfcl", "texts"),
    )
    instruction: str | None = option(
        "bfcl: file with the system prompt, {functions} in it; by default the leaderboard's own where `path` "
        "lies in its package, else a short one",
        None,
    )
    limit: int = option("items per category, drawn by the hash of their id; 0 takes all", 0, least=0)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What to measure, and on what."""

    model: tuple[str, ...] = option("Hugging Face folders, runs, or folders of such", volatile=True)
    output: str = option("folder of scores.json and scores.md", volatile=True)
    benchmarks: dict[str, BenchmarkConfig] = option("benchmarks by name: benchmarks.NAME.path=FILE", {})
    template: str = option(
        "plain labels who speaks; chat takes the tokenizer's chat template",
        "plain",
        choices=("plain", "chat"),
    )
    bos: bool = option("begin each text with the tokenizer's BOS", False)
    length: int | None = option("most tokens of one pass; null takes the model's positions", None, least=2)
    precision: str = option("number format of the model", "fp32", choices=("fp32", "bf16"))
    bfcl: LeaderboardConfig = option("scores of the function calling leaderboard by its own package")
    lm_eval: HarnessConfig = option("scores of lm-evaluation-harness by its library")
    agentbench: AgentBenchConfig = option("scores of AgentBench, read from what it wrote", volatile=True)
    device: str = option(
        "auto takes CUDA where there is one", "auto", choices=("auto", "cpu", "cuda"), volatile=True
    )
