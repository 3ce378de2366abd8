"""FLOPs per token against the published figures for Llama-3-8B."""

from __future__ import annotations

from typing import Any

import pytest

from tests.training.memory.test_budget import eight_billion
from training.flops import attended_flops_per_token, flops_per_token
from training.model import count_parameters


@pytest.fixture(scope="module")
def llama() -> tuple[Any, int]:
    source = eight_billion()
    return source.config, count_parameters(source)


def test_llama_3_8b_at_8k_costs_58_gigaflop_per_token(llama: tuple[Any, int]) -> None:
    config, parameters = llama
    assert parameters == 8_030_261_248
    assert flops_per_token(config, parameters, 8192) == pytest.approx(57.9e9, rel=5e-3)


def test_a_row_of_one_document_attends_to_half_of_it_and_many_documents_to_less(
    llama: tuple[Any, int],
) -> None:
    config, parameters = llama
    whole, half = (
        flops_per_token(config, parameters, 8192),
        attended_flops_per_token(config, parameters, 4096.5),
    )
    none = attended_flops_per_token(config, parameters, 0)
    assert half - none == pytest.approx((whole - none) / 2, rel=1e-3)


def test_a_tied_embedding_computes_as_the_head_that_it_is() -> None:
    from tests.training.memory.test_budget import source

    tied, apart = source(tie_word_embeddings=True), source(tie_word_embeddings=False)
    assert flops_per_token(tied.config, count_parameters(tied), 64) == flops_per_token(
        apart.config, count_parameters(apart), 64
    )
