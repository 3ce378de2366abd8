"""Next-token cross-entropy as a sum: any split over micro-batches and ranks adds up to the same loss."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from training.packing import IGNORE


def token_loss_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum of the losses of all labelled tokens, in fp32.

    Shapes: logits [rows, length, vocabulary], labels [rows, length].
    """
    predicted = logits[:, :-1].reshape(-1, logits.shape[-1]).float()
    return F.cross_entropy(predicted, labels[:, 1:].reshape(-1), ignore_index=IGNORE, reduction="sum")
