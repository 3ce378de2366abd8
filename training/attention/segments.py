"""Attention within documents on the CPU: a call of torch's flash kernel per document, none over a whole row.

A mask over the row costs length x length whatever the documents are. Here a document costs its own length
squared; short neighbours share a call with a small mask, equal neighbours share one as a batch. As an
operator of its own it is opaque to the compiler: new documents compile nothing anew.
"""

# ruff: noqa: ARG001, PLR0917 (the signatures are those of operators)
from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
_SHORT = 64  # tokens: documents below share calls, up to this many tokens in one


class Call(NamedTuple):
    """`batch` segments of `length` tokens from `start` on; `documents`: the lengths inside a shared one."""

    start: int
    length: int
    batch: int
    documents: tuple[int, ...]


@torch.library.custom_op("forge::segment_attention", mutates_args=())
def segment_attention(
    query: Tensor, key: Tensor, value: Tensor, edges: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """(output [tokens, heads, size], logsumexp [tokens, heads]) of query, key, value [tokens, heads, size].

    `edges` [documents + 1] are int32 and on the CPU; documents may be empty.
    """
    out = torch.empty(query.shape, dtype=query.dtype)
    lse = torch.empty(query.shape[:2], dtype=torch.float32)
    for call in _calls(tuple(edges.tolist())):
        q, k, v = (_part(tensor, call) for tensor in (query, key, value))
        found, sums = _flash(q, k, v, 0.0, call.documents == (), scale=scale, **_mask(call, q.dtype))
        _part(out, call).copy_(found)
        _part(lse, call).copy_(sums)
    return out, lse


@segment_attention.register_fake
def _(query: Tensor, key: Tensor, value: Tensor, edges: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    return torch.empty_like(query, memory_format=torch.contiguous_format), query.new_empty(
        query.shape[:2], dtype=torch.float32
    )


@torch.library.custom_op("forge::segment_attention_backward", mutates_args=())
def _backward(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    edges: Tensor,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    grads = [torch.empty(tensor.shape, dtype=tensor.dtype) for tensor in (query, key, value)]
    for call in _calls(tuple(edges.tolist())):
        g, q, k, v, o = (_part(tensor, call) for tensor in (grad, query, key, value, out))
        sums = _part(lse, call).contiguous()
        parts = _flash_backward(
            g, q, k, v, o, sums, 0.0, call.documents == (), scale=scale, **_mask(call, q.dtype)
        )
        for whole, part in zip(grads, parts):
            _part(whole, call).copy_(part)
    return grads[0], grads[1], grads[2]


@_backward.register_fake
def _(
    grad: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    lse: Tensor,
    edges: Tensor,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    made = [torch.empty_like(t, memory_format=torch.contiguous_format) for t in (query, key, value)]
    return made[0], made[1], made[2]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    query, key, value, edges, ctx.scale = inputs
    ctx.save_for_backward(query, key, value, *output, edges)
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    query, key, value, out, lse, edges = ctx.saved_tensors
    return *_backward(grad, query, key, value, out, lse, edges, ctx.scale), None, None


segment_attention.register_autograd(_differentiate, setup_context=_remember)


def _part(tensor: Tensor, call: Call) -> Tensor:
    """The call's tokens of [tokens, heads, ...] as a view [batch, heads, length, ...]."""
    flat = tensor[call.start : call.start + call.batch * call.length]
    return flat.view(call.batch, call.length, *flat.shape[1:]).transpose(1, 2)


@lru_cache(maxsize=64)
def _calls(edges: tuple[int, ...]) -> tuple[Call, ...]:
    """The calls of a layout; every layer of a step asks for the same ones."""
    return tuple(_batched(_shared(edges)))


def _shared(edges: tuple[int, ...]) -> Iterator[Call]:
    """One call per document, short neighbours together."""
    start, waiting = edges[0], list[int]()
    for first, last in pairwise(edges):
        length = last - first
        if waiting and first - start + length > _SHORT:
            yield _segment(start, waiting)
            start, waiting = first, []
        if length:
            waiting.append(length)
    if waiting:
        yield _segment(start, waiting)


def _segment(start: int, lengths: list[int]) -> Call:
    return Call(start, sum(lengths), 1, tuple(lengths) if len(lengths) > 1 else ())


def _batched(calls: Iterator[Call]) -> Iterator[Call]:
    """Neighbours of one shape as one call."""
    before: Call | None = None
    for call in calls:
        if before and (before.length, before.documents) == (call.length, call.documents):
            before = before._replace(batch=before.batch + 1)
            continue
        if before:
            yield before
        before = call
    if before:
        yield before


def _mask(call: Call, dtype: torch.dtype) -> dict[str, Tensor]:
    return {"attn_mask": _block_mask(call.documents, dtype)} if call.documents else {}


@lru_cache(maxsize=1024)
def _block_mask(lengths: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """What is added to the scores of a shared segment [1, 1, length, length]: 0 within documents, or -inf."""
    ones = [torch.ones(length, length).tril() for length in lengths]
    seen: Tensor = torch.block_diag(*ones)  # type: ignore[no-untyped-call]
    return torch.zeros_like(seen).masked_fill_(seen == 0, -torch.inf).to(dtype)[None, None]
