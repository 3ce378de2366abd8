"""Numbers and times as a person reads them."""

from __future__ import annotations


def number(value: float) -> str:
    """A count with groups; large ones short: 12,345 and 1.23 M."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f}"


def rate(value: float, unit: str) -> str:
    """So many a second, or a minute or an hour where that is less than one."""
    for every, name in ((1, "s"), (60, "min"), (3600, "h")):
        if value * every >= 1 or name == "h":
            scaled = value * every
            return f"{number(scaled) if scaled >= 100 else f'{scaled:.3g}'} {unit}/{name}"
    raise AssertionError("the last unit takes every rate")


def span(seconds: float | None) -> str:
    """48 s, 12 min, 3 h 05 min, 2 d 4 h; empty where it is not known."""
    if seconds is None:
        return ""
    whole = round(max(seconds, 0.0))
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 48:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{hours // 24} d {hours % 24} h"
