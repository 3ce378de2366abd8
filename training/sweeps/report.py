"""What a law found, for people: law.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WIDE = 0.4  # of the swept range: an interval wider than that does not tell where the best share lies
BASELINES = ("mean", "quadratic")


def report(law: Mapping[str, Any]) -> str:
    parts = [_forms(law), _check(law), _shares(law)]
    return f"# Mixing law of {law['source']} over {law['runs']} runs\n\n" + "\n\n".join(parts) + "\n"


def _forms(law: Mapping[str, Any]) -> str:
    head = ["benchmark", "form", "error left out", *(f"of {name}" for name in BASELINES), "noise of a seed"]
    lines = [head, ["---"] * len(head)]
    for name, chosen in law["forms"].items():
        errors = chosen["left_out_error"]
        least = [errors[chosen["form"]], *(_least(errors, baseline) for baseline in BASELINES)]
        lines.append([name, chosen["form"], *map(_per_cent, least), _per_cent(law["noise"][name])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _least(errors: Mapping[str, float], baseline: str) -> float | None:
    """Of the baseline as it is and scaled by size."""
    found = [error for name, error in errors.items() if name.removeprefix("scaled ") == baseline]
    return min(found, default=None)


def _check(law: Mapping[str, Any]) -> str:
    aside = law["set_aside"]
    found = aside["check"]
    if found is None:
        return "Too few runs to set some aside: the law is not checked on what it has not seen."
    what = f"the shares {', '.join(f'{share:g}' for share in aside['shares'])}"
    what += " and the largest size" if aside["largest_size"] else ""
    rank = "not defined" if found["rank"] is None else f"{found['rank']:.2f}"
    return (
        f"Set aside before any form was chosen: {what} ({found['mixes']} mixes). Mean relative error there "
        f"{found['error']:.2%}, rank correlation {rank}, regret {found['regret']:.4f} nats per byte."
    )


def _shares(law: Mapping[str, Any]) -> str:
    best, harmless = law["best"], law["harmless"]
    target = ", ".join(f"{name} {weight:g}" for name, weight in law["target"].items())
    lines = [f"Best share of {law['source']} for {target}: **{best['share']:.2f}**{_interval(best)}."]
    lines += _doubts(law)
    lines.append(
        f"Largest share that leaves {', '.join(harmless['for'])} within {harmless['tolerance']:.1%} of their "
        f"loss at the least share: **{harmless['share']:.2f}**{_interval(harmless)}."
    )
    return "\n".join(lines)


def _interval(found: Mapping[str, Any]) -> str:
    if found["low"] is None:
        return " (no interval: no resampled fits)"
    return f" (90 % of resampled fits: {found['low']:.2f} to {found['high']:.2f})"


def _doubts(law: Mapping[str, Any]) -> list[str]:
    """What a reader of the number should not overlook."""
    best, (low, high) = law["best"], (law["swept"][0], law["swept"][-1])
    found = []
    if best["share"] in (low, high):
        found.append("It lies at the edge of what was run: the least loss may lie beyond.")
    if best["low"] is not None and best["high"] - best["low"] > _WIDE * (high - low):
        found.append(
            "The interval covers most of what was run: these runs do not tell where the best share lies."
        )
    return found


def _per_cent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"
