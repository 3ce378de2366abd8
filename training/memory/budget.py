"""Memory of one rank by kind, and which layers recompute so that it suffices; nothing is allocated for it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch

from corpus.engine.errors import UserError
from training.attention import backends
from training.config import TrainConfig
from training.memory.activations import Activations, measure
from training.memory.recompute import MODES
from training.precision.moments import state_bytes

GIB = 1 << 30
_USABLE = 0.94  # share of a device's memory: the rest goes to its context, to NCCL and to gaps


@dataclass(frozen=True)
class Memory:
    """Bytes of one rank, of the one that holds most. Together they bound the peak."""

    parameters: int  # fp32 master weights
    gradients: int  # fp32
    optimiser: int
    gathered: int  # whole weights of the layers at work, and their gradients before they are dealt out
    activations: int
    loss: int  # logits of a chunk, and gradients of the head

    @property
    def total(self) -> int:
        return sum(self.by_kind().values())

    def by_kind(self) -> dict[str, int]:
        return {field.name: int(getattr(self, field.name)) for field in fields(self)}

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {size / GIB:.2f}" for name, size in self.by_kind().items())
        return f"{self.total / GIB:.2f} GiB per rank: {parts}"


@dataclass(frozen=True)
class MemoryPlan:
    """What each layer does with its activations, and what it all comes to.

    `sync_each`: gradients are dealt out to the ranks after each micro-batch, and not held whole until the
    last.
    """

    memory: Memory
    modes: list[str]
    sync_each: bool

    def __str__(self) -> str:
        counts = [f"{self.modes.count(mode)} {mode}" for mode in MODES if mode in self.modes]
        return f"{self.memory}; layers that recompute: {', '.join(counts)}"


def device_bytes(device: torch.device) -> int | None:
    """What a run may use of a device; None on a CPU, where nothing is held back."""
    if device.type != "cuda":
        return None
    return int(torch.cuda.get_device_properties(device).total_memory * _USABLE)


def plan_memory(
    config: TrainConfig, source: Any, ranks: int, *, on_cuda: bool, available: int | None
) -> MemoryPlan:
    """The plan that recomputes least within `available` bytes. Raises UserError where none fits.

    `source` is the ModelSource; nothing is allocated.
    """
    sizes = _Sizes.of(config, source, on_cuda=on_cuda)
    micro_batches = config.rows // (ranks * config.micro_rows)
    whole = micro_batches > 1 and ranks > 1
    plans = [_plan(config, sizes, ranks, sync_each=False, whole=whole, available=available)]
    if on_cuda and micro_batches > 1:
        # One rank deals out to itself alone, at no cost. Several pay in traffic for what they save in memory.
        dealt = _plan(config, sizes, ranks, sync_each=True, whole=False, available=available)
        plans = [dealt] if ranks == 1 else [*plans, dealt]
    fitting = [plan for plan in plans if available is None or plan.memory.total <= available]
    if not fitting:
        raise UserError(_does_not_fit(plans[-1].memory, available or 0, config, ranks))
    return fitting[0]


def plan_for(config: TrainConfig, source: Any, ranks: int, device: torch.device) -> MemoryPlan:
    """The plan of a run on this device. Raises UserError where it does not fit."""
    return plan_memory(config, source, ranks, on_cuda=device.type == "cuda", available=device_bytes(device))


def memory_per_rank(config: TrainConfig, source: Any, ranks: int, *, on_cuda: bool) -> Memory:
    """The breakdown for one rank with the recomputation that the config names (auto: none)."""
    return plan_memory(config, source, ranks, on_cuda=on_cuda, available=None).memory


@dataclass(frozen=True)
class _Sizes:
    """Shapes and activations of a model, which no number of ranks changes."""

    shapes: list[torch.Size]
    layers: list[int]  # parameters of each
    activations: Activations
    width: int  # bytes of a number in the computation
    head: torch.Size

    @classmethod
    def of(cls, config: TrainConfig, source: Any, *, on_cuda: bool) -> _Sizes:
        from training.model import decoder_layers, empty, model_class

        bf16 = config.precision == "bf16"
        device = torch.device("cuda" if on_cuda else "cpu")
        backend = backends.choose(config.attention, model_class(source), source.config, device, bf16=bf16)
        dtype = torch.bfloat16 if bf16 else torch.float32
        model = empty(source)
        layers = decoder_layers(model)
        head = model.get_output_embeddings().weight.shape
        return cls(
            shapes=[parameter.shape for parameter in model.parameters()],
            layers=[sum(p.numel() for p in layer.parameters()) for layer in layers],
            activations=measure(source, backend, dtype, config.micro_rows, config.length),
            width=dtype.itemsize,
            head=head,
        )

    def rows(self, shape: torch.Size, ranks: int) -> int:
        """Rows of a parameter on the first rank; the others hold as many or fewer, padded to as many."""
        return -(-shape[0] // ranks)

    def shard(self, ranks: int) -> int:
        return sum(self.rows(shape, ranks) * shape[1:].numel() for shape in self.shapes)

    def gathered(self) -> int:
        """All weights outside the layers, those of two layers, and the gradients of one on their way."""
        count = sum(shape.numel() for shape in self.shapes)
        outside, layer = count - sum(self.layers), max(self.layers, default=0)
        return self.width * (outside + 2 * layer) + (self.width + 4) * max(outside, layer)

    def loss(self, config: TrainConfig) -> int:
        tokens = config.micro_rows * config.length
        chunk = min(config.loss_chunk or tokens, tokens)
        logits = chunk * self.head[0] * (2 * self.width + 2 * 4)
        return logits + self.head.numel() * (4 + self.width) + tokens * self.head[1] * self.width


def _plan(
    config: TrainConfig, sizes: _Sizes, ranks: int, *, sync_each: bool, whole: bool, available: int | None
) -> MemoryPlan:
    shard = 4 * sizes.shard(ranks)
    held = 4 * sum(shape.numel() for shape in sizes.shapes) if whole else 0
    optimiser = sum(
        state_bytes(shape, sizes.rows(shape, ranks), config.optimiser.state) for shape in sizes.shapes
    )
    fixed = Memory(shard, shard + held, optimiser, sizes.gathered(), 0, sizes.loss(config))
    given = config.activation_gib
    room = int(given * GIB) if given is not None else None if available is None else available - fixed.total
    modes = _modes(config, sizes.activations, room)
    kinds = {**fixed.by_kind(), "activations": sizes.activations.peak(modes)}
    return MemoryPlan(Memory(**kinds), modes, sync_each)


def _modes(config: TrainConfig, activations: Activations, room: int | None) -> list[str]:
    """As little recomputation as the room allows: first some layers selective, then some full.

    The first layers give way: when the backward pass comes to compute them again, all others are gone.
    """
    count = len(activations.none)
    if config.recompute != "auto":
        return [config.recompute] * count
    if room is None:
        return ["none"] * count
    for less, more in (("none", "selective"), ("selective", "full")):
        for changed in range(count + 1):
            modes = [more] * changed + [less] * (count - changed)
            if activations.peak(modes) <= room:
                return modes
    return ["full"] * count


def _does_not_fit(memory: Memory, available: int, config: TrainConfig, ranks: int) -> str:
    smaller = [
        "lower micro_rows" if config.micro_rows > 1 else "lower length",
        *(["precision=bf16"] if config.precision == "fp32" else []),
        *(["optimiser.state=bf16 or 8bit"] if config.optimiser.state == "fp32" else []),
        *(["optimiser.state=8bit"] if config.optimiser.state == "bf16" else []),
        "more ranks",
    ]
    return (
        f"this run does not fit on {ranks} rank(s) with {available / GIB:.1f} GiB each: it needs {memory}; "
        f"give {', '.join(smaller[:-1])} or {smaller[-1]}."
    )
