"""Rules about training runs."""

from __future__ import annotations

from itertools import pairwise

from corpus.report.markup import count
from corpus.report.parts import run_slug
from corpus.report.warnings.finding import CAUTION, PROBLEM, Facts, Finding, Found, said


def learns(facts: Facts) -> Found:
    """Steps, finite losses, and a loss that falls."""
    for run, found in facts.stats["training"].items():
        if found is None:
            continue
        if not found["steps"]:
            yield Finding(PROBLEM, f"training/{run} has not logged a single step.", "training", weight=0.9)
            continue
        if not found["finite"]:
            text = f"The loss of training/{run} was not a finite number at some step."
            yield Finding(PROBLEM, text, "training", "loss", 1.0)
        first, last = found["first_loss"], found["last_loss"]
        if first is not None and last is not None and last >= first:
            text = f"The loss of training/{run} did not fall: {first:.3f} to {last:.3f}."
            yield Finding(PROBLEM, text, "training", "loss", 0.9)


def heldout_rose(facts: Facts) -> Found:
    """Held-out losses that end above the lowest value before: the run has passed its best point."""
    for run, found in facts.stats["training"].items():
        for row in (found or {}).get("heldout", ()):
            losses = [point["loss"] for point in row["points"] if point["loss"] is not None]
            if len(losses) > 1 and losses[-1] - min(losses[:-1]) > facts.limits.heldout_rise:
                text = (
                    f"The held-out loss of {said([row['source']])} rose in training/{run}: "
                    f"{min(losses[:-1]):.3f} to {losses[-1]:.3f}."
                )
                rise = losses[-1] - min(losses[:-1])
                yield Finding(
                    CAUTION, text, "training", f"heldout_{run_slug(run)}".replace("-", "_"), min(rise, 1.0)
                )


def unstable(facts: Facts) -> Found:
    """Losses that jump: the highest of neighbouring steps far above the mean of those before them."""
    for run, found in facts.stats["training"].items():
        points = [point for point in (found or {}).get("curve", ()) if point["loss"] is not None]
        jumps = [(after["highest"] - before["loss"], after["tokens"]) for before, after in pairwise(points)]
        spikes = [jump for jump in jumps if jump[0] > facts.limits.loss_spike]
        if spikes:
            size, tokens = max(spikes)
            text = (
                f"The loss of training/{run} jumped {count(len(spikes))} times, at most by {size:.1f} nats "
                f"near {count(tokens)} tokens."
            )
            yield Finding(CAUTION, text, "training", "loss", min(size / 10, 1.0))


def interrupted(facts: Facts) -> Found:
    """Steps whose update the trainer dropped, and spikes that its own watch saw."""
    for run, found in facts.stats["training"].items():
        steps, spikes, skipped = ((found or {}).get(key) or 0 for key in ("steps", "spikes", "skipped"))
        if spikes or skipped:
            text = (
                f"The log of training/{run} tells of {count(spikes)} spikes and {count(skipped)} skipped "
                f"updates in {count(steps)} steps."
            )
            yield Finding(
                CAUTION, text, "training", "training", min(max(spikes, skipped) / max(steps, 1), 1.0)
            )


RULES = (learns, heldout_rose, unstable, interrupted)
