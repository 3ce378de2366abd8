"""The runs of a sweep as command lines of training/run.py, and what they measured as rows."""

from __future__ import annotations

import json
import math
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import torch

from corpus.engine.config import build, load_yaml
from corpus.engine.errors import UserError
from corpus.engine.overrides import with_overrides
from training.config import TrainConfig
from training.data.shards import open_set
from training.data.tokens import find_tokenizer
from training.model import find_model
from training.sweeps.config import Cell, SweepConfig
from training.trials.launch import Trial
from training.trials.losses import losses_of
from training.trials.same import check_same, settings_of

BASE_SEED = 1


def trial(config: SweepConfig, cell: Cell) -> Trial:
    """One run of the grid. UserError where its config cannot be built, before anything is started."""
    base = base_of(config, cell.model)
    model = str(base.folder / "export") if base else config.models[cell.model]
    tokens = config.tokens or math.ceil(config.tokens_per_parameter * size_of(config, cell.model))
    folder = Path(config.output) / "runs" / cell.name
    words = _words(config, cell.share, model=model, seed=cell.seed, tokens=tokens, folder=folder)
    return Trial(cell.name, folder, words)


def base_of(config: SweepConfig, model: str) -> Trial | None:
    """The run that makes the base of a size; None where runs start from `models`."""
    if not config.base_tokens:
        return None
    folder = Path(config.output) / "bases" / model
    start, tokens = config.models[model], config.base_tokens
    words = _words(config, config.base_share, model=start, seed=BASE_SEED, tokens=tokens, folder=folder)
    return Trial(f"base-{model}", folder, words)


def shares_of(config: SweepConfig, share: float) -> dict[str, float]:
    """Shares of all sources: the swept one's, and the rest in the ratio of the manifest's weights."""
    weights = _weights(config.data)
    if config.source not in weights:
        raise UserError(
            f"source={config.source} is none of the sources of {config.data}: {', '.join(weights)}."
        )
    others = {name: weight for name, weight in weights.items() if name != config.source}
    total = sum(others.values())
    rest = {name: (1 - share) * weight / total for name, weight in others.items()} if total else {}
    return {config.source: share, **rest}


def size_of(config: SweepConfig, model: str) -> int:
    """Parameters outside the embeddings, which a vocabulary would otherwise dominate in small models."""
    return _size(config.models[model], config.data, config.recipe)


def losses(config: SweepConfig, cell: Cell) -> dict[str, float] | None:
    """The run's losses by benchmark in nats per byte; None while it is not finished.

    Raises UserError where the folder holds a run of other settings.
    """
    found = trial(config, cell)
    if not found.finished:
        return None
    check_same([found])
    return losses_of(found.folder, config.benchmarks)


def rows(config: SweepConfig, cell: Cell) -> list[dict[str, Any]]:
    """The rows of a finished run for runs.parquet; none while it is not finished."""
    measured = losses(config, cell)
    if measured is None:
        return []
    settings = settings_of(trial(config, cell))
    one = {"run": cell.name, "model": cell.model, "seed": cell.seed, "share": cell.share}
    one |= {"size": size_of(config, cell.model), "tokens": settings.steps * settings.tokens_per_step}
    one |= {"base_tokens": config.base_tokens, "shares": list(settings.weights.items())}
    return [{**one, "benchmark": name, "loss": loss} for name, loss in sorted(measured.items())]


def _words(
    config: SweepConfig, share: float, *, model: str, seed: int, tokens: int, folder: Path
) -> tuple[str, ...]:
    words = [f"{key}={json.dumps(value) if isinstance(value, (dict, list)) else value}"
             for key, value in config.train.items()]  # fmt: skip
    words += [f"data={config.data}", f"model={model}", f"output={folder}", f"seed={seed}", f"tokens={tokens}"]
    words += [f"weights.{name}={value!r}" for name, value in shares_of(config, share).items()]
    return ("--config", config.recipe, *words)


@cache
def _weights(data: str) -> dict[str, float]:
    """Of the manifest."""
    return {source.name: source.weight for source in open_set(data).sources}


@cache
def _size(model: str, data: str, recipe: str) -> int:
    from transformers import AutoModelForCausalLM

    config = build(
        TrainConfig, with_overrides(load_yaml(recipe), [f"data={data}", f"model={model}", "output="])
    )
    source = find_model(config, find_tokenizer(open_set(data), config.tokenizer))
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(source.config)
    ends = [m for m in (empty.get_input_embeddings(), empty.get_output_embeddings()) if m is not None]
    embeddings = {id(m.weight): m.weight.numel() for m in ends}  # a tied one once
    return int(sum(p.numel() for p in empty.parameters()) - sum(embeddings.values()))


def launcher_of(config: SweepConfig) -> list[str]:
    return shlex.split(config.launcher)
