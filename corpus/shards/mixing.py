"""Shares by tokens: how much of each source the mix takes, and which documents make it exact."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corpus.engine.errors import DataError, UserError, nearest
from corpus.shards.config import STAGE1, ShardConfig

AGENT = "agent"


def weights_of(config: ShardConfig) -> dict[str, dict[str, float]]:
    """The weight of each source by set.

    Sources of one group share its weight in the proportion of their own. `agent_share` sets the share of the
    group (or source) `agent` in stage1, the others keep their proportions. Raises UserError for a set of
    which no source has a weight, and for groups that no source is in.
    """
    sets: dict[str, dict[str, float]] = {}
    for name, source in sorted(config.input.items()):
        sets.setdefault(source.set, {})[name] = _weight(name, config)
    groups = {group_of(name, config) for name in config.input}
    for name in config.group_weights:
        if name not in groups:
            raise UserError(f"group_weights names the unknown group '{name}': {nearest(name, groups)}")
    if config.agent_share is not None:
        sets[STAGE1] = _with_agent_share(sets.get(STAGE1, {}), config)
    for set_name, weights in sorted(sets.items()):
        if sum(weights.values()) <= 0:
            raise UserError(
                f"all sources of {set_name} have weight 0; give one a weight, such as input.agent.weight=1."
            )
    return sets


def group_of(name: str, config: ShardConfig) -> str:
    return config.input[name].group or name


def _weight(name: str, config: ShardConfig) -> float:
    source, group = config.input[name], group_of(name, config)
    members = [
        one
        for other, one in config.input.items()
        if one.set == source.set and group_of(other, config) == group
    ]
    if group not in config.group_weights and not any(one.group for one in members):
        return source.weight
    total = sum(one.weight for one in members)
    return config.group_weights.get(group, 1.0) * source.weight / total if total else 0.0


def _with_agent_share(weights: Mapping[str, float], config: ShardConfig) -> dict[str, float]:
    share = config.agent_share or 0.0
    agent = {name for name in weights if group_of(name, config) == AGENT}
    mine = sum(weight for name, weight in weights.items() if name in agent)
    others = sum(weights.values()) - mine
    if (share > 0 and mine <= 0) or (share < 1 and others <= 0):
        lacking = "no source in the group 'agent'" if mine <= 0 else "no source beside the group 'agent'"
        raise UserError(
            f"agent_share={share:g}, but stage1 has {lacking} with a weight; name one, "
            "or set input.NAME.group=agent."
        )
    part = {True: share / mine if mine else 0.0, False: (1 - share) / others if others else 0.0}
    return {name: weight * part[name in agent] for name, weight in weights.items()}


def token_targets(
    available: Mapping[str, int],
    weights: Mapping[str, float],
    tokens: int = 0,
    repeat: Mapping[str, float] | None = None,
) -> dict[str, int]:
    """Tokens to take from each source so that shares equal the weights.

    `repeat` says how often a source may be passed over (1 where it says nothing). With `tokens=0` the total
    is the largest that no source falls short of. Raises DataError if a wanted total cannot be had; the
    sentence names the sources, what they lack, and what would mend it.
    """
    total_weight = sum(weights.values())
    if total_weight <= 0:
        raise UserError(
            "all sources have weight 0; give at least one a weight, such as input.agent.weight=1."
        )
    shares = {name: weight / total_weight for name, weight in weights.items() if weight > 0}
    most = {name: int(available.get(name, 0) * (repeat or {}).get(name, 1.0)) for name in shares}
    limits = {name: most[name] / share for name, share in shares.items()}
    empty = sorted(name for name in shares if not most[name])
    if empty:
        raise DataError(
            f"the source '{empty[0]}' has no tokens, but weight {weights[empty[0]]:g}; "
            "give it data or weight 0."
        )
    total = tokens or min(limits.values())
    wanted = {name: round(total * share) for name, share in shares.items()}
    if not tokens:
        wanted = {name: min(found, most[name]) for name, found in wanted.items()}  # a float may round up
    short = {name: wanted[name] - most[name] for name in shares if wanted[name] > most[name]}
    if short:
        raise DataError(_short(short, wanted, available, repeat or {}, int(min(limits.values()))))
    return {name: wanted.get(name, 0) for name in weights}


def _short(
    short: Mapping[str, int],
    wanted: Mapping[str, int],
    available: Mapping[str, int],
    repeat: Mapping[str, float],
    possible: int,
) -> str:
    """The sentence about sources that lack tokens, and each way to mend it."""
    said = []
    for name, lacking in sorted(short.items(), key=lambda item: (-item[1], item[0])):
        passes = math.ceil(wanted[name] / available[name] * 100) / 100
        has = f"it has {available[name]:,} and repeat={repeat.get(name, 1.0):g}"
        said.append(
            f"the source '{name}' is short by {lacking:,} tokens of {wanted[name]:,} ({has}; "
            f"input.{name}.repeat={passes:g} or a smaller weight would do)"
        )
    return f"{'; '.join(said)}. With these weights and repeats the mix can have tokens={possible:,} at most."


@dataclass(frozen=True)
class Crossing:
    """The slice in which a source's running sum passes the target.

    `before` tokens lie in front of it, and `room` tokens of it are wanted.
    """

    slice: int
    before: int
    room: int


def crossing(slices: Iterable[tuple[int, int]], target: int) -> Crossing | None:
    """Where (slice, tokens) in the order of the slices pass `target`; None where they never do."""
    before = 0
    for number, tokens in sorted(slices):
        if before + tokens > target:
            return Crossing(number, before, target - before)
        before += tokens
    return None


def fill(gap: int, candidates: Sequence[tuple[str, int]]) -> list[str]:
    """Ids of further documents, largest first, whose lengths fit into a gap that the global order left.

    The order takes whole documents until the next one no longer fits; what is then missing is less than that
    one document. Filling it from the rest brings the share to within the shortest document of its target.
    """
    chosen = []
    for name, length in sorted(candidates, key=lambda item: (-item[1], item[0])):
        if 0 < length <= gap:
            chosen.append(name)
            gap -= length
    return chosen
