"""The keys of `training/run.py`: one frozen dataclass, with one nested dataclass per subject."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option
from corpus.engine.errors import UserError


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """The learning rate as a function of tokens. Each stage is a run of its own and warms up again."""

    kind: str = option(
        "wsd holds the peak and then decays; cosine falls from the warm-up on",
        "wsd",
        choices=("wsd", "cosine"),
    )
    warmup: float = option(
        "tokens of linear warm-up; a value up to 1 is a share of the budget", 0.02, least=0
    )
    decay: float = option(
        "wsd: tokens of the final decay; a value up to 1 is a share of the budget", 0.2, least=0
    )
    shape: str = option("wsd: the curve of the decay", "1-sqrt", choices=("linear", "1-sqrt"))
    final: float = option("learning rate at the end, as a share of the peak", 0.0, least=0, most=1)


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """AdamW. Weight decay acts on matrices alone: not on norms, biases and embeddings."""

    lr: float = option("peak learning rate", 3e-4, least=0)
    beta1: float = option("decay of the first moment", 0.9, least=0, most=1)
    beta2: float = option("decay of the second moment", 0.95, least=0, most=1)
    eps: float = option("added to the root of the second moment", 1e-8, least=0)
    weight_decay: float = option("decoupled weight decay", 0.1, least=0)
    clip: float = option("largest gradient norm; 0 leaves gradients as they are", 1.0, least=0)


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    every: int = option(
        "steps between two checkpoints; the last step is always saved", 100, least=1, volatile=True
    )
    keep: int = option("finished checkpoints that are kept", 2, least=2, volatile=True)


@dataclass(frozen=True, kw_only=True)
class HeldoutConfig:
    path: str | None = option(
        "folder with one folder of Parquet per source; by default `heldout` beside `data`", None
    )
    every: int = option(
        "steps between two measurements; 0 measures at the start and the end alone", 0, least=0
    )
    rows: int = option("rows per source, the same ones each time; 0 measures nothing", 64, least=0)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One stage of training. `rows`, `length`, `seed` and the weights fix the order of all tokens."""

    data: str = option("shard set: a folder with one folder of Parquet files per source")
    model: str = option(
        "Hugging Face folder with safetensors, or one with config.json alone for a random start"
    )
    output: str = option("folder of the run: metrics.jsonl, checkpoints/, export/", volatile=True)
    tokenizer: str | None = option(
        "tokenizer folder; by default the one that the shards' manifest names", None
    )
    weights: dict[str, float] = option(
        "share of each source in tokens, in place of the manifest's; 0 leaves it out", {}
    )
    max_epochs: float | None = option(
        "refuse a plan that reads any source more often than this", None, least=0, volatile=True
    )
    tokens: int = option("tokens to train on, rounded up to whole steps", 1_000_000, least=1)
    rows: int = option("rows of one global batch; world size x micro_rows must divide it", 32, least=1)
    length: int = option("tokens of one row", 512, least=2)
    micro_rows: int = option("rows of one forward pass on one rank", 8, least=1, volatile=True)
    seed: int = option("seed of the order of the data and of a random start", 1, least=0)
    precision: str = option(
        "bf16 computes in bfloat16 over fp32 master weights", "fp32", choices=("fp32", "bf16")
    )
    device: str = option(
        "auto takes CUDA where there is one", "auto", choices=("auto", "cpu", "cuda"), volatile=True
    )
    compile: bool = option("compile each decoder layer", False, volatile=True)
    recompute: bool = option(
        "recompute activations in the backward pass to save memory", False, volatile=True
    )
    workers: int = option(
        "threads that read ahead; 0 reads in the training thread", 1, least=0, volatile=True
    )
    prefetch: int = option("steps that the readers may be ahead", 2, least=1, volatile=True)
    export_dtype: str = option("number format of the export", "float32", choices=("float32", "bfloat16"))
    schedule: ScheduleConfig = option("learning rate over tokens")
    optimiser: OptimiserConfig = option("AdamW")
    checkpoint: CheckpointConfig = option("when and how many", volatile=True)
    heldout: HeldoutConfig = option("loss on the held-out slice")

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if weight < 0:
                raise UserError(f"'weights.{name}' is {weight:g}; a weight is 0 or more.")
        warmup, decay = phase_tokens(self)
        if warmup + decay > self.tokens:
            raise UserError(
                f"warm-up ({warmup:,} tokens) and decay ({decay:,} tokens) "
                f"exceed the budget of {self.tokens:,} tokens; "
                "lower schedule.warmup or schedule.decay, or raise tokens."
            )

    @property
    def tokens_per_step(self) -> int:
        return self.rows * self.length

    @property
    def steps(self) -> int:
        return -(-self.tokens // self.tokens_per_step)


def phase_tokens(config: TrainConfig) -> tuple[int, int]:
    """Tokens of the warm-up and of the decay (0 for cosine, which decays all the way)."""
    schedule = config.schedule

    def tokens(value: float) -> int:
        return round(value * config.tokens) if value <= 1 else round(value)

    return tokens(schedule.warmup), tokens(schedule.decay) if schedule.kind == "wsd" else 0
