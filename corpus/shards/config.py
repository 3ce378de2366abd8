"""Configuration of jobs/shard.py."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option
from corpus.shards.conversations import registry
from corpus.shards.sources import layouts

STAGE1, STAGE2, SFT, HELDOUT = "stage1", "stage2", "sft", "heldout"
FORMATS = tuple(dict.fromkeys((*layouts.FORMATS, *registry.FORMATS)))


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One named source of documents or conversations."""

    path: tuple[str, ...] = option(
        "finished stage folders, Parquet or JSON lines (plain, gzip, zstd), data sets on disk"
    )
    weight: float = option(
        "share of this source in its set, relative to the others; within its group, where it has one",
        1.0,
        least=0,
    )
    set: str = option(
        "set that the source feeds: the mix, the high-quality seeds, the conversations",
        STAGE1,
        choices=(STAGE1, STAGE2, SFT),
    )
    group: str | None = option("group of sources that share one weight (group_weights)", None)
    repeat: float = option(
        "passes over the source at most, such as 2.5; a short source is repeated up to it",
        1.0,
        least=1,
        most=100,
    )
    format: str = option("names of the fields, by corpus; auto tells by the fields", "auto", choices=FORMATS)
    split: str = option("split of a data set that has several; all takes every one", "train")
    columns: dict[str, str] = option(
        "where a column of the shard stands in the source: columns.text=body", {}
    )
    defaults: dict[str, str] = option("values for what the source does not say: defaults.licence=MIT", {})
    where: str | None = option("SQL condition on the source's own columns: 'language_score > 0.8'", None)
    licences: tuple[str, ...] = option(
        "licences to take (mit, cc-by-*, unknown for none stated); all by default", ()
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
    group_weights: dict[str, float] = option(
        "weights of the groups of sources in their set; 1 by default", {}
    )
    agent_share: float | None = option(
        "share of the agent group in the tokens of stage1; the others keep their proportions",
        None,
        least=0,
        most=1,
    )
    overlap: str = option(
        "seeds: documents of stage2 may be in stage1, as in the paper; none: each document is in one set",
        "seeds",
        choices=("seeds", "none"),
    )
    most_record_mib: int = option(
        "larger records fail by name instead of filling the memory", 64, least=1, most=1024
    )
    tokenizer: str = option(
        "folder with tokenizer.json, a name on the hub, or bpe:N to train one of N tokens", "bpe:4096"
    )
    tokenize: bool = option("write input_ids beside the text", True)
    tokens: int = option("tokens of stage1; 0 takes as many as the weights and repeat allow", 0, least=0)
    heldout_fraction: float = option(
        "share of each source's tokens held out, by whole hosts or source files", 0.02, least=0, most=0.5
    )
    seed: int = option("seed of the global order and of the held-out choice", 0)
    file_mib: int = option(
        "files hold at most about this much before compression; small sources get smaller ones",
        512,
        least=1,
        most=16384,
    )
    row_group_mib: int = option(
        "row groups hold at most about this much before compression", 64, least=1, most=1024
    )
    push: str | None = option(
        "upload the finished data set to the hub as ORG/NAME, with the token of the hub's own client",
        None,
        volatile=True,
    )
    private: bool = option("with push: nobody else sees the data set", False, volatile=True)
