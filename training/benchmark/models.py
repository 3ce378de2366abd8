"""The models that an evaluation is given: Hugging Face folders, and the checkpoints of a run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict_loader import load as load_sharded

from corpus.engine.config import build, load_yaml
from corpus.engine.errors import UserError
from corpus.engine.storage import reason_of
from training.checkpoints import folders
from training.config import TrainConfig
from training.data.shards import open_set
from training.data.tokens import TOKENIZER, find_tokenizer
from training.model import tensors_of
from training.run_folder import CONFIG

_STEP = re.compile(r"step_(\d+)")


@dataclass(frozen=True)
class Subject:
    """A model to evaluate. `step`, `run` and `tokens` are those of a checkpoint, else None."""

    name: str
    folder: Path
    step: int | None = None
    run: Path | None = None
    tokens: int | None = None


def subjects(path: str) -> list[Subject]:
    """What lies at `path`: a Hugging Face folder, a run with checkpoints, or a folder of such.

    Raises UserError where there is nothing of the kind.
    """
    root = Path(path)
    found = list(_found(root)) or [s for inner in sorted(root.glob("*/")) for s in _found(inner)]
    if not found:
        raise UserError(
            f"model={path} holds no model: give a Hugging Face folder, a run of training/run.py, or a folder "
            "of such."
        )
    return found


def load_model(subject: Subject, device: str) -> Any:
    """The model, whole on one device: from safetensors, or from the slices of a checkpoint.

    Raises UserError for a checkpoint that is damaged.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    if subject.run is None:
        return AutoModelForCausalLM.from_pretrained(str(subject.folder), use_safetensors=True).to(device)
    _require_whole(subject.folder)
    shape = AutoConfig.from_pretrained(str(subject.folder))
    model = AutoModelForCausalLM.from_config(shape, dtype=torch.float32)
    load_sharded(
        tensors_of(model), storage_reader=HuggingFaceStorageReader(str(subject.folder)), no_dist=True
    )
    return model.to(device)


def load_tokenizer(subject: Subject) -> Any:
    from transformers import AutoTokenizer

    export = subject.run / "export" if subject.run else subject.folder
    if subject.run is None or (export / TOKENIZER).is_file():
        return AutoTokenizer.from_pretrained(str(export))
    config = _settings(subject.run)  # a checkpoint holds no tokenizer
    return find_tokenizer(open_set(config.data, config.weights, config.store), config.tokenizer).loaded


def identity_of(tokenizer: Any) -> str:
    """Two tokenizers with the same identity give the same ids."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rest = [tokenizer.bos_token_id, tokenizer.eos_token_id, getattr(tokenizer, "chat_template", None)]
    parts = [backend.to_str() if backend else str(id(tokenizer)), json.dumps(rest)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _require_whole(checkpoint: Path) -> None:
    try:
        manifest = folders.read_manifest(checkpoint)
        fault = manifest if isinstance(manifest, str) else folders.fault_in(
            checkpoint, manifest, folders.facts_or_reasons(checkpoint, sorted(manifest.files))
        )  # fmt: skip
    except OSError as error:
        raise UserError(f"{checkpoint} cannot be read: {reason_of(error)}.") from error
    if fault:
        raise UserError(f"{checkpoint} is a damaged checkpoint ({fault}); remove it, or give another model=.")


def _settings(run: Path) -> TrainConfig:
    return build(TrainConfig, load_yaml(str(run / CONFIG)), where=str(run / CONFIG))


def _found(folder: Path) -> Iterator[Subject]:
    checkpoints = folder / "checkpoints"
    steps = (_STEP.fullmatch(path.name) for path in checkpoints.iterdir()) if checkpoints.is_dir() else ()
    found = sorted(int(match.group(1)) for match in steps if match)
    each = _settings(folder).tokens_per_step if found else 0
    for step in found:
        name = f"{folder.name} step {step}"
        yield Subject(name, checkpoints / f"step_{step}", step, folder, step * each)
    for place in (folder, folder / "export"):
        if (place / "config.json").is_file() and any(place.glob("*.safetensors")):
            yield Subject(folder.name, place)
