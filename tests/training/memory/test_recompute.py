"""Recomputation changes no gradient, and layers share their compiled code whatever they keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from tests.training.memory.test_budget import LENGTH, ROWS, source
from training.attention import backends
from training.attention.layout import Layout
from training.memory import recompute
from training.model import decoder_layers, empty

LAYERS = 12  # more than the compiler is willing to compile anew


def network(modes: list[str], *, compiled: bool) -> Any:
    model = empty(source(num_hidden_layers=LAYERS), backend="segments").to_empty(device="cpu")
    model = type(model)(model.config).train()
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.1)
    layers = decoder_layers(model)
    recompute.apply(layers, modes)
    if compiled:
        for layer in layers:
            layer.compile(backend="aot_eager", fullgraph=True)
    return model


def gradients(model: Any, document: int) -> list[Tensor]:
    positions = np.tile(np.arange(LENGTH, dtype=np.int32) % document, (ROWS, 1))
    given = backends.arguments("segments", Layout.of(positions), torch.device("cpu"))
    ids = torch.from_numpy(positions).long()
    logits = model(input_ids=ids, position_ids=ids, use_cache=False, **given).logits
    model.zero_grad()
    torch.autograd.backward(logits.square().mean())
    return [parameter.grad for parameter in model.parameters()]


MIXED = ["full"] * 4 + ["selective"] * 4 + ["none"] * 4


@pytest.mark.parametrize("modes", [["selective"] * LAYERS, ["full"] * LAYERS, MIXED])
def test_gradients_are_bit_by_bit_those_without_recomputation(modes: list[str]) -> None:
    plain, again = network(["none"] * LAYERS, compiled=False), network(modes, compiled=False)
    assert all(torch.equal(a, b) for a, b in zip(gradients(plain, 10), gradients(again, 10), strict=True))


@pytest.mark.parametrize(
    "modes",
    [
        ["selective"] * LAYERS,
        *(pytest.param([mode] * LAYERS, marks=pytest.mark.slow) for mode in ("none", "full")),
    ],
)
def test_layers_share_one_graph_for_all_documents(modes: list[str]) -> None:
    """A layer that were compiled by itself would, beyond the limit of the compiler, not be compiled at all."""
    torch._dynamo.reset()
    counters.clear()
    plain, compiled = network(["none"] * LAYERS, compiled=False), network(modes, compiled=True)
    for document in (LENGTH, 20, 3):  # one document per row, some, many: edges of other lengths
        for one, other in zip(gradients(plain, document), gradients(compiled, document), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
    assert counters["stats"]["unique_graphs"] <= 3  # one, and what is made anew when a length first changes
