"""Windows of many items as few forward passes: batched by length, split over ranks, run on any model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.benchmark.encoding import Bools, Window
from training.data.arrays import Int32

Floats = npt.NDArray[np.float64]

BATCH_TOKENS = 8192  # of one forward pass, padding included
_LOGITS = 1 << 28  # logits that one pass may hold at most: 1 GiB in fp32

Forward = Callable[[Int32, Int32, Bools], Floats]
"""(ids, positions, counted), each [rows, width], to the loss of each row's counted tokens in nats, [rows].

Each row is one document, positions 0 .. width - 1, padded behind its end. counted[r, t] says that the loss
of ids[r, t], given what stands before it in its row, is summed; it is never true where t is 0.
"""


def batches(
    windows: Sequence[Window],
    vocabulary: int,
    *,
    tokens: int = BATCH_TOKENS,
    whole: bool = False,
    multiple: int = 1,
) -> list[list[Window]]:
    """Windows of like length together, within the bounds on tokens and on logits.

    `whole` is for a forward that makes the logits of all positions and not of the counted ones alone;
    `multiple` is what widths are rounded up to.
    """
    found: list[list[Window]] = []
    batch: list[Window] = []
    width, first = 0, 0
    for window in sorted(windows, key=lambda w: (len(w.ids), w.first, w.item)):
        long = -(-len(window.ids) // multiple) * multiple
        wider, earlier = max(width, long), min(first, window.first) if batch else window.first
        positions = wider if whole else wider - earlier
        count = len(batch) + 1
        if batch and (wider * count > tokens or positions * count * vocabulary > _LOGITS):
            found.append(batch)
            batch, wider, earlier = [], long, window.first
        batch.append(window)
        width, first = wider, earlier
    return [*found, batch] if batch else found


def arrays(batch: Sequence[Window], multiple: int = 1) -> tuple[Int32, Int32, Bools]:
    """ids, positions and counted of a batch, its width rounded up to a multiple."""
    width = -(-max(len(w.ids) for w in batch) // multiple) * multiple
    ids = np.zeros((len(batch), width), np.int32)
    counted = np.zeros((len(batch), width), np.bool_)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = window.ids
        counted[row, 1 : len(window.ids)] = window.counted
    return ids, np.broadcast_to(np.arange(width, dtype=np.int32), ids.shape), counted


def shared(batched: Sequence[list[Window]], rank: int, ranks: int) -> Iterator[tuple[list[Window], bool]]:
    """This rank's batches, and whether each is its own: all ranks get equally many, for a sharded model
    needs them all in every pass. What fills up the last round is another rank's and does not count."""
    for start in range(0, len(batched), ranks):
        mine = start + rank < len(batched)
        yield batched[start + rank if mine else start], mine


def whole_model(model: Any) -> Forward:
    """A model that lies on one device as a forward; logits are made at positions that some row counts."""
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters

    def forward(ids: Int32, _positions: Int32, counted: Bools) -> Floats:
        at = np.flatnonzero(counted.any(0)) - 1  # a token is predicted one position before it
        device = model.device
        index = torch.from_numpy(at).to(device)
        extra = {"logits_to_keep": index} if keeps else {}
        tokens = torch.from_numpy(ids).to(device, torch.long)
        # Causal attention alone: what pads a row stands behind everything that is counted. The last token
        # predicts nothing, and may be one more than the model has positions.
        logits = model(input_ids=tokens[:, :-1], use_cache=False, **extra).logits
        logits = logits if keeps else logits[:, index]
        return row_losses(logits, tokens[:, index + 1], torch.from_numpy(counted[:, at + 1]).to(device))

    return forward


def row_losses(logits: Tensor, ids: Tensor, counted: Tensor) -> Floats:
    """Summed loss of the counted tokens of each row in nats, [rows].

    Shapes: logits [rows, n, vocabulary], ids and counted [rows, n]; logits[:, t] predicts ids[:, t].
    """
    losses = torch.zeros(ids.shape, dtype=torch.float64, device=logits.device)
    losses[counted] = torch.nn.functional.cross_entropy(
        logits[counted].float(), ids[counted], reduction="none"
    ).double()
    return np.asarray(losses.sum(1).cpu().numpy())
