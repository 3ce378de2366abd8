"""The config of each stage, made from the road's: what the stage before has left, under what the user set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from corpus.engine.config import build
from corpus.forge.config import ForgeConfig, Workspace

Step = Callable[[], object]


def steps(config: ForgeConfig, space: Workspace) -> dict[str, Step]:
    """What to call for each stage but training. All configs are built and checked before any stage runs."""
    makers = {
        "seeds": _seeds,
        "seed_hygiene": _seed_hygiene,
        "classifier": _classifier,
        "filter": _filter,
        "dedup": _dedup,
        "hygiene": _hygiene,
        "match": _match,
        "shard": _shard,
        "report": _report,
    }
    return {stage: make(config, space) for stage, make in makers.items()}


def _config(config: ForgeConfig, stage: str, config_type: type[Any], values: Mapping[str, Any]) -> Any:
    shared = {"master": config.master, "max_failed_fraction": config.max_failed_fraction}
    data = {**shared, **values, **config.set.get(stage, {})}
    return build(config_type, data, where=f"the settings of '{stage}'")


def _seeds(config: ForgeConfig, space: Workspace) -> Step:
    from corpus.seeds.config import SeedsConfig
    from corpus.seeds.stage import run

    made = _config(config, "seeds", SeedsConfig, {"input": config.seeds, "output": space["seeds"]})
    return lambda: run(made)


def _seed_hygiene(config: ForgeConfig, space: Workspace) -> Step:
    """Seeds first: what enters through them would be trained on twice."""
    return _cleaning(config, space, "seed_hygiene", "seeds")


def _hygiene(config: ForgeConfig, space: Workspace) -> Step:
    return _cleaning(config, space, "hygiene", "dedup")


def _cleaning(config: ForgeConfig, space: Workspace, stage: str, before: str) -> Step:
    from corpus.hygiene.config import HygieneConfig
    from corpus.hygiene.stage import run

    values: dict[str, Any] = {**config.set.get("hygiene", {}), "input": [space[before]]}
    values |= {"benchmarks": config.benchmarks, "output": space[stage]}
    made = _config(config, stage, HygieneConfig, values)
    return lambda: run(made)


def _classifier(config: ForgeConfig, space: Workspace) -> Step:
    from corpus.relevance.config import ClassifierConfig
    from corpus.relevance.stage import run

    values = {"input": config.input, "base": config.base, "labels": config.labels}
    values |= {"seeds": space["seed_hygiene"], "output": space["classifier"]}
    made = _config(config, "classifier", ClassifierConfig, values)
    return lambda: run(made)


def _filter(config: ForgeConfig, space: Workspace) -> Step:
    from corpus.crawl.config import FilterConfig
    from corpus.crawl.stage import run

    values = {"input": config.input, "base": config.base}
    values |= {"classifier": space["classifier"], "output": space["filter"]}
    made = _config(config, "filter", FilterConfig, values)
    return lambda: run(made)


def _dedup(config: ForgeConfig, space: Workspace) -> Step:
    """Beside the seeds: a page that repeats one would bring its text into the mix a second time."""
    from corpus.dedup.config import DedupConfig
    from corpus.dedup.stage import run

    values = {"input": [space["filter"]], "index": [space["seed_hygiene"]], "output": space["dedup"]}
    made = _config(config, "dedup", DedupConfig, values)
    return lambda: run(made)


def _match(config: ForgeConfig, space: Workspace) -> Step:
    from corpus.match.config import MatchConfig
    from corpus.match.stage import run

    values = {"seeds": space["seed_hygiene"], "input": [space["hygiene"]], "output": space["match"]}
    made = _config(config, "match", MatchConfig, values)
    return lambda: run(made)


def _shard(config: ForgeConfig, space: Workspace) -> Step:
    from corpus.shards.config import ShardConfig
    from corpus.shards.stage import run

    seeds = space["seed_hygiene"]
    sources: dict[str, dict[str, Any]] = {"agent": {"path": [space["match"], seeds]}}
    sources |= {
        name: {"path": paths} for name, paths in (("code", config.code), ("text", config.text)) if paths
    }
    sources["seeds"] = {"path": [seeds], "set": "stage2"}
    values = {"input": sources, "tokenizer": config.tokenizer, "output": space["shard"]}
    made = _config(config, "shard", ShardConfig, values)
    return lambda: run(made)


def _report(config: ForgeConfig, space: Workspace) -> Step:
    from corpus.report.config import ReportConfig
    from corpus.report.run import run

    made = _config(config, "report", ReportConfig, {"input": [space.root], "output": space["report"]})
    return lambda: run(made)
