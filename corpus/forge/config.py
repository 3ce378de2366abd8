"""Configuration of jobs/forge.py, and where its stages put their folders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus.engine import storage
from corpus.engine.config import JobConfig, option
from corpus.engine.errors import UserError, nearest

STAGES = (
    *("seeds", "seed_hygiene", "classifier", "filter", "dedup", "hygiene", "match", "shard"),
    *("train", "report"),
)
FOLDERS = {
    **{"seed_hygiene": "clean_seeds", "filter": "pages", "dedup": "unique", "hygiene": "clean"},
    **{"match": "matched", "shard": "shards", "train": "training"},
}
EMBEDDED = "embedded"  # in place of a path: the data that the project brings along


@dataclass(frozen=True, kw_only=True)
class ForgeConfig(JobConfig):
    """Run all stages into one workspace."""

    input: tuple[str, ...] = option(
        "crawl archives: files, folders, globs, lists of paths; none: the embedded crawl", ()
    )
    base: str = option("prefix of relative paths in lists, such as s3://commoncrawl/", "")
    seeds: tuple[str, ...] = option("examples of the wanted data; none: the embedded seeds", ())
    benchmarks: tuple[str, ...] = option(
        "benchmarks that seeds and pages are kept free of; none: no decontamination", ()
    )
    labels: str | None = option(
        "Parquet or CSV with url,label for the classifier; none: seeds against the crawl", None
    )
    code: tuple[str, ...] = option(
        "general code for the mix; 'embedded': this machine's standard library", ()
    )
    text: tuple[str, ...] = option("general text for the mix; 'embedded': the demonstration's text", ())
    tokenizer: str = option("tokenizer of the shards: folder, name, or bpe:N to train one", "bpe:4096")
    from_stage: str | None = option(
        "start again from this stage", None, choices=STAGES, flag="--from", volatile=True
    )
    skip: tuple[str, ...] = option(
        "stages to leave out at the end of the road", (), choices=("train", "report"), volatile=True
    )
    training: tuple[str, ...] = option(
        "training recipes in order; each starts from the export of the one before",
        ("conf/training/tiny-cpu-stage1.yaml", "conf/training/tiny-cpu-stage2.yaml"),
    )
    model: str = option(
        "model that the first recipe starts from: a folder in Hugging Face format",
        "conf/training/models/tiny",
    )
    launcher: str = option(
        "what starts a training process, such as: torchrun --nproc_per_node 8", "", volatile=True
    )
    set: dict[str, dict[str, Any]] = option(
        "settings of single stages, such as set.filter.min_words=50; set.hygiene holds for seeds, too", {}
    )

    def __post_init__(self) -> None:
        for name in self.set:
            if name not in STAGES:
                raise UserError(f"set.{name} names no stage: {nearest(name, STAGES)}")

    @property
    def is_demonstration(self) -> bool:
        return not self.input

    @property
    def stages(self) -> list[str]:
        return [stage for stage in STAGES if stage not in self.skip]


@dataclass(frozen=True)
class Workspace:
    """Folder names of one run of the road."""

    root: str

    def __getitem__(self, stage: str) -> str:
        return storage.join(self.root, FOLDERS.get(stage, stage))
