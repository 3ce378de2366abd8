"""Between the steps, whose figures are on the device, and the log, which wants them as numbers.

Steps wait here until `flush` fetches their figures together: a fetch waits for the device to finish, and a
device that is never waited for is never idle.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from corpus.engine.progress import Progress
from training.data.loader import Batch
from training.run_log.metrics import MetricsLog
from training.run_log.sinks import Sink
from training.run_log.speed import Speed
from training.safety.spikes import SpikeGuard
from training.step import StepResult


@dataclass(frozen=True)
class StepFacts:
    """What the host knows of a step without asking the device."""

    step: int
    tokens: int
    valid_tokens: int
    lr: float
    digests: Sequence[bytes]  # of all rows of the global batch, in order
    source_tokens: Mapping[str, int]
    batch: Batch

    def token_hash(self) -> str:
        return hashlib.blake2b(b"".join(self.digests), digest_size=16).hexdigest()


@dataclass
class Recorder:
    """Judges and logs steps. It runs on all ranks and decides alike on them; only rank 0 has a `log`.

    `not_finite` is called with the first bad step, and raises.
    """

    spikes: SpikeGuard
    speed: Speed
    not_finite: Callable[[StepFacts, float, float], NoReturn]
    say: Callable[[str], None]
    updates: int  # steps whose update was not dropped
    total_steps: int
    log: MetricsLog | None = None
    sinks: list[Sink] = field(default_factory=list)
    progress: Progress | None = None
    _waiting: list[tuple[StepFacts, StepResult]] = field(default_factory=list)

    def add(self, facts: StepFacts, result: StepResult) -> None:
        self.speed.step()
        self._waiting.append((facts, result))

    def flush(self, waited: float) -> None:
        """Fetch, judge and log all steps that wait. `waited`: seconds of waiting for the loader in all."""
        if not self._waiting:
            return
        figures = [result.read() for _, result in self._waiting]
        speed = self.speed.read(waited)
        for (facts, _), found in zip(self._waiting, figures):
            self._judge(facts, found, speed)
        self._waiting.clear()

    def write(self, row: Mapping[str, Any]) -> None:
        """A row of any event, to all places."""
        if self.log:
            self.log.write(row)
        for sink in self.sinks:
            sink.write(row)

    def sync(self) -> None:
        if self.log:
            self.log.sync()

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()
        if self.log:
            self.log.close()

    def _judge(self, facts: StepFacts, found: Mapping[str, float], speed: Mapping[str, Any]) -> None:
        loss, norm, skipped = found["loss"], found["grad_norm"], bool(found["skipped"])
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.not_finite(facts, loss, norm)
        if self.spikes.is_spike(facts.step, loss, norm):
            self._tell_spike(facts, loss, norm, skipped=skipped)
        self.spikes.add(facts.step, loss, norm)
        self.updates += not skipped
        self.write(
            {
                "event": "step", "step": facts.step, "loss": loss, "tokens": facts.tokens,
                "token_hash": facts.token_hash(), "valid_tokens": facts.valid_tokens, "lr": facts.lr,
                "grad_norm": norm, "skipped": skipped, **speed, "source_tokens": dict(facts.source_tokens),
            }
        )  # fmt: skip
        if self.progress:
            self.progress.update(facts.step, self.total_steps, _note(loss, norm, facts.lr, speed))

    def _tell_spike(self, facts: StepFacts, loss: float, norm: float, *, skipped: bool) -> None:
        limits = self.spikes.limits(facts.step)
        assert limits is not None
        done = "its update was dropped" if skipped else "its update was made"
        self.say(
            f"spike at step {facts.step}: loss {loss:.4g} (limit {limits.loss:.4g}), "
            f"gradient norm {norm:.4g} (limit {limits.grad_norm:.4g}); {done}."
        )
        self.write(
            {
                "event": "spike", "step": facts.step, "skipped": skipped, "loss": loss, "grad_norm": norm,
                "loss_limit": limits.loss, "grad_norm_limit": limits.grad_norm,
            }
        )  # fmt: skip


def _note(loss: float, norm: float, lr: float, speed: Mapping[str, Any]) -> str:
    mfu = f", MFU {speed['mfu']:.1%}" if speed["mfu"] is not None else ""
    return (
        f"loss {loss:.3f}, norm {norm:.2f}, lr {lr:.2e}, {speed['tokens_per_second']:,.0f} tokens/s{mfu}, "
        f"data wait {speed['data_wait']:.1%}, {speed['memory_gib']:.1f} GiB"
    )
