"""Shares by tokens: how much of each source the mix takes, and which documents make it exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from corpus.engine.errors import DataError, UserError


def check_weights(sources: Iterable[tuple[str, float]]) -> None:
    """Raise UserError for a set of which no source has a weight; `sources` gives (set, weight)."""
    totals: dict[str, float] = {}
    for name, weight in sources:
        totals[name] = totals.get(name, 0.0) + weight
    for name, total in sorted(totals.items()):
        if total <= 0:
            raise UserError(
                f"all sources of {name} have weight 0; give one a weight, such as input.agent.weight=1."
            )


def token_targets(
    available: Mapping[str, int], weights: Mapping[str, float], tokens: int = 0
) -> dict[str, int]:
    """Tokens to take from each source so that shares equal the weights.

    With `tokens=0` the total is the largest that no source falls short of. Raises UserError if all weights
    are zero, DataError if a wanted total cannot be had; the sentence names the source and what it lacks.
    """
    total_weight = sum(weights.values())
    if total_weight <= 0:
        raise UserError(
            "all sources have weight 0; give at least one a weight, such as input.agent.weight=1."
        )
    shares = {name: weight / total_weight for name, weight in weights.items() if weight > 0}
    limits = {name: available.get(name, 0) / share for name, share in shares.items()}
    scarce = min(limits, key=lambda name: (limits[name], name))
    if available.get(scarce, 0) == 0:
        raise DataError(
            f"the source '{scarce}' has no tokens, but weight {weights[scarce]:g}; give it data or weight 0."
        )
    if tokens > limits[scarce]:
        lacking = round(tokens * shares[scarce]) - available[scarce]
        raise DataError(
            f"the source '{scarce}' is short by {lacking:,} tokens for a mix of {tokens:,}; "
            f"the weights allow {int(limits[scarce]):,} without repetition."
        )
    total = tokens or limits[scarce]
    return {name: round(total * shares.get(name, 0.0)) for name in weights}


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
