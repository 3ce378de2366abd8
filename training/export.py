"""The export of a run: a Hugging Face folder for `AutoModelForCausalLM.from_pretrained`.

It is made whole or not at all.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path

import torch

from training import weights
from training.data.chat.template import chat_template_of
from training.data.shards import CHAT, ShardSet
from training.data.tokens import TOKENIZER, Tokenizer
from training.history import HISTORY
from training.loop import Trainer
from training.model import ModelSource, config_json, tensors_of

EXPORT = "export"
GENERATION = "generation_config.json"  # how to sample: it belongs to the model, so it goes with it


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
        _write_settings(trainer.plan.model, fresh, config.export_dtype)
        _write_tokenizer(trainer.plan.tokenizer, fresh, chats=_has_chats(trainer.plan.shards))
        (fresh / HISTORY).write_text(json.dumps(trainer.history(), indent=1) + "\n", "utf-8")
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


def _has_chats(shards: ShardSet) -> bool:
    return any(file.kind == CHAT for source in shards.sources for file in source.files)


def _write_settings(source: ModelSource, folder: Path, dtype: str) -> None:
    (folder / "config.json").write_text(config_json(source, dtype), "utf-8")
    if source.weights and (source.weights / GENERATION).is_file():
        shutil.copyfile(source.weights / GENERATION, folder / GENERATION)


def _write_tokenizer(tokenizer: Tokenizer, folder: Path, *, chats: bool) -> None:
    """The tokenizer and its chat template; tokenizer.json byte by byte, for its hash is what stages compare.

    A model that has read conversations in the plain form gets the template that wrote them.
    """
    if tokenizer.path is None:
        return
    tokenizer.loaded.save_pretrained(str(folder))
    if chats and not tokenizer.loaded.chat_template:
        (folder / "chat_template.jinja").write_text(chat_template_of(tokenizer), "utf-8")
    original = Path(tokenizer.path) / TOKENIZER
    if original.is_file():
        shutil.copyfile(original, folder / TOKENIZER)
