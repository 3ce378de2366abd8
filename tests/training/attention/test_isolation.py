"""Packed documents have the loss and the gradient that each has alone, whatever computes the attention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from corpus.engine.errors import UserError
from tests.training.support import VOCABULARY, documents
from training.attention import backends
from training.attention.layout import Layout
from training.model import ModelSource, empty, model_class

SMALL = {
    "vocab_size": VOCABULARY, "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 128, "initializer_range": 0.3, "pad_token_id": 0,
}  # fmt: skip
GROUPED = {**SMALL, "intermediate_size": 64, "num_key_value_heads": 2}


def source_of(kind: str, **keys: Any) -> ModelSource:
    from transformers import AutoConfig

    return ModelSource(AutoConfig.for_model(kind, **keys), Path("-"), None)


SOURCES = {
    "llama": source_of("llama", **GROUPED),
    "mistral": source_of("mistral", **GROUPED, sliding_window=None),
    "qwen3": source_of("qwen3", **GROUPED, head_dim=16),
    "gpt_neox": source_of("gpt_neox", **SMALL, intermediate_size=64),
    "gemma2": source_of("gemma2", **GROUPED, head_dim=16, sliding_window=128),  # caps on scores: its own attention
    "gpt2": source_of("gpt2", vocab_size=VOCABULARY, n_embd=48, n_layer=2, n_head=4, n_positions=128, initializer_range=0.3,
                      attn_pdrop=0.0, resid_pdrop=0.0, embd_pdrop=0.0),
}  # fmt: skip


def network(
    source: ModelSource, backend: str, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Any:
    model = empty(source, backend=backend, dtype=dtype)
    fresh = type(model)(model.config)
    torch.manual_seed(3)
    fresh.init_weights()
    for parameter in fresh.parameters():
        torch.nn.init.normal_(parameter, 0.0, 0.2)
    return fresh.to(device, dtype).train()


def packed(docs: list[list[int]], length: int = 128) -> tuple[Tensor, Any]:
    """The documents laid end to end into rows, none cut; what is left of a row holds documents of one token."""
    rows: list[list[list[int]]] = [[]]
    for doc in docs:
        if sum(map(len, rows[-1])) + len(doc) > length:
            rows.append([])
        rows[-1].append(doc)
    shape = (len(rows), length)
    ids, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int32)
    for row, held in enumerate(rows):
        at = 0
        for doc in held:
            ids[row, at : at + len(doc)], positions[row, at : at + len(doc)] = doc, np.arange(len(doc))
            at += len(doc)
    return torch.from_numpy(ids), positions


def summed(logits: Tensor, ids: Tensor, counted: Tensor) -> Tensor:
    """Loss of the tokens that are `counted`, each predicted by the one before it."""
    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
    )
    return (losses * counted[:, 1:].flatten()).sum()


def together(model: Any, backend: str, ids: Tensor, positions: Any) -> Tensor:
    device = next(model.parameters()).device
    given = backends.arguments(backend, Layout.of(positions), device)
    places = torch.from_numpy(positions).to(device, torch.long)
    logits = model(input_ids=ids.to(device), position_ids=places, use_cache=False, **given).logits
    return summed(logits, ids.to(device), places > 0)


def alone(model: Any, docs: list[list[int]]) -> Tensor:
    total = torch.zeros((), device=next(model.parameters()).device)
    for doc in docs:
        ids = torch.tensor([doc], device=total.device)
        total = total + summed(model(input_ids=ids, use_cache=False).logits, ids, torch.ones_like(ids))
    return total


def gradients(model: Any, loss: Tensor) -> list[Tensor]:
    model.zero_grad()
    torch.autograd.backward(loss)
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


DOCUMENTS = [doc for doc in documents(14, 4, longest=40) if len(doc) > 1] + documents(3, 5, longest=110)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("backend", ["segments", "mask"])
def test_packed_documents_have_the_loss_and_gradient_that_each_has_alone(kind: str, backend: str) -> None:
    source = SOURCES[kind]
    wanted = "auto" if backend == "segments" else backend
    chosen = backends.choose(wanted, model_class(source), source.config, torch.device("cpu"), bf16=False)
    assert chosen == ("eager" if kind == "gemma2" else backend)
    model, plain = network(source, chosen), network(source, "eager")
    docs = [doc[:100] for doc in DOCUMENTS]
    ids, positions = packed(docs)
    have, want = together(model, chosen, ids, positions), alone(plain, docs)
    assert have.item() == pytest.approx(want.item(), rel=1e-5)
    for one, other in zip(gradients(model, have), gradients(plain, want), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3 * float(other.abs().max() + 1e-6))


def test_flex_attention_has_the_loss_that_each_document_has_alone() -> None:
    """On a CPU it has no backward pass, so only the forward pass is held against the documents alone here."""
    model, plain = network(SOURCES["llama"], "flex"), network(SOURCES["llama"], "mask")
    ids, positions = packed(DOCUMENTS[:4])
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        have, want = together(model, "flex", ids, positions), alone(plain, DOCUMENTS[:4])
    assert have.item() == pytest.approx(want.item(), rel=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("backend", ["varlen", "flex", "mask"])
@pytest.mark.parametrize("kind", ["llama", "qwen3"])
def test_on_cuda_packed_documents_have_the_loss_and_gradient_that_each_has_alone(
    kind: str, backend: str
) -> None:
    model = network(SOURCES[kind], backend, "cuda", torch.bfloat16)
    plain = network(SOURCES[kind], "mask", "cuda", torch.float32)
    plain.load_state_dict(model.state_dict())
    docs = [doc[:100] for doc in DOCUMENTS]
    ids, positions = packed(docs)
    have, want = together(model, backend, ids, positions), alone(plain, docs)
    assert have.item() == pytest.approx(want.item(), rel=1e-2)
    for one, other in zip(gradients(model, have), gradients(plain, want), strict=True):
        assert torch.nn.functional.cosine_similarity(one.float().flatten(), other.flatten(), dim=0) > 0.99


@pytest.mark.parametrize(
    ("wanted", "kind", "words"),
    [
        ("varlen", "llama", "needs CUDA"),
        ("flex", "llama", "needs CUDA"),
        ("segments", "gemma2", "give attention=mask"),
    ],
)
def test_a_backend_that_cannot_be_had_is_refused(wanted: str, kind: str, words: str) -> None:
    source = SOURCES[kind]
    with pytest.raises(UserError, match=words):
        backends.choose(wanted, model_class(source), source.config, torch.device("cpu"), bf16=False)


def test_rows_that_begin_inside_a_document_begin_a_document() -> None:
    layout = Layout.of(np.array([[0, 1, 0, 1], [5, 6, 7, 8]], np.int32))
    assert layout.edges.tolist() == [0, 2, 4, 8]
    assert layout.attended == 3 + 3 + 10


def test_layouts_are_padded_to_few_shapes_with_empty_documents() -> None:
    rng, seen = np.random.default_rng(0), set()
    for _ in range(50):
        positions = np.where(rng.random((4, 64)) < 0.2, 0, 1).astype(np.int32)
        layout = Layout.of(positions)
        edges = layout.padded_edges()
        assert edges[: len(layout.edges)].tolist() == layout.edges.tolist()
        assert set(edges[len(layout.edges) :].tolist()) <= {4 * 64}
        assert layout.lengths.max() <= layout.padded_longest() <= 64
        seen.add(len(edges))
    assert len(seen) <= 2
