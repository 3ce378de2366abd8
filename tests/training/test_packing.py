from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.training.support import documents, write_model
from training.loss import token_loss_sum
from training.packing import IGNORE, isolation_mask, labels_of


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(3)
    config = AutoConfig.from_pretrained(
        write_model(tmp_path_factory.mktemp("packing"), initializer_range=0.5)
    )
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").train()


def packed_loss(network: Any, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    mask = isolation_mask(positions)
    logits = network(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).logits
    return token_loss_sum(logits, labels_of(ids, positions))


def test_packed_documents_have_the_loss_and_gradient_that_each_has_alone(network: Any) -> None:
    docs = [torch.tensor([doc]) for doc in documents(6, 4, longest=20)]
    ids = torch.cat(docs, dim=1)
    positions = torch.cat([torch.arange(doc.shape[1])[None] for doc in docs], dim=1)
    together = packed_loss(network, ids, positions)
    network.zero_grad()
    torch.autograd.backward(together)
    packed = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    alone = sum(network(input_ids=doc, labels=doc, use_cache=False).loss * (doc.shape[1] - 1) for doc in docs)
    alone.backward()
    assert together.item() == pytest.approx(alone.item(), rel=1e-6)
    for have, parameter in zip(packed, network.parameters(), strict=True):
        torch.testing.assert_close(have, parameter.grad, rtol=1e-4, atol=1e-4)


def test_changing_one_document_leaves_its_neighbour_alone(network: Any) -> None:
    ids = torch.arange(1, 21)[None]
    positions = torch.cat([torch.arange(10), torch.arange(10)])[None]
    changed = ids.clone()
    changed[0, :10] = 50
    mask = isolation_mask(positions)
    with torch.no_grad():
        one, other = (
            network(input_ids=x, position_ids=positions, attention_mask=mask, use_cache=False).logits
            for x in (ids, changed)
        )
    assert torch.equal(one[:, 10:], other[:, 10:])


def test_first_tokens_of_documents_carry_no_label() -> None:
    positions = torch.tensor([[0, 1, 2, 0, 1, 0]])
    assert labels_of(torch.arange(10, 16)[None], positions).tolist() == [[IGNORE, 11, 12, IGNORE, 14, IGNORE]]
