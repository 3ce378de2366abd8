"""The log of a launch: cut to where the run stands, with a first row that says what runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NoReturn

from corpus.engine.progress import Progress
from training.flops import flops_per_token, peak_flops
from training.model import count_parameters
from training.parallel import World
from training.plan import Plan
from training.run_log.metrics import METRICS, MetricsLog
from training.run_log.recorder import Recorder, StepFacts
from training.run_log.sinks import open_sinks
from training.run_log.speed import Speed
from training.safety.spikes import SpikeGuard


@contextmanager
def recording(
    plan: Plan,
    world: World,
    spikes: SpikeGuard,
    say: Callable[[str], None],
    not_finite: Callable[[StepFacts, float, float], NoReturn],
    *,
    step: int,
    updates: int,
    resumed: bool,
) -> Iterator[Recorder]:
    """The recorder of this launch on every rank; only that of rank 0 writes anything."""
    config, parameters = plan.config, count_parameters(plan.model)
    flops, given = flops_per_token(plan.model.config, parameters, config.length), config.log.peak_tflops
    peak = given * 1e12 if given else peak_flops(world.device)
    speed = Speed(config.tokens_per_step, flops, peak * world.size if peak else None, world.device)
    recorder = Recorder(spikes, speed, not_finite, say, updates, config.steps)
    with Progress("training") if world.first else nullcontext() as recorder.progress:
        if world.first:
            recorder.log = MetricsLog(Path(config.output) / METRICS)
            if lost := recorder.log.cut(step if resumed else -1):
                say(f"{recorder.log.path}: {lost} lines were no rows and are left out.")
            recorder.sinks = open_sinks(config, step)
        try:
            recorder.write(
                {
                    "event": "start", "step": step, "resumed": resumed, "ranks": world.size,
                    "device": world.device.type, "parameters": parameters, "flops_per_token": flops,
                    "peak_tflops_per_device": peak / 1e12 if peak else None,
                }
            )  # fmt: skip
            yield recorder
        finally:
            recorder.close()
