"""Parts of descriptions that all charts share: scales, axes, words, what a mark says under the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from corpus.report.figures.style import AXIS

Spec = dict[str, Any]
HOVER: Spec = {"description": {"field": "hover", "type": "nominal"}}

# Large numbers as 10k, 3M and 2B; the library's own format writes G for 10^9.
_SHORT = "abs(datum.value) < 1 ? format(datum.value, '~g') : replace(format(datum.value, '~s'), 'G', 'B')"
_PERCENT = "format(datum.value, '~%')"


def ordinal(field: str, names: Sequence[str], values: Sequence[Any]) -> Spec:
    """A scale that gives each name its own value, in the order of the names."""
    return {
        "field": field,
        "type": "nominal",
        "sort": None,
        "scale": {"domain": list(names), "range": list(values)},
    }


def words(
    rows: Sequence[Spec], field: str, y: Spec, x: Spec, *, align: str, limit: float | None = None
) -> Spec:
    """Texts of a column of the rows, above the marks of their row."""
    mark: Spec = {"type": "text", "align": align, "dy": -8, "aria": False}
    if limit is not None:
        mark["limit"] = limit
    return {"data": {"values": rows}, "mark": mark, "encoding": {"y": y, "x": x, "text": {"field": field}}}


def axis(percent: bool, ticks: int) -> Spec:
    return {
        "tickCount": ticks,
        "labelExpr": _PERCENT if percent else _SHORT,
        "labelOverlap": True,
        "labelFlush": True,
    }


def powers(low: float, high: float) -> list[float]:
    """The powers of ten from one to the other: the ticks of a logarithmic axis."""
    first, last = math.ceil(math.log10(max(low, 1e-9)) - 1e-9), math.floor(math.log10(max(high, 1e-9)) + 1e-9)
    return [10.0**power for power in range(first, last + 1)]


def upright(ticks: int, percent: bool = False) -> Spec:
    """A vertical axis with its title lying above it, where it can be read."""
    title = {"titleAngle": 0, "titleAlign": "left", "titleAnchor": "start", "titleX": -AXIS + 4, "titleY": -8}
    return {
        **axis(percent, ticks),
        **title,
        "titleBaseline": "bottom",
        "minExtent": AXIS,
        "maxExtent": AXIS,
        "domain": False,
        "ticks": False,
    }
