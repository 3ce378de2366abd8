"""What a run will do, found without doing it: the answer to --dry-run, and checks before the first step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.engine.config import to_dict
from corpus.engine.errors import UserError
from corpus.engine.manifest import difference
from training import heldout
from training.checkpoints.folders import is_checkpoint
from training.config import TrainConfig, phase_tokens
from training.data.mixing import check_caps, integer_shares, row_caps
from training.data.shards import ShardSet, facts_of, open_set
from training.data.tokens import Tokenizer, find_tokenizer
from training.model import ModelSource, count_parameters, find_model


@dataclass(frozen=True)
class Plan:
    """The resolved inputs of a run."""

    config: TrainConfig
    shards: ShardSet
    tokenizer: Tokenizer
    model: ModelSource

    def shares(self) -> dict[str, float]:
        weights = integer_shares([source.weight for source in self.shards.sources])
        return {name: weight / sum(weights) for name, weight in zip(self.shards.names, weights, strict=True)}

    def epochs(self) -> dict[str, float]:
        """How often the run will read each source; sources whose tokens are not counted are left out."""
        config = self.config
        caps = row_caps(self.shards, config.repeat, config.length)
        rows = rows_in_all(list(self.shares().values()), caps, config.steps * config.rows)
        return {
            source.name: count * config.length / source.tokens
            for source, count in zip(self.shards.sources, rows, strict=True)
            if source.tokens
        }

    def fingerprint(self) -> dict[str, Any]:
        """What decides the result; a run may go on only where it is the same.

        It holds every key that is not volatile. Inputs count by their content and not by their path, so
        that a workspace may be moved in the middle of a run.
        """
        keys = to_dict(self.config, with_volatile=False)
        slices = heldout.find_files(self.config).values()
        keys["heldout"]["path"] = facts_of(file for files in slices for file in files)
        keys.update(
            data=self.shards.facts(),
            weights={source.name: source.weight for source in self.shards.sources},
            tokenizer=self.tokenizer.sha256,
            model=self.model.identity(),
        )
        return keys

    def __str__(self) -> str:
        config = self.config
        warmup, decay = phase_tokens(config)
        epochs = self.epochs()
        lines = [
            f"model        {config.model}, {count_parameters(self.model):,} parameters, "
            + ("weights from the folder" if self.model.weights else f"random start from seed {config.seed}"),
            f"steps        {config.steps:,} of {config.rows} rows x {config.length} tokens",
            f"tokens       {config.steps * config.tokens_per_step:,}",
            f"schedule     {config.schedule.kind}, peak {config.optimiser.lr:g}, "
            f"warm-up {warmup:,}, decay {decay:,} tokens",
            f"tokenizer    {self.tokenizer.path or 'none named'}",
            "sources",
        ]
        for source in self.shards.sources:
            times = f", read {epochs[source.name]:.2f} times" if source.name in epochs else ""
            lines.append(
                f"  {source.name:<11}{self.shares()[source.name]:7.2%} of tokens, "
                f"{source.rows:,} documents{times}"
            )
        return "\n".join(lines)


def make_plan(config: TrainConfig) -> Plan:
    """Resolve the inputs. Raises UserError for what cannot be trained."""
    shards = open_set(config.data, config.weights, config.store)
    tokenizer = find_tokenizer(shards, config.tokenizer)
    check_caps(shards, row_caps(shards, config.repeat, config.length), config.steps * config.rows)
    plan = Plan(config, shards, tokenizer, find_model(config, tokenizer))
    if config.carry_optimiser and not is_checkpoint(plan.model.weights):
        raise UserError(
            f"carry_optimiser=true, but model={config.model} is no checkpoint and holds no optimiser state; "
            "give model=RUN/checkpoints/step_N, or leave the key out."
        )
    _check_epochs(plan)
    return plan


def _check_epochs(plan: Plan) -> None:
    most = plan.config.max_epochs
    if most is None:
        return
    epochs = plan.epochs()
    for source in plan.shards.sources:
        if source.tokens is None:
            raise UserError(
                f"max_epochs={most:g} cannot be kept: the shards of the source '{source.name}' do not say "
                "how many tokens they have; write them with num_tokens, or leave the key out."
            )
        if (times := epochs.get(source.name, 0.0)) > most:
            raise UserError(
                f"the source '{source.name}' would be read {times:.2f} times, more than max_epochs={most:g}; "
                f"lower tokens or weights.{source.name}, or add documents."
            )


def rows_in_all(shares: Sequence[float], caps: Sequence[int | None], rows: int) -> list[float]:
    """Rows of each source in a run of so many: what caps hold back comes from the others in proportion.

    It is where the rows of a run end up (mixing.quota), but for the rounding of each source to whole rows.
    """
    given: list[float | None] = [None] * len(shares)
    while True:
        free = [s for s, count in enumerate(given) if count is None]
        level = (rows - sum(count or 0 for count in given)) / (sum(shares[s] for s in free) or 1)
        held = {s: cap for s in free if (cap := caps[s]) is not None and cap < level * shares[s]}
        if not held:
            return [level * shares[s] if count is None else count for s, count in enumerate(given)]
        for s, cap in held.items():
            given[s] = cap


def check_division(config: TrainConfig, size: int) -> None:
    """Raises UserError where ranks and micro-batches do not divide the global batch.

    That batch is fixed, so accumulation is derived and never a key.
    """
    if config.rows % (size * config.micro_rows):
        raise UserError(
            f"rows={config.rows} does not divide by {size} ranks x micro_rows={config.micro_rows}; "
            "change micro_rows or the number of ranks."
        )


def check_fingerprint(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raises UserError that names the first thing in which this run is not the one that wrote `folder`."""
    changed = difference(old, new)
    if changed:
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise UserError(
            f"{folder} belongs to another run: {changed[0]}{more}; "
            "undo the change to continue that run, give another output=, or remove its folder."
        )
