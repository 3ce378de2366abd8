"""The training loop: what happens at each step, in order. One command starts and resumes it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from torch import Tensor

from corpus.engine.config import to_dict
from corpus.engine.errors import DataError, UserError
from corpus.engine.manifest import versions
from training.checkpoints.folders import MODEL, STATE
from training.checkpoints.reading import Checkpoint, checkpoint_in
from training.checkpoints.store import CheckpointStore
from training.data.loader import Batch, Loader, LoaderState
from training.history import history_in
from training.measure import Measurements, describe
from training.model import build_model, config_json, tensors_of
from training.optimiser import Optimiser
from training.parallel import World
from training.plan import Plan, check_division, check_fingerprint
from training.run_log.opening import recording
from training.run_log.recorder import Recorder, StepFacts
from training.safety.blame import Rows, blame, labels_of
from training.safety.spikes import LAG, SpikeGuard
from training.schedule import learning_rate
from training.signals import EXIT_REQUEUE, Stop
from training.step import TrainStep


class Word(NamedTuple):
    """What each rank tells all others before a step, so that they decide alike."""

    stop: bool
    fault: str | None  # of the checkpoint that is being written
    valid_tokens: int
    digests: list[bytes]


class Trainer:
    """One run on one rank. The same steps happen on every rank, in the same order."""

    def __init__(
        self, plan: Plan, world: World, say: Callable[[str], None], stop: Stop | None = None
    ) -> None:
        self.plan, self.config, self.world, self.say = plan, plan.config, world, say
        check_division(self.config, world.size)
        self.output = Path(self.config.output)
        self.store = CheckpointStore(self.output / "checkpoints", world, self.config.checkpoint.keep, say)
        self.resumed = self.store.newest()
        self.fingerprint = plan.fingerprint()  # of the inputs as they were when this process began
        if self.resumed:
            check_fingerprint(self.resumed.folder, self.resumed.state["fingerprint"], self.fingerprint)
        origin = self.resumed or checkpoint_in(plan.model.weights, world)
        self._begin(self.resumed.state if self.resumed else None)
        self._build(origin, carried=bool(self.resumed) or self.config.carry_optimiser)
        self.work = TrainStep(self.model, self.optimiser, self.config, world, say)
        self.measurements = Measurements(plan, self.work, world)
        self._saved_step = self.step if self.resumed else -1
        self._stop = stop or Stop()

    def _begin(self, saved: Any) -> None:
        """Where the run stands: at its start, or where a checkpoint's state says."""
        config = self.config
        start = LoaderState.start(len(self.plan.shards.sources), config.rows)
        self.state = LoaderState.from_json(saved["loader"]) if saved else start
        self.step = self.state.step
        self.spikes = SpikeGuard(config.spikes, saved["spikes"] if saved else ())

    def _build(self, origin: Checkpoint | None, *, carried: bool) -> None:
        """Model and optimiser, from a checkpoint of this run or another, or as the plan's model says."""
        self.model: Any = build_model(self.config, self.plan.model, self.world, fill=origin is None)
        updates = origin.state["updates"] if origin and carried else 0
        self.optimiser = Optimiser(self.model, self.config.optimiser, updates, compile=self.config.compile)
        self._updates = updates
        if origin:
            origin.load(self.tensors() if carried else tensors_of(self.model), self.world)

    def run(self) -> None:
        """Train to the budget.

        Raises SystemExit with EXIT_REQUEUE after a stop signal, with a checkpoint on disk.
        """
        with self._loader() as loader, self._recording() as recorder:
            if not self.resumed:
                self._measure(recorder)
            try:
                while self.step < self.config.steps:
                    self._next(loader, recorder)
                self._tell_left_out(loader, recorder)
                self.store.wait()
            finally:
                self.store.close()

    def _next(self, loader: Loader, recorder: Recorder) -> None:
        batch = loader.next()
        word = Word(self._stop.asked, self.store.fault(), batch.targets(), batch.digests())
        words = self.world.gather(word)
        if faults := [word.fault for word in words if word.fault]:
            self.store.wait()  # raises it where it is known in full
            raise UserError(faults[0])
        if any(word.stop for word in words):
            self._leave(recorder, loader)
        self._train(batch, words, recorder)
        config, step = self.config, self.step
        permanent = config.reaches(config.checkpoint.keep_every, step)
        saves = permanent or step == config.steps or step % config.checkpoint.every == 0
        measures = self.measurements.are_due(step)
        if saves or measures or step % config.log.every == 0 or step % LAG == 0:
            recorder.flush(loader.waited)
        if measures:
            self._measure(recorder)
        if saves:
            self.save(recorder, permanent=permanent)

    def _train(self, batch: Batch, words: list[Word], recorder: Recorder) -> None:
        """One optimiser step, whose figures stay on the device until they are flushed."""
        config, step = self.config, self.step + 1
        # Random numbers (dropout) are a function of seed, step and rank, so no generator has to be saved.
        torch.manual_seed(_seed_of(config.seed, self.step, self.world.rank))
        tokens, valid = step * config.tokens_per_step, sum(word.valid_tokens for word in words)
        lr = learning_rate(config, tokens)
        limits = self.spikes.limits(step) if config.spikes.action == "skip" else None
        rows = Rows(batch.ids, batch.positions, labels_of(batch))
        result = self.work.step(rows, valid, lr, skip_above=limits)
        self.step, self.state = step, batch.state
        digests = [digest for word in words for digest in word.digests]
        recorder.add(StepFacts(step, tokens, valid, lr, digests, self.source_tokens(), batch), result)

    def _measure(self, recorder: Recorder) -> None:
        with recorder.speed.apart():
            for row in self.measurements.rows(self.step):
                recorder.write(row)
                self.say(describe(row))

    def save(self, recorder: Recorder, *, permanent: bool = False) -> None:
        """Begin a checkpoint of this step, unless the run stands on one. Its rows are on the disk first."""
        if self._saved_step == self.step:
            return
        slots = self._slots()
        cursors = np.concatenate(self.world.gather(self.state.cursors[:, slots.start : slots.stop]), axis=1)
        recorder.sync()
        state = {
            "step": self.step,
            "loader": replace(self.state, cursors=cursors).to_json(),
            "updates": recorder.updates,
            "spikes": self.spikes.state(),
            "fingerprint": self.fingerprint,
            "source_tokens": self.source_tokens(),
            "history": self.history(),
            "world_size": self.world.size,
            "config": to_dict(self.config),
            "versions": versions(),
        }
        model = json.loads(config_json(self.plan.model, "float32"))
        self.store.save(self.step, self.tensors(), {STATE: state, MODEL: model}, permanent=permanent)
        self._saved_step = self.step

    def _leave(self, recorder: Recorder, loader: Loader) -> NoReturn:
        recorder.flush(loader.waited)
        self.save(recorder)
        self.store.wait()
        self.say(f"stopped by a signal; step {self.step} is saved and the same command goes on.")
        raise SystemExit(EXIT_REQUEUE)

    def _tell_left_out(self, loader: Loader, recorder: Recorder) -> None:
        """What of the conversations was not trained on, by reason, since this launch began."""
        if left_out := sum(self.world.gather(loader.left_out), Counter[str]()):
            recorder.write({"event": "left_out", "step": self.step, "reasons": dict(left_out)})
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(left_out.items()))
            self.say(f"left out of the conversations: {reasons}")

    def _not_finite(self, facts: StepFacts, loss: float, norm: float) -> NoReturn:
        cause = blame(facts.batch, self.measurements.row_losses, self.world, self.config.micro_rows)
        raise DataError(
            f"step {facts.step}: loss {loss} with a gradient norm of {norm}; the weights were not changed "
            f"by it. {cause} The same command goes on from the last checkpoint."
        )

    def source_tokens(self) -> dict[str, int]:
        counts = (self.state.counts * self.config.length).tolist()
        return dict(zip(self.plan.shards.names, counts, strict=True))

    def history(self) -> list[dict[str, Any]]:
        """The stages of these weights up to now, this one last."""
        config = self.config
        tokens = {"tokens": self.step * config.tokens_per_step, "source_tokens": self.source_tokens()}
        stage = {"model": config.model, "data": config.data, "steps": self.step, **tokens}
        return [*history_in(self.plan.model.weights), stage]

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint holds beside its state."""
        return {**tensors_of(self.model), **self.optimiser.tensors()}

    def _recording(self) -> AbstractContextManager[Recorder]:
        return recording(
            self.plan, self.world, self.spikes, self.say, self._not_finite,
            step=self.step, updates=self._updates, resumed=bool(self.resumed),
        )  # fmt: skip

    def _loader(self) -> Loader:
        config = self.config
        return Loader(
            self.plan.shards, self.plan.tokenizer, rows=config.rows, length=config.length, seed=config.seed,
            vocabulary=self.plan.model.config.vocab_size, slots=self._slots(), state=self.state,
            workers=config.workers, prefetch=config.prefetch, repeat=config.repeat,
        )  # fmt: skip

    def _slots(self) -> range:
        """The slots of the global batch that this rank serves."""
        mine = self.config.rows // self.world.size
        return range(self.world.rank * mine, (self.world.rank + 1) * mine)


def _seed_of(*numbers: int) -> int:
    """63 bits, as torch takes them, that are the same in every process."""
    text = " ".join(map(str, numbers))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
