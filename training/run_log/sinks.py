"""Other places that rows of metrics.jsonl go to, off by default: TensorBoard and Weights & Biases."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from corpus.engine.config import to_dict
from corpus.engine.errors import UserError
from training.config import LogConfig, TrainConfig


class Sink(Protocol):
    def write(self, row: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


def check_sinks(config: LogConfig) -> None:
    """Raises UserError where a package is asked for that is not there; better now than after hours."""
    for wanted, package in ((config.tensorboard, "tensorboard"), (config.wandb, "wandb")):
        if wanted and importlib.util.find_spec(package) is None:
            raise UserError(
                f"log.{package} needs the package {package}: pip install {package}, or leave the key out."
            )


def open_sinks(config: TrainConfig, step: int) -> list[Sink]:
    """The sinks of a run that stands at `step`; rows behind it, of a process that died, are written over."""
    sinks: list[Sink] = []
    if config.log.tensorboard:
        sinks.append(_TensorBoard(Path(config.output) / "tensorboard", step))
    if config.log.wandb:
        sinks.append(_Wandb(config))
    return sinks


class _TensorBoard:
    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1)

    def write(self, row: Mapping[str, Any]) -> None:
        for name, value in scalars(row):
            self._writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    """One run per output folder: what is resumed goes on in the same chart."""

    def __init__(self, config: TrainConfig) -> None:
        import wandb

        output = Path(config.output).resolve()
        init: Any = wandb.init
        self._run: Any = init(
            project=config.log.wandb, mode=config.log.wandb_mode, dir=str(output), config=to_dict(config),
            id=hashlib.sha256(str(output).encode()).hexdigest()[:16], name=output.name, resume="allow",
        )  # fmt: skip

    def write(self, row: Mapping[str, Any]) -> None:
        self._run.log(dict(scalars(row)), step=row["step"])

    def close(self) -> None:
        self._run.finish()


def scalars(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a row under the names of charts: train/loss, tokens/agent, heldout/agent/loss."""
    event = row.get("event")
    place = {"step": "train", "eval": f"heldout/{row.get('source')}"}.get(str(event), str(event))
    if event == "benchmark":
        place = f"benchmark/{row.get('benchmark')}/{row.get('category')}"
    for key, value in row.items():
        if key == "source_tokens":
            yield from ((f"tokens/{source}", float(count)) for source, count in value.items())
        elif isinstance(value, (int, float)) and key != "step":
            yield f"{place}/{key}", float(value)
