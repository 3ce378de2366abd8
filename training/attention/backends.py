"""Which attention a run uses, and its place in transformers' registry of attention functions.

    segments   CPU: one flash call per document (segments.py)
    varlen     CUDA, bf16: torch's flash kernel for documents of various lengths
    flex       CUDA: a compiled kernel that skips what no document sees; takes fp32 too
    mask       anywhere: SDPA over a mask of length x length; slow, and the reference
    eager      the same through the model's own code, for attention that SDPA cannot compute (caps on scores)

Positions alone do not isolate documents: transformers' default cache leaks (0.4 in the logits), so it is off.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from corpus.engine.errors import UserError
from training.attention.layout import Layout
from training.attention.segments import segment_attention

BACKENDS = ("auto", "segments", "varlen", "flex", "mask")
_LARGEST_HEAD = 256  # of the flash kernels


def choose(wanted: str, model_class: Any, config: Any, device: torch.device, *, bf16: bool) -> str:
    """The backend for a model. Raises UserError for one that the model or the machine cannot have."""
    if getattr(model_class, "_is_stateful", False):
        raise UserError(
            f"{model_class.__name__} has a recurrent state, through which packed documents would see "
            "each other; it cannot be trained here."
        )
    open_to_ours = bool(getattr(model_class, "_supports_attention_backend", False))
    has_sdpa = getattr(model_class, "_supports_sdpa", False) and not _is_capped(config)
    plain = open_to_ours and not _is_special(config)
    if wanted == "mask" or (wanted == "auto" and not plain):
        return "mask" if has_sdpa else "eager"
    if wanted == "auto":
        if device.type != "cuda":
            return "segments"
        return "varlen" if bf16 and _head_size(config) <= _LARGEST_HEAD and _has_varlen() else "flex"
    if not plain:
        raise UserError(
            f"attention={wanted} cannot be had for {model_class.__name__}: its code or its config.json "
            "wants an attention of its own; give attention=mask."
        )
    if wanted == "segments" and device.type == "cuda":
        raise UserError("attention=segments is for the CPU; give attention=varlen or attention=auto.")
    if wanted in ("varlen", "flex") and device.type != "cuda":
        raise UserError(f"attention={wanted} needs CUDA; give attention=auto.")
    if wanted == "varlen" and not (bf16 and _has_varlen()):
        raise UserError("attention=varlen needs precision=bf16 and torch 2.10 or newer; give attention=flex.")
    return wanted


def implementation(backend: str) -> str:
    """The value of transformers' `attn_implementation`; registers ours on the first call."""
    if backend in ("mask", "eager"):
        return "sdpa" if backend == "mask" else "eager"
    from transformers import AttentionInterface

    functions: dict[str, Callable[..., Any]] = {"segments": _segments, "varlen": _varlen, "flex": _flex}
    name = f"forge_{backend}"
    AttentionInterface.register(name, functions[backend])
    return name


def arguments(backend: str, layout: Layout, device: torch.device) -> dict[str, Any]:
    """What the model's forward pass gets to keep the documents of these rows apart."""
    if backend in ("segments", "varlen"):
        edges = torch.from_numpy(layout.padded_edges())
        if device.type == "cuda":
            edges = edges.pin_memory().to(device, non_blocking=True)
            torch._dynamo.maybe_mark_dynamic(
                edges, 0
            )  # opaque operators read it: no kernel depends on its length
        longest = layout.padded_longest()
        return {
            "cu_seq_lens_q": edges, "cu_seq_lens_k": edges, "max_length_q": longest, "max_length_k": longest,
        }  # fmt: skip
    numbers = torch.zeros(layout.rows * layout.length, dtype=torch.int32)
    numbers[torch.from_numpy(layout.edges[1:-1]).long()] = 1
    documents = numbers.to(device, non_blocking=True).cumsum(0).view(layout.rows, layout.length)
    if backend == "flex":
        return {"attention_mask": _block_mask(documents)}
    seen = dense_mask(documents)
    if backend == "mask":
        return {"attention_mask": seen}
    return {"attention_mask": torch.zeros(seen.shape, device=device).masked_fill_(~seen, -torch.inf)}


def dense_mask(documents: Tensor) -> Tensor:
    """[rows, length] of document numbers -> [rows, 1, length, length]: what each token sees."""
    length = documents.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=documents.device).tril()
    return ((documents.unsqueeze(2) == documents.unsqueeze(1)) & causal).unsqueeze(1)


def _segments(
    _module: nn.Module, query: Tensor, key: Tensor, value: Tensor, _mask: Any, **given: Any
) -> tuple[Tensor, None]:
    flat = _flattened(query, *_repeated(query, key, value))
    out, _ = segment_attention(*flat, given["cu_seq_lens_q"], _scale(query, given))
    return out.view(query.shape[0], query.shape[2], *out.shape[1:]), None


def _varlen(
    _module: nn.Module, query: Tensor, key: Tensor, value: Tensor, _mask: Any, **given: Any
) -> tuple[Tensor, None]:
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = _flattened(query, key, value)
    edges, longest = given["cu_seq_lens_q"], given["max_length_q"]
    window = given.get("sliding_window")
    out = varlen_attn(
        q, k, v, edges, edges, longest, longest, scale=_scale(query, given),
        window_size=(window - 1 if window else -1, 0), enable_gqa=q.shape[1] != k.shape[1],
    )  # fmt: skip
    assert isinstance(out, Tensor)
    return out.view(query.shape[0], query.shape[2], *out.shape[1:]), None


def _flex(
    _module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Any, **given: Any
) -> tuple[Tensor, None]:
    compiled = _compiled_flex() if not torch.compiler.is_compiling() else _flex_attention()
    out = compiled(
        query, key, value, block_mask=mask, scale=_scale(query, given),
        enable_gqa=query.shape[1] != key.shape[1],
    )  # fmt: skip
    return out.transpose(1, 2).contiguous(), None


def _flattened(*tensors: Tensor) -> tuple[Tensor, ...]:
    """[rows, heads, length, size] -> [rows x length, heads, size], mostly views."""
    return tuple(tensor.transpose(1, 2).flatten(0, 1) for tensor in tensors)


def _repeated(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values once per query head: the CPU kernel knows no groups."""
    groups = query.shape[1] // key.shape[1]
    if groups == 1:
        return key, value
    return key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)


def _scale(query: Tensor, given: dict[str, Any]) -> float:
    scaling = given.get("scaling")
    return float(query.shape[-1] ** -0.5 if scaling is None else scaling)


def _block_mask(documents: Tensor) -> Any:
    def seen(row: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (documents[row, query] == documents[row, key]) & (query >= key)

    rows, length = documents.shape
    return _compiled_create()(seen, rows, None, length, length, device=str(documents.device))


def _flex_attention() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


@lru_cache(maxsize=1)
def _compiled_flex() -> Any:
    return torch.compile(_flex_attention(), dynamic=False)


@lru_cache(maxsize=1)
def _compiled_create() -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    return torch.compile(create_block_mask, dynamic=False)


def _has_varlen() -> bool:
    return importlib.util.find_spec("torch.nn.attention.varlen") is not None


def _head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _is_capped(config: Any) -> bool:
    """Whether scores are capped or have sinks, which SDPA does not know."""
    return (
        bool(getattr(config, "attn_logit_softcapping", None))
        or getattr(config, "model_type", "") == "gpt_oss"
    )


def _is_special(config: Any) -> bool:
    """Whether attention has parts that only the model's own code knows: caps, dropout, sinks, chunks."""
    return bool(
        _is_capped(config)
        or getattr(config, "attention_dropout", 0.0)
        or getattr(config, "attention_chunk_size", None)
        or getattr(config, "position_embedding_type", "absolute") not in ("absolute", None)
        or getattr(config, "alibi", False)
    )
