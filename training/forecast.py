"""The answer to --dry-run: what a run costs, whether it fits, and what its first batch looks like."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import torch

from training.config import TrainConfig, phase_tokens
from training.data.arrays import IGNORE, Int32
from training.data.loader import Batch, Loader
from training.data.tokens import Tokenizer
from training.flops import flops_per_token, peak_flops
from training.memory.budget import GIB, device_bytes, plan_memory
from training.model import count_parameters
from training.plan import Plan, check_division, make_plan
from training.safety.blame import labels_of, places_of
from training.schedule import learning_rate

_DOCUMENTS = 6  # of the first row that are shown
_RUNS = 6  # stretches with and without loss of one document that are shown
_TEXT = 72  # characters of each
_H100 = 989e12  # FLOP/s for the hours where no device and no peak is known


def dry_run(config: TrainConfig) -> str:
    """Raises UserError for what cannot run, and for what will not fit."""
    plan = make_plan(config)
    ranks = config.plan.ranks or int(os.environ.get("WORLD_SIZE", "1"))
    check_division(config, ranks)
    lines = [str(plan), *_rates(config), *_hours(plan, ranks), *_memory(plan, ranks), *_first_batch(plan)]
    return "\n".join(lines)


def _rates(config: TrainConfig) -> Iterator[str]:
    """The learning rate at the steps where its curve bends."""
    warmup, decay = phase_tokens(config)
    marks = {
        "first step": 1,
        "end of warm-up": -(-warmup // config.tokens_per_step),
        "half way": config.steps // 2,
        "start of decay": (config.tokens - decay) // config.tokens_per_step if decay else 0,
        "last step": config.steps,
    }
    yield "learning rate"
    for name, step in marks.items():
        if 1 <= step <= config.steps:
            tokens = step * config.tokens_per_step
            yield f"  {name:<16}step {step:>9,}  {tokens:>17,} tokens  {learning_rate(config, tokens):.3e}"


def _hours(plan: Plan, ranks: int) -> Iterator[str]:
    config = plan.config
    flops = flops_per_token(plan.model.config, count_parameters(plan.model), config.length)
    device = torch.device("cuda", 0) if torch.cuda.is_available() and config.device != "cpu" else None
    given = config.log.peak_tflops
    peak = given * 1e12 if given else (peak_flops(device) if device else None) or _H100
    total = flops * config.steps * config.tokens_per_step
    seconds = total / (peak * ranks * config.plan.mfu)
    yield (
        f"compute      {flops:.3g} FLOP per token, {total:.3g} in all; {seconds / 3600:,.2f} hours on "
        f"{ranks} rank(s) at {config.plan.mfu:.0%} of {peak / 1e12:,.0f} TFLOP/s"
    )


def _memory(plan: Plan, ranks: int) -> Iterator[str]:
    """What a rank holds by kind, and what a checkpoint takes on the disk."""
    config, has_cuda = plan.config, torch.cuda.is_available()
    on_cuda = config.device == "cuda" or (config.device == "auto" and has_cuda)
    available = int(config.plan.memory * GIB) if config.plan.memory else None
    if available is None and on_cuda and has_cuda:
        available = device_bytes(torch.device("cuda", 0))
    found = plan_memory(config, plan.model, ranks, on_cuda=on_cuda, available=available)
    room = f"of {_size(available)}" if available else "on a device whose memory is not known"
    yield f"memory       {_size(found.memory.total)} per rank at most, {room}"
    for kind, size in found.memory.by_kind().items():
        yield f"  {kind:<16}{_size(size):>12}"
    counts = ", ".join(f"{found.modes.count(mode)} {mode}" for mode in sorted(set(found.modes)))
    yield f"  layers that recompute: {counts}"
    saved = (found.memory.parameters + found.memory.optimiser) * ranks
    kept = config.checkpoint.keep + 1  # the one that is being written, too
    yield (
        f"checkpoints  {_size(saved)} each, {_size(kept * saved)} of disk for {kept} of them; "
        f"copies of {_size(saved // ranks)} per rank in the host's memory"
    )


def _size(count: int) -> str:
    return f"{count / GIB:,.2f} GiB" if count >= GIB else f"{count / 2**20:,.2f} MiB"


def _first_batch(plan: Plan) -> Iterator[str]:
    """The first global batch as every run with these keys will see it, and its first row in words."""
    config = plan.config
    with Loader(
        plan.shards, plan.tokenizer, rows=config.rows, length=config.length, seed=config.seed,
        vocabulary=plan.model.config.vocab_size, repeat=config.repeat,
    ) as loader:  # fmt: skip
        batch = loader.next()
    names = Counter(plan.shards.names[source] for source in batch.sources.tolist())
    rows = ", ".join(f"{count} of {name}" for name, count in sorted(names.items()))
    yield f"first batch  {batch.targets():,} of {batch.ids.size:,} tokens have a loss; rows: {rows}"
    yield from _row(batch, 0, plan.tokenizer)


def _row(batch: Batch, row: int, tokenizer: Tokenizer) -> Iterator[str]:
    labels, places = labels_of(batch)[row], places_of(batch, row)
    yield f"  row {row} holds {len(places)} documents, which do not see each other:"
    for start, stop, name in places[:_DOCUMENTS]:
        yield f"    tokens {start}-{stop - 1}: {name}"
        runs = _runs(labels[start:stop])
        for first, end, counted in runs[:_RUNS]:
            text = _shown(batch.ids[row, start + first : start + end], tokenizer)
            yield f"      {'loss   ' if counted else 'no loss'} {first:>6}-{end - 1:<6} {text}"
        if len(runs) > _RUNS:
            yield f"      ... and {len(runs) - _RUNS} more stretches"
    if len(places) > _DOCUMENTS:
        yield f"    ... and {len(places) - _DOCUMENTS} more documents"


def _runs(labels: Int32) -> list[tuple[int, int, bool]]:
    """Stretches of tokens that all have a loss, or all have none."""
    found, at = [], 0
    for counted, group in groupby((labels != IGNORE).tolist()):
        size = sum(1 for _ in group)
        found.append((at, at + size, bool(counted)))
        at += size
    return found


def _shown(ids: Int32, tokenizer: Tokenizer) -> str:
    """Beginning and end of some tokens as text, in printable characters alone: the text is not ours."""
    if tokenizer.path is None:
        return " ".join(map(str, ids[:12].tolist())) + (" ..." if len(ids) > 12 else "")
    text = str(tokenizer.loaded.decode(ids.tolist()))
    if len(text) > _TEXT:
        text = f"{text[: _TEXT // 2]} ... {text[-_TEXT // 2 :]}"
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + '"'
