"""What a micro-batch leaves in memory for its backward pass, by layer, found by running it without memory.

The model runs on the device `meta`, where tensors have shapes and no values, under autograd: what autograd
saves is what it would save on a real device, for any architecture. That is exact for uncompiled layers.
Compiled ones save less, for the compiler fuses and recomputes by itself, so it is a bound for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from training.attention import backends
from training.attention.layout import Layout
from training.memory.recompute import Keeper


@dataclass(frozen=True)
class Activations:
    """Bytes per layer under each mode, and those saved outside of the layers (embedding, last norm)."""

    none: list[int]
    selective: list[int]
    full: list[int]
    outside: int

    def of(self, layer: int, mode: str) -> int:
        found: int = getattr(self, mode)[layer]
        return found

    def peak(self, modes: list[str]) -> int:
        """The most that is held at a time: what layers up to one have saved, and that one computed anew."""
        held, peak = 0, 0
        for layer, mode in enumerate(modes):
            held += self.of(layer, mode)
            again = self.none[layer] - self.of(layer, mode) if mode != "none" else 0
            peak = max(peak, held + max(again, 0))
        return peak + self.outside


# Kernels that choose by what the device has cannot be asked on `meta`; these keep the same tensors.
_STAND_INS = {"flex": "varlen", "mask": "segments"}


def measure(source: Any, backend: str, dtype: torch.dtype, rows: int, length: int) -> Activations:
    """Run the model of a ModelSource, computing in `dtype`, on rows [rows, length] of whole documents."""
    from training.model import decoder_layers, empty

    stand_in = _STAND_INS.get(backend, backend)
    model = empty(source, backend=stand_in, dtype=dtype).train()
    layers = decoder_layers(model)
    positions = np.tile(np.arange(length, dtype=np.int32), (rows, 1))
    device = torch.device("meta")
    given = backends.arguments(stand_in, Layout.of(positions), device)
    ids = torch.from_numpy(positions).to(device, torch.long)
    with SavedTensors(model, layers) as saved, _Kept(layers) as kept:
        model.base_model(input_ids=ids, position_ids=ids, use_cache=False, **given)
    mask = rows * length**2 * dtype.itemsize if backend == "mask" else 0  # a copy in numbers, for each layer
    return Activations(
        none=[size + mask for size in saved.bytes[:-1]],
        selective=[hidden + results for hidden, results in zip(saved.inputs, kept.bytes)],
        full=saved.inputs,
        outside=saved.bytes[-1],
    )


class SavedTensors:
    """Counts the bytes that autograd saves, by layer; the last count is of what is outside of layers.

    A storage counts once, for who saved it first; parameters do not count.
    """

    def __init__(self, model: nn.Module, layers: list[nn.Module]) -> None:
        self._layers = layers
        self._known = {_key(tensor): tensor for tensor in [*model.parameters(), *model.buffers()]}
        self.bytes, self.inputs, self._now = [0] * (len(layers) + 1), [0] * len(layers), -1
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor)
        self._handles: list[Any] = []

    def __enter__(self) -> SavedTensors:
        self._handles = list(_track(self._layers, self._enter_layer, self._leave_layer))
        self._hooks.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._hooks.__exit__(*error)
        for handle in self._handles:
            handle.remove()

    def _enter_layer(self, number: int, hidden: Tensor, shared: list[Tensor]) -> None:
        self._now = -1
        for tensor in shared:  # rotations and masks, which all layers are given, are nobody's
            self._pack(tensor)
        self._now, self.inputs[number] = number, hidden.numel() * hidden.element_size()

    def _leave_layer(self) -> None:
        self._now = -1

    def _pack(self, tensor: Tensor) -> Tensor:
        key = _key(tensor)
        if key not in self._known:
            self._known[key] = tensor  # held, so that no other storage gets the same key
            self.bytes[self._now] += tensor.untyped_storage().nbytes()
        return tensor


class _Kept(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the results that a selective layer keeps."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = [0] * len(layers)
        self._keeper: Keeper | None = None
        self._number = 0
        self._handles = list(_track(layers, self._enter_layer, self._leave_layer))

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for handle in self._handles:
            handle.remove()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if self._keeper is not None and self._keeper.keeps(func):
            tensors = found if isinstance(found, (tuple, list)) else [found]
            self.bytes[self._number] += sum(
                t.numel() * t.element_size() for t in tensors if isinstance(t, Tensor)
            )
        return found

    def _enter_layer(self, number: int, _hidden: Tensor, _shared: list[Tensor]) -> None:
        self._number, self._keeper = number, Keeper()

    def _leave_layer(self) -> None:
        self._keeper = None


def _track(layers: list[nn.Module], enter: Any, leave: Any) -> Iterator[Any]:
    for number, layer in enumerate(layers):

        def before(_module: nn.Module, args: Any, given: Any, number: int = number) -> None:
            hidden, *shared = [t for t in tree_leaves((args, given)) if isinstance(t, Tensor)]
            enter(number, hidden, shared)

        yield layer.register_forward_pre_hook(before, with_kwargs=True)
        yield layer.register_forward_hook(lambda *_: leave())


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
