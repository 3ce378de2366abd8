"""The training loop: one command starts and resumes a run, measures, saves, and exports at the end."""

from __future__ import annotations

import hashlib
import math
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corpus.engine.config import to_dict
from corpus.engine.errors import DataError
from corpus.engine.manifest import versions
from corpus.engine.progress import Progress
from training import heldout
from training.arrays import Int32
from training.checkpoint import CheckpointStore
from training.loader import Batch, Loader, LoaderState
from training.loss import token_loss_sum
from training.metrics import MetricsLog
from training.model import build_model, tensors_of
from training.optimiser import Optimiser
from training.packing import isolation_mask, labels_of
from training.parallel import World
from training.plan import Plan, check_division, check_fingerprint
from training.schedule import learning_rate

EXIT_REQUEUE = 75  # sysexits' EX_TEMPFAIL: stopped by SIGTERM with a checkpoint; the same command goes on


class Trainer:
    """One run on one rank. The same steps happen on every rank, in the same order."""

    def __init__(self, plan: Plan, world: World, say: Callable[[str], None]) -> None:
        self.plan, self.config, self.world, self.say = plan, plan.config, world, say
        check_division(self.config, world.size)
        self.output = Path(self.config.output)
        self.store = CheckpointStore(self.output / "checkpoints", world, self.config.checkpoint.keep, say)
        self.resumed = self.store.newest()
        self.fingerprint = plan.fingerprint()  # of the inputs as they were when this process began
        if self.resumed:
            check_fingerprint(self.resumed.folder, self.resumed.state["fingerprint"], self.fingerprint)
            self.state = LoaderState.from_json(self.resumed.state["loader"])
        else:
            self.state = LoaderState.start(len(plan.shards.sources), self.config.rows)
        self.step = self.state.step
        self.model: Any = build_model(self.config, plan.model, world, fill=not self.resumed)
        self.optimiser = Optimiser(self.model, self.config.optimiser, self.step)
        if self.resumed:
            self.resumed.load(self._tensors(), world)
        self.heldout = heldout.open_heldout(self.config, plan.tokenizer, plan.model.config.vocab_size)
        self.log: MetricsLog | None = None
        self._stop = False

    def run(self) -> None:
        """Train to the budget.

        Raises SystemExit with EXIT_REQUEUE after SIGTERM, with a checkpoint on disk.
        """
        self._open_log()
        before = signal.signal(signal.SIGTERM, self._on_sigterm)
        try:
            with self._loader() as loader, Progress("training") as progress:
                if not self.resumed:
                    self._measure()
                while self.step < self.config.steps:
                    self._next(loader, progress)
        finally:
            signal.signal(signal.SIGTERM, before)
            if self.log:
                self.log.close()

    def _next(self, loader: Loader, progress: Progress) -> None:
        started = time.perf_counter()
        batch = loader.next()
        shares = self.world.gather((self._stop, int(np.count_nonzero(batch.positions)), batch.digests()))
        if any(stop for stop, _, _ in shares):
            self.save()
            self.say(f"stopped by SIGTERM; step {self.step} is saved and the same command goes on.")
            raise SystemExit(EXIT_REQUEUE)
        valid = sum(count for _, count, _ in shares)
        loss, norm, lr = self._train(batch, valid)
        self.step, self.state = self.step + 1, batch.state
        seconds = time.perf_counter() - started
        digests = [digest for _, _, part in shares for digest in part]
        self._log_step(digests, loss=loss, valid_tokens=valid, lr=lr, grad_norm=norm, seconds=seconds)
        progress.update(self.step, self.config.steps, f"loss {loss:.3f}")
        last = self.step == self.config.steps
        if self.heldout and (
            last or (self.config.heldout.every and self.step % self.config.heldout.every == 0)
        ):
            self._measure()
        if last or self.step % self.config.checkpoint.every == 0:
            self.save()

    def _train(self, batch: Batch, valid: int) -> tuple[float, float, float]:
        """One optimiser step; returns loss, gradient norm and learning rate.

        The weights stay as they are if a gradient is not finite.
        """
        # Random numbers (dropout) are a function of seed, step and rank, so no generator has to be saved.
        torch.manual_seed((self.config.seed << 40) ^ (self.step << 16) ^ self.world.rank)
        lr = learning_rate(self.config, (self.step + 1) * self.config.tokens_per_step)
        total, micro = 0.0, self.config.micro_rows
        starts = range(0, len(batch.ids), micro)
        for start in starts:
            self.model.set_requires_gradient_sync(start == starts[-1])
            summed = self._forward(batch.ids[start : start + micro], batch.positions[start : start + micro])
            torch.autograd.backward(summed / max(valid, 1))
            total += summed.item()
        loss = sum(self.world.gather(total)) / max(valid, 1)
        norm = self.optimiser.clip()
        if not math.isfinite(norm) or not math.isfinite(loss):
            raise DataError(
                f"step {self.step + 1}: loss {loss} with a gradient norm of {norm}; the weights were "
                "not changed. Look at the documents of this step, or lower optimiser.lr in a new output "
                "folder; the same command goes on from the last checkpoint."
            )
        self.optimiser.step(lr)
        self.optimiser.zero()
        return loss, norm, lr

    def _forward(self, ids: Int32, positions: Int32) -> Tensor:
        """Summed loss of some rows, documents isolated.

        The cache is off: with it, packed documents see each other.
        """
        device = self.world.device
        tokens = torch.from_numpy(ids).to(device, torch.long, non_blocking=True)
        places = torch.from_numpy(positions).to(device, torch.long, non_blocking=True)
        mask = isolation_mask(places)
        logits = self.model(
            input_ids=tokens, position_ids=places, attention_mask=mask, use_cache=False
        ).logits
        return token_loss_sum(logits, labels_of(tokens, places))

    def _measure(self) -> None:
        def forward(ids: Int32, positions: Int32) -> tuple[float, int]:
            return self._forward(ids, positions).item(), int(np.count_nonzero(positions))

        self.model.eval()
        with torch.no_grad():
            for source in self.heldout:
                row = heldout.measure(source, self.config, self.world, forward)
                if self.log:
                    self.log.write({"event": "eval", "step": self.step, **row})
                self.say(f"held-out loss of {source.name} at step {self.step}: {row['loss']:.4f}")
        # Without a backward pass the root keeps its gathered parameters, which are no memory to save from.
        self.model.reshard()
        self.model.train()

    def save(self) -> None:
        """Publish a checkpoint of this step, unless the run stands on one."""
        if self.resumed and self.resumed.step == self.step:
            return
        slots = self._slots()
        cursors = np.concatenate(self.world.gather(self.state.cursors[:, slots.start : slots.stop]), axis=1)
        if self.log:
            self.log.sync()
        state = {
            "loader": replace(self.state, cursors=cursors).to_json(),
            "fingerprint": self.fingerprint,
            "source_tokens": self.source_tokens(),
            "world_size": self.world.size,
            "config": to_dict(self.config),
            "versions": versions(),
        }
        self.store.save(self.step, self._tensors(), state)

    def source_tokens(self) -> dict[str, int]:
        counts = (self.state.counts * self.config.length).tolist()
        return dict(zip(self.plan.shards.names, counts, strict=True))

    def _log_step(self, digests: list[bytes], **values: float) -> None:
        if self.log is None:
            return
        seconds = values.pop("seconds")
        row = {
            "event": "step",
            "step": self.step,
            "loss": values.pop("loss"),
            "tokens": self.step * self.config.tokens_per_step,
        }
        rate = round(self.config.tokens_per_step / seconds, 1)
        row.update(
            token_hash=hashlib.blake2b(b"".join(digests), digest_size=16).hexdigest(),
            **values,
            tokens_per_second=rate,
            source_tokens=self.source_tokens(),
        )
        self.log.write(row)

    def _open_log(self) -> None:
        self.log = MetricsLog(self.output / "metrics.jsonl") if self.world.first else None
        if self.log:
            self.log.cut(self.step if self.resumed else -1)

    def _loader(self) -> Loader:
        config = self.config
        return Loader(
            self.plan.shards, self.plan.tokenizer, rows=config.rows, length=config.length, seed=config.seed,
            vocabulary=self.plan.model.config.vocab_size, slots=self._slots(), state=self.state,
            workers=config.workers, prefetch=config.prefetch,
        )  # fmt: skip

    def _slots(self) -> range:
        """The slots of the global batch that this rank serves."""
        mine = self.config.rows // self.world.size
        return range(self.world.rank * mine, (self.world.rank + 1) * mine)

    def _on_sigterm(self, _number: int, _frame: FrameType | None) -> None:
        self._stop = True

    def _tensors(self) -> dict[str, Tensor]:
        return {**tensors_of(self.model), **self.optimiser.tensors()}
