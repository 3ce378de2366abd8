"""The memory that is counted beforehand is the memory that is then held, and what does not fit is told beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributed.tensor import DTensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from corpus.engine.config import build
from corpus.engine.errors import UserError
from training.attention import backends
from training.attention.layout import Layout
from training.config import TrainConfig
from training.memory import recompute
from training.memory.activations import measure
from training.memory.budget import GIB, plan_memory
from training.model import ModelSource, build_model, decoder_layers, empty
from training.optimiser import Optimiser
from training.parallel import join_world

ROWS, LENGTH, LAYERS = 2, 64, 4


def source(**changes: Any) -> ModelSource:
    from transformers import LlamaConfig

    keys = {
        "vocab_size": 320, "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": LAYERS,
        "num_attention_heads": 6, "num_key_value_heads": 2, "max_position_embeddings": 512, "tie_word_embeddings": False,
        **changes,
    }  # fmt: skip
    return ModelSource(LlamaConfig(**keys), Path("-"), None)


def eight_billion() -> ModelSource:
    return source(
        vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=8192,
    )  # fmt: skip


def config(**keys: Any) -> TrainConfig:
    fixed = {
        "data": "-",
        "model": "-",
        "output": "-",
        "rows": 8,
        "length": LENGTH,
        "micro_rows": ROWS,
        "device": "cpu",
    }
    return build(TrainConfig, {**fixed, **keys})


def plan(
    made: TrainConfig, of: ModelSource, ranks: int, *, gib: float | None = None, on_cuda: bool = False
) -> Any:
    return plan_memory(made, of, ranks, on_cuda=on_cuda, available=None if gib is None else int(gib * GIB))


@pytest.mark.parametrize("state", ["fp32", "bf16", "8bit"])
@pytest.mark.parametrize("tied", [False, True])
def test_parameters_and_state_are_counted_to_the_byte(state: str, tied: bool) -> None:
    made, of = config(optimiser={"state": state}), source(tie_word_embeddings=tied)
    with join_world("cpu") as world:
        model = build_model(made, of, world)
        optimiser = Optimiser(model, made.optimiser)
        parameters = sum(_bytes(parameter) for parameter in model.parameters())
        moments = sum(_bytes(tensor) for tensor in optimiser.tensors().values())
    counted = plan(made, of, 1).memory
    assert (counted.parameters, counted.gradients, counted.optimiser) == (parameters, parameters, moments)


def _bytes(tensor: torch.Tensor) -> int:
    local = tensor.to_local() if isinstance(tensor, DTensor) else tensor
    return local.numel() * local.element_size()


def test_ranks_hold_the_shards_that_fsdp_deals_out() -> None:
    """320 rows over 3 ranks are 107 for the first; a norm's 96 are 32."""
    of = source()
    counted = plan(config(rows=6), of, 3).memory.parameters
    assert counted == sum(4 * -(-p.shape[0] // 3) * p.shape[1:].numel() for p in empty(of).parameters())


class Alive(TorchDispatchMode):
    """Every storage that operators make beside those of a model, and which of them still live."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self._theirs = {tensor.untyped_storage()._cdata for tensor in [*model.parameters(), *model.buffers()]}
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, (tuple, list)) else [found]:
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self._theirs:
                    self._made[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        return found

    def bytes(self) -> int:
        return sum(size for reference, size in self._made.values() if not reference.expired())


@pytest.mark.parametrize("backend", ["segments", "mask"])
@pytest.mark.parametrize(
    "modes", [["none"] * 4, ["selective"] * 4, ["full"] * 4, ["full", "selective", "none", "none"]]
)
@pytest.mark.parametrize("bf16", [False, True])
def test_activations_are_what_a_real_forward_pass_leaves(backend: str, modes: list[str], bf16: bool) -> None:
    of, dtype = source(), torch.bfloat16 if bf16 else torch.float32
    counted = measure(of, backend, dtype, ROWS, LENGTH)
    wanted = sum(counted.of(layer, mode) for layer, mode in enumerate(modes)) + counted.outside
    model = empty(of, backend=backend, dtype=dtype).to_empty(device="cpu").train()
    recompute.apply(decoder_layers(model), modes)
    positions = np.tile(np.arange(LENGTH, dtype=np.int32), (ROWS, 1))
    given = backends.arguments(backend, Layout.of(positions), torch.device("cpu"))
    ids = torch.from_numpy(positions).long()
    with Alive(model) as alive:
        hidden = model.base_model(input_ids=ids, position_ids=ids, use_cache=False, **given).last_hidden_state
    held = alive.bytes() - hidden.numel() * hidden.element_size()
    assert held == pytest.approx(wanted, rel=0.001)
    assert torch.autograd.grad(hidden.float().sum(), model.get_input_embeddings().weight)[0].shape == (
        320,
        96,
    )


def test_less_memory_means_more_recomputation_and_never_too_much() -> None:
    of = eight_billion()
    made = config(length=8192, micro_rows=1, rows=16, precision="bf16", optimiser={"state": "bf16"})
    seen = []
    for gib in (400, 150, 131, 118, 112):
        found = plan(made, of, 1, gib=gib, on_cuda=True)
        assert found.memory.total <= gib * GIB
        seen.append([found.modes.count(mode) for mode in recompute.MODES])
    assert seen[0] == [32, 0, 0]
    assert [kept for kept, _, _ in seen] == sorted((kept for kept, _, _ in seen), reverse=True)
    assert seen[-1][2] > 0


def test_a_budget_for_activations_alone_is_kept_on_a_cpu_too() -> None:
    whole = plan(config(), source(), 1)
    assert whole.modes == ["none"] * LAYERS
    half = whole.memory.activations / 2 / GIB
    found = plan(config(activation_gib=half), source(), 1)
    assert found.memory.activations <= half * GIB and found.modes != whole.modes


def test_what_does_not_fit_is_told_before_anything_is_allocated() -> None:
    """Llama-3-8B with fp32 moments on one H200; no machine that runs this test could hold it."""
    made = config(length=8192, micro_rows=1, rows=16, precision="bf16")
    with pytest.raises(
        UserError, match=r"does not fit on 1 rank\(s\) with 131.0 GiB.*optimiser 59.8.*state=bf16"
    ):
        plan(made, eight_billion(), 1, gib=131, on_cuda=True)
    assert plan(made, eight_billion(), 8, gib=131, on_cuda=True).memory.optimiser < 8 * GIB


def test_gradients_are_dealt_out_each_time_where_whole_ones_would_not_fit() -> None:
    made = config(length=8192, micro_rows=1, rows=16, precision="bf16", recompute="full")
    assert not plan(made, eight_billion(), 8, gib=131, on_cuda=True).sync_each
    assert plan(made, eight_billion(), 8, gib=45, on_cuda=True).sync_each
