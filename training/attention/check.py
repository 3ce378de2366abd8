"""Two things that are asked of every model before it trains, because no class name proves them.

A document has the same loss alone as behind another one, and the loss made in chunks is that of the model's
own logits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corpus.engine.errors import UserError
from training import heads
from training.attention import backends
from training.attention.layout import Layout
from training.data.arrays import IGNORE
from training.loss import shifted, token_losses

_FIRST, _SECOND, _LENGTH = 9, 7, 16  # tokens of the two documents, and of the rows
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2}  # nats; a leak changes a loss by far more


def check(model: Any, backend: str, device: torch.device, *, bf16: bool, say: Callable[[str], None]) -> None:
    """Raises UserError for a model that does not keep documents apart. Collective; the weights must be there.

    Where the model does more to its logits than its head says (scales, caps), the loss is made of whole
    logits.
    """
    tolerance = _TOLERANCE[torch.bfloat16 if bf16 else torch.float32]
    ids, positions, labels = _rows(int(model.config.vocab_size))
    given = {
        "input_ids": ids.to(device), "position_ids": torch.from_numpy(positions).to(device, torch.long),
        "use_cache": False, **backends.arguments(backend, Layout.of(positions), device),
    }  # fmt: skip
    labels = labels.to(device)
    model.eval()
    # The compiler would make code for these rows, and later for others, where it should know one shape alone.
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        whole, _ = token_losses(model(**given).logits, shifted(labels))
        _, chunked = model(**given, targets=labels)
    model.reshard()
    model.train()
    behind, alone = whole[0, _FIRST : _FIRST + _SECOND - 1], whole[1, : _SECOND - 1]
    if not _close(behind, alone, tolerance):
        raise UserError(
            f"{type(model).__name__.removeprefix('FSDP')} lets packed documents see each other with "
            f"attention={backend} (a loss changes by {(behind - alone).abs().max().item():.2g}); give "
            "attention=mask, or train another architecture: one with a recurrent state cannot be packed."
        )
    if heads.takes_chunks(model) and not _close(chunked, whole, tolerance):
        heads.take_whole(model)
        say(
            "this model's logits are not its head's output alone: the loss is made of all logits of a "
            "micro-batch at a time, which takes more memory."
        )


def _rows(vocabulary: int) -> tuple[Tensor, np.ndarray[Any, np.dtype[np.int32]], Tensor]:
    """Two documents in one row; the second alone in another, with documents of one token behind it."""
    tokens = torch.arange(2, 2 + _LENGTH) * 7919 % vocabulary
    ids = torch.stack([tokens, torch.cat([tokens[_FIRST:], tokens[:_FIRST]])])
    both = np.concatenate([np.arange(_FIRST), np.arange(_SECOND)])
    one = np.concatenate([np.arange(_SECOND), np.zeros(_LENGTH - _SECOND)])
    positions = np.stack([both, one]).astype(np.int32)
    return ids, positions, ids.masked_fill(torch.from_numpy(positions == 0), IGNORE)


def _close(one: Tensor, other: Tensor, tolerance: float) -> bool:
    # What is not finite says nothing about documents; the first step finds it and names its cause.
    difference = (one - other).abs()
    return bool((difference[torch.isfinite(difference)] <= tolerance).all())
