"""Configuration of jobs/shard.py."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One named source of documents."""

    path: tuple[str, ...] = option(
        "finished stage folders, Parquet or JSONL files or folders with a text column"
    )
    weight: float = option("share of this source in its set, relative to the others", 1.0, least=0)
    set: str = option(
        "set that the source feeds: the mix, or the high-quality seeds",
        "stage1",
        choices=("stage1", "stage2"),
    )

    @staticmethod
    def from_text(text: str) -> dict[str, str]:
        return {"path": text}


@dataclass(frozen=True, kw_only=True)
class ShardConfig(JobConfig):
    """Mix named sources by tokens into sets of Parquet shards."""

    input: dict[str, SourceConfig] = option(
        "sources by name: input.agent=PATH,PATH input.agent.weight=1 input.seeds=PATH input.seeds.set=stage2"
    )
    tokenizer: str = option(
        "folder with tokenizer.json, a name on the hub, or bpe:N to train one of N tokens", "bpe:4096"
    )
    tokenize: bool = option("write input_ids beside the text", True)
    tokens: int = option(
        "tokens of stage1; 0 takes as many as the weights allow without repetition", 0, least=0
    )
    heldout_fraction: float = option(
        "share of each source's tokens held out, by whole hosts or source files", 0.02, least=0, most=0.5
    )
    seed: int = option("seed of the global order and of the held-out choice", 0)
