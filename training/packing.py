"""Several documents in one row without seeing each other.

Positions restart, attention and loss stop at the border.
"""

from __future__ import annotations

import torch
from torch import Tensor

IGNORE = -100


def labels_of(ids: Tensor, positions: Tensor) -> Tensor:
    """Labels [rows, length] in the Hugging Face convention (the model shifts them).

    The first token of a document has none.
    """
    return ids.masked_fill(positions == 0, IGNORE)


def isolation_mask(positions: Tensor) -> Tensor:
    """Boolean mask [rows, 1, length, length]: a token sees itself and what its document holds before it.

    Positions alone do not isolate documents: with Hugging Face's default cache they leak into each other.
    """
    length = positions.shape[1]
    document = (positions == 0).cumsum(dim=1)
    same = document.unsqueeze(2) == document.unsqueeze(1)
    causal = torch.ones(length, length, dtype=torch.bool, device=positions.device).tril()
    return (same & causal).unsqueeze(1)
