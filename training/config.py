"""The keys of `training/run.py`: one frozen dataclass, with one nested dataclass per subject."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import option
from corpus.engine.errors import UserError
from training.benchmark.config import BenchmarkConfig
from training.data.stores.config import StoreConfig


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
    state: str = option(
        "number format of the moments: 8, 4 or 2 bytes per parameter",
        "fp32",
        choices=("fp32", "bf16", "8bit"),
    )


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    every: int = option(
        "steps between two checkpoints; the last step is always saved", 100, least=1, volatile=True
    )
    keep: int = option("newest checkpoints that are kept", 2, least=2, volatile=True)
    keep_every: int = option(
        "tokens between checkpoints that are saved and never removed; 0 makes none", 0, least=0, volatile=True
    )


@dataclass(frozen=True, kw_only=True)
class HeldoutConfig:
    path: str | None = option(
        "folder with one folder of Parquet per source; by default `heldout` beside `data`", None
    )
    every: int = option(
        "tokens between two measurements; 0 measures at the start and the end alone", 0, least=0
    )
    rows: int = option("rows per source, the same ones each time; 0 measures nothing", 64, least=0)


@dataclass(frozen=True, kw_only=True)
class BenchmarksConfig:
    """Loss on the gold answers of benchmarks; it changes nothing in the run."""

    data: dict[str, BenchmarkConfig] = option(
        "benchmarks by name: benchmarks.data.NAME.path=FILE", {}, volatile=True
    )
    every: int = option(
        "tokens between two measurements; 0 measures at the start and the end alone",
        0,
        least=0,
        volatile=True,
    )
    template: str = option(
        "plain labels who speaks; chat takes the tokenizer's chat template",
        "plain",
        choices=("plain", "chat"),
        volatile=True,
    )


@dataclass(frozen=True, kw_only=True)
class SpikeConfig:
    """What is done about a step whose loss or gradient norm lies far above those before it."""

    action: str = option("skip drops the step's update and logs it", "skip", choices=("skip", "log", "off"))
    sigma: float = option("standard deviations above the mean that make a spike", 6.0, least=1)
    window: int = option("latest steps that mean and deviation are taken over", 128, least=16)
    norm_margin: float = option(
        "limits of the gradient norm are at least this share above the mean", 1.0, least=0
    )


@dataclass(frozen=True, kw_only=True)
class LogConfig:
    """What is told of a run beside metrics.jsonl, which has a row for each step in any case."""

    every: int = option(
        "steps whose figures are fetched from the device together; more wait less for it",
        1,
        least=1,
        volatile=True,
    )
    tensorboard: bool = option("write event files to OUTPUT/tensorboard", False, volatile=True)
    wandb: str | None = option("project of Weights & Biases to report to", None, volatile=True)
    wandb_mode: str = option(
        "offline keeps the reports in OUTPUT/wandb", "online", choices=("online", "offline"), volatile=True
    )
    peak_tflops: float | None = option(
        "what one device computes at best, for MFU; by default from the device's name, none on a CPU",
        None,
        least=0,
        volatile=True,
    )


@dataclass(frozen=True, kw_only=True)
class PlanConfig:
    """What --dry-run is to assume of the machines; by default what it finds."""

    ranks: int | None = option("number of ranks", None, least=1, volatile=True)
    memory: float | None = option(
        "GiB that a rank may use of its device; by default what the device found has",
        None,
        least=0,
        volatile=True,
    )
    mfu: float = option(
        "share of the peak that is reached, for the hours", 0.4, least=0, most=1, volatile=True
    )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One stage of training. `rows`, `length`, `seed` and the weights fix the order of all tokens."""

    data: str = option("shard set: a folder with one folder of Parquet files per source")
    model: str = option(
        "Hugging Face folder with safetensors, one with config.json alone for a random start, "
        "or a checkpoint of another run"
    )
    output: str = option("folder of the run: metrics.jsonl, checkpoints/, export/", volatile=True)
    carry_optimiser: bool = option(
        "where `model` is a checkpoint of another run: begin with its optimiser state, not with none", False
    )
    tokenizer: str | None = option(
        "tokenizer folder; by default the one that the shards' manifest names", None
    )
    weights: dict[str, float] = option(
        "share of each source in tokens, in place of the manifest's; 0 leaves it out", {}
    )
    repeat: dict[str, float] = option(
        "most passes over a source: behind them its tokens come from the others; repeat.NAME=2.5", {}
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
    attention: str = option(
        "how documents of a row are kept apart; auto: segments on a CPU, varlen or flex on CUDA, "
        "mask for models with an attention of their own",
        "auto",
        choices=("auto", "segments", "varlen", "flex", "mask"),
        volatile=True,
    )
    compile: bool = option("compile each decoder layer", False, volatile=True)
    recompute: str = option(
        "activations that the backward pass computes again: auto takes as few as memory allows, "
        "selective all but matrix products and attention, full all but each layer's input",
        "auto",
        choices=("auto", "none", "selective", "full"),
        volatile=True,
    )
    activation_gib: float | None = option(
        "memory that recompute=auto may fill with activations, per rank; "
        "by default what a CUDA device has left",
        None,
        least=0,
        volatile=True,
    )
    loss_chunk: int = option(
        "tokens whose logits exist at the same time; 0 makes all of a micro-batch",
        2048,
        least=0,
        volatile=True,
    )
    z_loss: float = option(
        "weight of the squared logsumexp of the logits, which keeps them small", 0.0, least=0
    )
    float8: bool = option("matrix products of the layers in float8; needs CUDA of Ada or Hopper", False)
    workers: int = option(
        "threads that read ahead; 0 reads in the training thread", 1, least=0, volatile=True
    )
    prefetch: int = option("steps that the readers may be ahead", 2, least=1, volatile=True)
    export_dtype: str = option("number format of the export", "float32", choices=("float32", "bfloat16"))
    store: StoreConfig = option("shards on s3:// and http(s)://", volatile=True)
    schedule: ScheduleConfig = option("learning rate over tokens")
    optimiser: OptimiserConfig = option("AdamW")
    checkpoint: CheckpointConfig = option("when and how many", volatile=True)
    heldout: HeldoutConfig = option("loss on the held-out slice")
    benchmarks: BenchmarksConfig = option("loss on benchmarks", volatile=True)
    spikes: SpikeConfig = option("steps whose loss or gradient norm runs away")
    log: LogConfig = option("what is told of the run", volatile=True)
    plan: PlanConfig = option("what --dry-run assumes", volatile=True)

    def __post_init__(self) -> None:
        if "://" in self.output:
            raise UserError(
                f"output={self.output} is an address; "
                "checkpoints need a folder on a file system that all hosts share."
            )
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

    def reaches(self, tokens: int, step: int) -> bool:
        """Whether this step is the first at or behind a multiple of `tokens`; never for 0."""
        end = step * self.tokens_per_step
        return bool(tokens) and step > 0 and end // tokens > (end - self.tokens_per_step) // tokens


def phase_tokens(config: TrainConfig) -> tuple[int, int]:
    """Tokens of the warm-up and of the decay (0 for cosine, which decays all the way)."""
    schedule = config.schedule

    def tokens(value: float) -> int:
        return round(value * config.tokens) if value <= 1 else round(value)

    return tokens(schedule.warmup), tokens(schedule.decay) if schedule.kind == "wsd" else 0
