"""The export of a run: a Hugging Face folder for `AutoModelForCausalLM.from_pretrained`.

It is made whole or not at all.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import torch

from training import weights
from training.loop import Trainer
from training.model import tensors_of, write_config
from training.tokens import TOKENIZER, Tokenizer

EXPORT, HISTORY = "export", "training_history.json"


def export_run(trainer: Trainer) -> Path:
    """Write `export/` beside the checkpoints, whole, in place of one that is there. Collective."""
    world, config = trainer.world, trainer.config
    target = trainer.output / EXPORT
    fresh = trainer.output / world.from_first(f"export.tmp-{secrets.token_hex(4)}")
    if world.first:
        for left in trainer.output.glob("export.tmp-*"):
            shutil.rmtree(left)
        fresh.mkdir()
    world.barrier()
    weights.export(fresh, tensors_of(trainer.model), world, getattr(torch, config.export_dtype))
    if world.first:
        write_config(trainer.plan.model, fresh, config.export_dtype)
        _write_tokenizer(trainer.plan.tokenizer, fresh)
        (fresh / HISTORY).write_text(json.dumps(_history(trainer), indent=1) + "\n", "utf-8")
        for file in sorted(fresh.iterdir()):
            weights.sync(file)
        if target.exists():
            os.rename(target, target.with_name(f"export.tmp-{secrets.token_hex(4)}"))
        os.rename(fresh, target)
        for left in trainer.output.glob("export.tmp-*"):
            shutil.rmtree(left)
    world.barrier()
    return target


def is_exported(output: Path) -> bool:
    """Whether the run in this folder is finished: its export is the last thing that it makes."""
    return (output / EXPORT / HISTORY).is_file()


def _write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """The tokenizer's files, tokenizer.json byte by byte: its hash is how the next stage knows it again."""
    if tokenizer.path is None:
        return
    tokenizer.loaded.save_pretrained(str(folder))
    original = Path(tokenizer.path) / TOKENIZER
    if original.is_file():
        shutil.copyfile(original, folder / TOKENIZER)


def _history(trainer: Trainer) -> list[dict[str, Any]]:
    """Every stage that these weights have been through, with its tokens per source.

    The list travels from stage to stage.
    """
    before = trainer.plan.model.weights
    past = before / HISTORY if before else None
    earlier = json.loads(past.read_text("utf-8")) if past and past.is_file() else []
    config = trainer.config
    tokens = {"tokens": trainer.step * config.tokens_per_step, "source_tokens": trainer.source_tokens()}
    return [*earlier, {"model": config.model, "data": config.data, "steps": trainer.step, **tokens}]
