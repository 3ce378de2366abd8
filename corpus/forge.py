"""The whole road in order: one workspace, one folder per stage, going on where it stopped.

Each stage decides by its own fingerprint whether there is anything left to do; this module only knows the
order and hands each stage what the one before has made. Training runs in a process of its own, without Spark.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corpus.engine import storage
from corpus.engine.config import JobConfig, build, option
from corpus.engine.errors import ForgeError, UserError

STAGES = ("seeds", "classifier", "filter", "dedup", "match", "shard", "train", "report")
REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = {"filter": "pages", "dedup": "unique", "match": "matched", "shard": "shards", "train": "training"}


@dataclass(frozen=True, kw_only=True)
class ForgeConfig(JobConfig):
    """Run all stages into one workspace."""

    input: tuple[str, ...] = option(
        "crawl archives: files, folders, globs, lists of paths; none: the embedded crawl", ()
    )
    seeds: tuple[str, ...] = option("examples of the wanted data; none: the embedded seeds", ())
    labels: str | None = option(
        "Parquet or CSV with url,label for the classifier; none: seeds against the crawl", None
    )
    code: tuple[str, ...] = option(
        "general code for the mix; none: the Python standard library of this machine", ()
    )
    text: tuple[str, ...] = option("general text for the mix; none: the embedded text", ())
    tokenizer: str = option("tokenizer of the shards: folder, name, or bpe:N to train one", "bpe:4096")
    from_stage: str | None = option(
        "start again from this stage", None, choices=STAGES, flag="--from", volatile=True
    )
    skip: tuple[str, ...] = option(
        "stages to leave out at the end of the road: train, report", (), volatile=True
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
    set: dict[str, dict[str, Any]] = option("settings of single stages, such as set.filter.min_words=50", {})


@dataclass(frozen=True)
class Workspace:
    """Folder names of one run of the road."""

    root: str

    def __getitem__(self, stage: str) -> str:
        return storage.join(self.root, FOLDERS.get(stage, stage))


def run(config: ForgeConfig) -> str:
    """Run what is not yet done and return the closing summary."""
    unknown = (set(config.skip) - {"train", "report"}) | (set(config.set) - set(STAGES))
    if unknown:
        raise UserError(f"'{sorted(unknown)[0]}' is not a stage that can be named there; see --help.")
    started, space = time.monotonic(), Workspace(config.output.rstrip("/"))
    if config.from_stage:
        clear_from(space, config.from_stage)
    demonstration = not config.input
    config = with_embedded_defaults(config, space)
    for stage in (s for s in STAGES if s not in config.skip):
        say(f"\n== {stage} -> {space[stage]}")
        try:
            say(str(_RUNNERS[stage](config, space)))
        except ForgeError as error:
            raise type(error)(
                f"{error} The road stopped at '{stage}'; --from {stage} starts again from there."
            ) from error
    if demonstration:
        from corpus.demo.road import score_against_truth

        say("\n== recall and precision against the planted truth")
        say(score_against_truth(config.input[0], space["filter"], space["dedup"]))
    page = storage.join(space["report"], "index.html")
    return f"\nthe whole road took {time.monotonic() - started:.0f} s; look at {page}"


def clear_from(space: Workspace, stage: str) -> None:
    """Remove the folders of `stage` and of all stages behind it."""
    for later in STAGES[STAGES.index(stage) :]:
        storage.remove(space[later])


def with_embedded_defaults(config: ForgeConfig, space: Workspace) -> ForgeConfig:
    """Fill inputs that were not given from the embedded demonstration data, written into the workspace."""
    from corpus.demo.road import embedded

    return replace(
        config,
        input=config.input or (embedded("crawl", space.root),),
        seeds=config.seeds or (embedded("seeds", space.root),),
        code=config.code or (embedded("code", space.root),),
        text=config.text or (embedded("text", space.root),),
    )


def stage_config(config: ForgeConfig, stage: str, config_type: type[Any], values: Mapping[str, Any]) -> Any:
    """The config of one stage: what the road gives it, under what the user set for it."""
    data = {**values, **config.set.get(stage, {}), "master": config.master}
    return build(config_type, data, where=f"the settings of '{stage}'")


def run_seeds(config: ForgeConfig, space: Workspace) -> object:
    from corpus.seeds.config import SeedsConfig
    from corpus.seeds.stage import run

    return run(stage_config(config, "seeds", SeedsConfig, {"input": config.seeds, "output": space["seeds"]}))


def run_classifier(config: ForgeConfig, space: Workspace) -> object:
    from corpus.relevance.config import ClassifierConfig
    from corpus.relevance.stage import run

    values = {
        "seeds": space["seeds"],
        "input": config.input,
        "labels": config.labels,
        "output": space["classifier"],
    }
    return run(stage_config(config, "classifier", ClassifierConfig, values))


def run_filter(config: ForgeConfig, space: Workspace) -> object:
    from corpus.crawl.config import FilterConfig
    from corpus.crawl.stage import run

    values = {"input": config.input, "classifier": space["classifier"], "output": space["filter"]}
    return run(stage_config(config, "filter", FilterConfig, values))


def run_dedup(config: ForgeConfig, space: Workspace) -> object:
    from corpus.dedup.config import DedupConfig
    from corpus.dedup.stage import run

    return run(
        stage_config(config, "dedup", DedupConfig, {"input": [space["filter"]], "output": space["dedup"]})
    )


def run_match(config: ForgeConfig, space: Workspace) -> object:
    from corpus.match.config import MatchConfig
    from corpus.match.stage import run

    values = {"seeds": space["seeds"], "input": [space["dedup"]], "output": space["match"]}
    return run(stage_config(config, "match", MatchConfig, values))


def run_shard(config: ForgeConfig, space: Workspace) -> object:
    from corpus.shards.config import ShardConfig
    from corpus.shards.stage import run

    sources = {
        "agent": {"path": [space["match"], space["seeds"]]},
        "code": {"path": list(config.code)},
        "text": {"path": list(config.text)},
        "seeds": {"path": [space["seeds"]], "set": "stage2"},
    }
    values = {"input": sources, "tokenizer": config.tokenizer, "output": space["shard"]}
    return run(stage_config(config, "shard", ShardConfig, values))


def run_training(config: ForgeConfig, space: Workspace) -> object:
    """Each recipe is one run of training/run.py from the export of the one before; run N reads set stageN."""
    from corpus.engine.session import stop_session

    stop_session()  # gives the JVM's memory back before training starts
    model, lines = from_repository(config.model), []
    overrides = [f"{key}={value}" for key, value in config.set.get("train", {}).items()]
    command = [*(shlex.split(config.launcher) or [sys.executable]), from_repository("training/run.py")]
    for number, recipe in enumerate(config.training, start=1):
        output = storage.join(space["train"], f"stage{number}")
        data = storage.join(space["shard"], f"stage{number}")
        words = [
            "--config",
            from_repository(recipe),
            f"data={data}",
            f"model={model}",
            f"output={output}",
            *overrides,
        ]
        if subprocess.run([*command, *words], check=False).returncode != 0:
            raise ForgeError(f"training stopped in {recipe}; its messages are above.")
        model = storage.join(output, "export")
        lines.append(f"train: {output} (model in {model})")
    return "\n".join(lines)


def run_report(config: ForgeConfig, space: Workspace) -> object:
    from corpus.report.config import ReportConfig
    from corpus.report.run import run

    return run(
        stage_config(config, "report", ReportConfig, {"input": [space.root], "output": space["report"]})
    )


def plan(config: ForgeConfig) -> str:
    """What the command would do, stage by stage, without doing it."""
    from corpus.engine import manifest

    space, lines = Workspace(config.output.rstrip("/")), []
    lines.append(f"input: {', '.join(config.input) or 'the embedded crawl'}")
    for stage in (s for s in STAGES if s not in config.skip):
        again = config.from_stage and STAGES.index(stage) >= STAGES.index(config.from_stage)
        done = manifest.is_finished(space[stage]) and not again
        lines.append(f"  {stage:<11} {space[stage]}: {'finished, is checked and kept' if done else 'runs'}")
    return "\n".join(lines)


def from_repository(path: str) -> str:
    """A path of the repository's own files, from whichever folder the command is given."""
    return path if storage.exists(path) or not (REPOSITORY / path).exists() else str(REPOSITORY / path)


def say(text: str) -> None:
    print(text, flush=True)


_RUNNERS: dict[str, Callable[[ForgeConfig, Workspace], object]] = {
    "seeds": run_seeds,
    "classifier": run_classifier,
    "filter": run_filter,
    "dedup": run_dedup,
    "match": run_match,
    "shard": run_shard,
    "train": run_training,
    "report": run_report,
}
