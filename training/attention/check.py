"""Two things that are asked of every model before it trains, because no class name proves them.

A document's logits do not depend on the document before it, and those of the model are its head's output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from corpus.engine.errors import UserError
from training import heads
from training.attention import backends
from training.attention.layout import Layout
from training.data.arrays import Int32
from training.precision import float8

_FIRST, _SECOND, _LENGTH = 9, 7, 16  # tokens of the two documents, and of the rows
# Of the largest logit. Two passes over one layout differ by nothing but what the first document says: their
# kernels and their sums are the same. What experts make of tokens dealt out otherwise may round otherwise.
_TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-3}
_MOVED = {torch.float32: 1e-3, torch.bfloat16: 5e-2}  # where the layout differs, and the kernels with it


def check(model: Any, backend: str, device: torch.device, *, bf16: bool, say: Callable[[str], None]) -> None:
    """Raises UserError for a model that does not keep documents apart. Collective; the weights must be there.

    Where the model does more to its logits than its head says (scales, caps), the loss is made of whole
    logits. That does not depend on the weights: a resume has the objective of the start.
    """
    kind = torch.bfloat16 if bf16 else torch.float32
    tokens = _tokens(int(model.config.vocab_size))
    first, second, other = tokens[:_FIRST], tokens[_FIRST:_LENGTH], tokens[_LENGTH:]
    model.eval()
    # The compiler would make code for these rows, and later for others, where it should know one shape alone.
    with torch.no_grad(), torch.compiler.set_stance("force_eager"), float8.left_out(model):
        behind, changed, alone = (
            _logits(model, backend, device, documents)[0]
            for documents in ((first, second), (other, second), (second, first))
        )
        is_plain = not heads.takes_chunks(model) or _is_head_alone(model, backend, device, tokens[:_LENGTH])
    model.reshard()
    model.train()
    leak = _difference(behind[_FIRST:], changed[_FIRST:])
    if leak > _TOLERANCE[kind] or _difference(behind[_FIRST:], alone[:_SECOND]) > _MOVED[kind]:
        raise UserError(
            f"{type(model).__name__.removeprefix('FSDP')} lets packed documents see each other with "
            f"attention={backend} (another document before one changes its logits by {leak:.2g} of the "
            "largest); give attention=mask, or train another architecture: one with a recurrent state cannot "
            "be packed."
        )
    if not is_plain:
        heads.take_whole(model)
        say(
            "this model's logits are not its head's output alone: the loss is made of all logits of a "
            "micro-batch at a time, which takes more memory."
        )


def _tokens(vocabulary: int) -> Tensor:
    """Three documents: the first two fill a row; the third is as long as the first, with other tokens."""
    first = torch.arange(2, 2 + _LENGTH) * 7919 % vocabulary
    return torch.cat([first, (first[:_FIRST] + 1) % vocabulary])


def _logits(model: Any, backend: str, device: torch.device, documents: tuple[Tensor, Tensor]) -> Tensor:
    """[1, length, vocabulary] of two documents in one row."""
    positions: Int32 = np.concatenate([np.arange(len(part)) for part in documents])[None].astype(np.int32)
    logits: Tensor = model(
        input_ids=torch.cat(documents)[None].to(device),
        position_ids=torch.from_numpy(positions).to(device, torch.long),
        use_cache=False,
        **backends.arguments(backend, Layout.of(positions), device),
    ).logits
    return logits.float()


def _is_head_alone(model: Any, backend: str, device: torch.device, tokens: Tensor) -> bool:
    """Whether the model's logits are one matrix product of its last hidden states, and nothing besides.

    Values of ours take the place of hidden states and logits on their way: the head has to get the ones and
    the caller the others, bit by bit. So weights that hide a cap, as all at zero do, do not matter.
    """
    body, head = model.base_model, model.get_output_embeddings()
    if body is model or not isinstance(head, nn.Linear) or type(head).forward is not nn.Linear.forward:
        return False
    given: dict[str, Tensor] = {}

    def replace_hidden(_module: nn.Module, _args: Any, output: Any) -> Any:
        given["hidden"] = output.last_hidden_state = _probe(output.last_hidden_state)
        return output

    def replace_logits(_module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        given["got"], given["logits"] = args[0], _probe(output)
        return given["logits"]

    hooks = [body.register_forward_hook(replace_hidden), head.register_forward_hook(replace_logits)]
    try:
        found = _logits(model, backend, device, (tokens[:_FIRST], tokens[_FIRST:]))
    finally:
        for hook in hooks:
            hook.remove()
    return (
        len(given) == 3
        and torch.equal(given["got"].float(), given["hidden"].float())
        and torch.equal(found, given["logits"].float())
    )


def _probe(like: Tensor) -> Tensor:
    """Values on both sides of 0, small and large, that no scale and no cap leaves as they are."""
    return torch.linspace(-50, 50, like.numel(), device=like.device).to(like.dtype).view(like.shape)


def _difference(one: Tensor, other: Tensor) -> float:
    """The largest, as a share of the largest value; what is not finite says nothing about documents."""
    # The first step finds what is not finite, and names its cause.
    difference, size = (torch.nan_to_num(x, 0.0, 0.0, 0.0).abs().max() for x in (one - other, one))
    return float(difference / size.clamp_min(torch.finfo(torch.float32).tiny))
