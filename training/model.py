"""Hugging Face causal models: built without memory, and sharded.

Their weights come from slices of safetensors or from a seed.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from corpus.engine.errors import UserError
from training import heads, weights
from training.attention import backends
from training.checkpoints.folders import is_checkpoint, read_state
from training.config import TrainConfig
from training.data.tokens import Tokenizer, gives_same_ids
from training.memory import budget, recompute
from training.parallel import World, shard_model
from training.precision import float8


@dataclass(frozen=True)
class ModelSource:
    """What `model=` names: a model's configuration, and the folder of its weights (None: a random start)."""

    config: Any  # transformers.PretrainedConfig
    folder: Path
    weights: Path | None

    def identity(self) -> dict[str, str]:
        """A hash of each file that the start depends on, by the file's name."""
        stored = sorted(self.weights.glob("*.safetensors")) if self.weights else []
        return {file.name: weights.identity(file) for file in [self.folder / "config.json", *stored]}


@dataclass(frozen=True)
class Built:
    """How a model was built; it is the attribute `built` of the model."""

    attention: str
    plan: budget.MemoryPlan


def find_model(config: TrainConfig, tokenizer: Tokenizer) -> ModelSource:
    """Read the model's configuration. Raises UserError if it cannot carry the tokenizer or the row length."""
    from transformers import AutoConfig

    path = Path(config.model)
    folder = path.parent if path.name == "config.json" else path
    if not (folder / "config.json").is_file():
        raise UserError(
            f"model={config.model} has no config.json; give a Hugging Face folder, "
            "or one with config.json alone."
        )
    try:
        found = AutoConfig.from_pretrained(str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder}/config.json names no model that transformers can build: {error}"
        ) from error
    stored = folder if path.name != "config.json" and any(folder.glob("*.safetensors")) else None
    if stored is None and any(folder.glob("*.bin")):
        raise UserError(f"model={config.model} holds .bin weights only; convert them to safetensors.")
    if stored is None and tokenizer.vocab_size is not None:
        found.vocab_size, found.eos_token_id, found.bos_token_id = tokenizer.vocab_size, tokenizer.eos, None
    if stored is not None and not gives_same_ids(stored, tokenizer):
        raise UserError(
            f"model={config.model} was trained with another tokenizer than that of data={config.data}; "
            f"shard again with tokenizer={config.model} (shards of text alone: give that key here)."
        )
    trained = _trained_with(stored)
    if trained and tokenizer.sha256 and trained != tokenizer.sha256:
        raise UserError(
            f"model={config.model} is a checkpoint that was trained with another tokenizer than that of "
            f"data={config.data}; shard again with the tokenizer of its run, or begin with the run's export."
        )
    _check_fit(config, found, tokenizer)
    return ModelSource(found, folder, stored)


def _trained_with(folder: Path | None) -> str | None:
    """The sha256 of the tokenizer of a checkpoint, which has no tokenizer.json; None where not known."""
    if folder is None or not is_checkpoint(folder):
        return None
    try:
        found = read_state(folder)["fingerprint"]["tokenizer"]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # its hashes are checked before it is used, and say what is wrong
    return str(found) if found else None


def _check_fit(config: TrainConfig, found: Any, tokenizer: Tokenizer) -> None:
    if tokenizer.vocab_size is not None and tokenizer.vocab_size > found.vocab_size:
        raise UserError(
            f"the tokenizer has {tokenizer.vocab_size:,} tokens but model={config.model} "
            f"has {found.vocab_size:,} embedding rows; use the model's own tokenizer."
        )
    longest = getattr(found, "max_position_embeddings", None)
    if longest is not None and config.length > longest:
        raise UserError(
            f"length={config.length} exceeds the {longest} positions of model={config.model}; lower length."
        )
    window = getattr(found, "sliding_window", None)
    if window is not None and config.length > window:
        raise UserError(
            f"length={config.length} exceeds the sliding window {window} of model={config.model}; "
            "lower length."
        )


def count_parameters(source: ModelSource) -> int:
    return sum(parameter.numel() for parameter in empty(source).parameters())


def build_model(config: TrainConfig, source: ModelSource, world: World, *, fill: bool = True) -> nn.Module:
    """The sharded model on this rank's device with fp32 master weights, equal for any world size.

    Without `fill` the parameters hold garbage: the caller reads a checkpoint into them. Called with
    `targets`, the model returns losses (heads.py); without, what transformers returns.
    """
    bf16 = config.precision == "bf16"
    kind = model_class(source)
    backend = backends.choose(config.attention, kind, source.config, world.device, bf16=bf16)
    model: Any = empty(source, backend=backend)
    layers = decoder_layers(model)
    if config.float8:
        float8.check(world.device, compiled=config.compile, tokens=config.micro_rows * config.length)
        float8.convert(layers)
    plan = budget.plan_for(config, source, world.size, world.device)
    recompute.apply(layers, plan.modes)
    if config.compile:
        for layer in layers:
            layer.compile()
    heads.install(model, chunk=config.loss_chunk, z_loss=config.z_loss, compile=config.compile)
    shard_model(model, layers, world, bf16=bf16)
    tied = _is_tied(model)
    model.to_empty(device=world.device)
    if fill and source.weights is None:
        _fill_randomly(model, source, config.seed)
    elif fill and source.weights is not None:
        weights.load(source.weights, tensors_of(model), world)
    _refill_buffers(model)
    if tied and not _is_tied(model):
        raise RuntimeError("the input and output embeddings of the model came apart while it was sharded")
    check_buffers(model)
    model.built = Built(backend, plan)
    return cast(nn.Module, model)


def decoder_layers(model: nn.Module) -> list[nn.Module]:
    """The repeated blocks: the largest ModuleList of the model."""
    lists = [list(module) for module in model.modules() if isinstance(module, nn.ModuleList)]
    return max(lists, key=len, default=[])


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Parameters (a tied one once) and persistent buffers by their Hugging Face names."""
    tensors: dict[str, Tensor] = dict(model.named_parameters())
    persistent = model.state_dict().keys()
    tensors.update({name: buffer for name, buffer in model.named_buffers() if name in persistent})
    return tensors


def check_buffers(model: nn.Module) -> None:
    """Raise if a buffer outside the weights (rotary frequencies) is not what a fresh module has.

    After `to_empty` such buffers hold garbage, and the model still runs with logits that are slightly wrong.
    """
    for module, fresh in _rotary_modules(model):
        for name, wanted in fresh.named_buffers(recurse=False):
            have = module.get_buffer(name).cpu()
            if not torch.isfinite(have).all() or not torch.equal(have, wanted):
                raise RuntimeError(
                    f"the buffer {name} of {type(module).__name__} is not that of a fresh module"
                )


def model_class(source: ModelSource) -> Any:
    """The class of transformers that this configuration builds."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    kind = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(source.config), None)
    if kind is None:
        raise UserError(
            f"{source.folder}/config.json is of a {type(source.config).__name__}: no causal language model."
        )
    return kind


def empty(source: ModelSource, *, backend: str = "eager", dtype: torch.dtype = torch.float32) -> Any:
    """The model without memory for its weights, on the device `meta`."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(
            copy.deepcopy(source.config), dtype=dtype, attn_implementation=backends.implementation(backend)
        )


def _fill_randomly(model: nn.Module, source: ModelSource, seed: int) -> None:
    """Every rank draws the whole model from the seed and keeps its slices.

    So the start is the same for any world size.
    """
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        whole = AutoModelForCausalLM.from_config(source.config, dtype=torch.float32)
    drawn = tensors_of(whole)
    with torch.no_grad():
        for name, tensor in tensors_of(model).items():
            value = drawn[name].detach()
            if isinstance(tensor, DTensor):
                value = distribute_tensor(
                    value.to(tensor.device), tensor.device_mesh, tensor.placements, src_data_rank=None
                )
            tensor.copy_(value)


def _is_tied(model: Any) -> bool:
    head = model.get_output_embeddings()
    return head is not None and head.weight is model.get_input_embeddings().weight


def _refill_buffers(model: nn.Module) -> None:
    with torch.no_grad():
        for module, fresh in _rotary_modules(model):
            for name, value in fresh.named_buffers(recurse=False):
                module.get_buffer(name).copy_(value)


def _rotary_modules(model: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
    """Modules with buffers outside the state dict, each with a fresh module of its kind on the CPU."""
    pairs = []
    for name, module in model.named_modules():
        if not module._non_persistent_buffers_set:
            continue
        try:
            with torch.device("cpu"):
                pairs.append((module, type(module)(config=module.config)))
        except (AttributeError, TypeError) as error:
            raise UserError(
                f"this kind of model is not supported: the buffers of {name} cannot be computed anew."
            ) from error
    return pairs


def config_json(source: ModelSource, dtype: str) -> str:
    """config.json of an export whose weights are in this number format."""
    data = json.loads(source.config.to_json_string(use_diff=True))
    data.update(dtype=dtype, architectures=[model_class(source).__name__])
    return json.dumps(data, indent=2, sort_keys=True) + "\n"
