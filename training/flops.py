"""What a step costs in floating point operations, and what a device can do: the two sides of MFU."""

from __future__ import annotations

from typing import Any

import torch

# Dense bf16 TFLOP/s by a part of the device's name, from the vendors' data sheets; the first match counts.
_PEAKS = (
    *(("B300", 2250.0), ("B200", 2250.0), ("GB200", 2250.0), ("H200", 989.0), ("H100 PCIe", 756.0)),
    *(
        ("H100", 989.0),
        ("H800", 989.0),
        ("A100", 312.0),
        ("A800", 312.0),
        ("L40S", 362.0),
        ("MI300X", 1307.0),
    ),
)


def flops_per_token(config: Any, parameters: int, length: int) -> float:
    """Forward and backward of one token, 6 N + 12 L H S (Chowdhery et al. 2022, appendix B).

    N leaves the input embedding out, which computes nothing, unless it is the output's too. Attention counts
    over the full row, as if nothing were masked: the usual convention, whatever documents a row holds.
    Recomputed activations do not count.
    """
    return _dense(config, parameters) + 12.0 * float(config.num_hidden_layers * _width(config) * length)


def attended_flops_per_token(config: Any, parameters: int, attended: float) -> float:
    """The same with attention as it is really computed: `attended` tokens are seen by a token on average.

    That is half a row where a row is one document, and less where it is many.
    """
    return _dense(config, parameters) + 12.0 * float(config.num_hidden_layers * _width(config)) * attended


def _dense(config: Any, parameters: int) -> float:
    embedding = 0 if config.tie_word_embeddings else config.vocab_size * config.hidden_size
    return 6.0 * float(parameters - embedding)


def _width(config: Any) -> int:
    """Query heads times their size."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(config.num_attention_heads * head)


def peak_flops(device: torch.device) -> float | None:
    """FLOP/s of one device in bf16 at best; None where it is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((1e12 * peak for part, peak in _PEAKS if part in name), None)
