"""Histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.report.figures.chart import Chart
from corpus.report.figures.encoding import HOVER, Spec, axis, ordinal, powers, upright
from corpus.report.figures.style import PLOT, series_colour
from corpus.report.markup import visible


@dataclass(frozen=True)
class Bin:
    """A column of a histogram: from `low` to below `high`."""

    low: float
    high: float
    value: float
    hover: str
    group: str = ""


def histogram(bins: Sequence[Bin], *, x: str, y: str, log: bool = False, percent: bool = False) -> Chart:
    """Columns over a numeric axis; with several groups one panel each, one above the other."""
    groups = list(dict.fromkeys(visible(one.group) for one in bins))
    heads = [f"{group}: {y}" for group in groups]
    several = len(groups) > 1
    fill = ordinal("group", heads, [series_colour(at) for at in range(len(groups))])
    up = {**upright(3 if several else 4), "title": None if several else y}
    panel: Spec = {
        "width": PLOT,
        "height": 74 if several else 150,
        "mark": {"type": "bar", "binSpacing": 0.7},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": x, **_along(bins, log, percent)},
            "x2": {"field": "x2"},
            "y": {"field": "y", "type": "quantitative", "axis": up, "scale": {"zero": True}},
            "y2": {"datum": 0},
            "color": {**fill, "legend": None},
            **HOVER,
        },
    }
    data = {"data": {"values": _rows(bins, y)}}
    if not several:
        return Chart("histogram", {**data, **panel})
    row = {"field": "group", "type": "nominal", "sort": heads, "header": {"labelOrient": "top"}}
    own = {"resolve": {"scale": {"y": "independent"}}}
    return Chart("histogram", {**data, "facet": {"row": row}, "spec": panel, "spacing": 6, **own})


def _rows(bins: Sequence[Bin], y: str) -> list[Spec]:
    return [
        {
            "x": one.low,
            "x2": one.high,
            "y": one.value,
            "group": f"{visible(one.group)}: {y}",
            "hover": visible(one.hover),
        }
        for one in bins
        if one.value
    ]


def _along(bins: Sequence[Bin], log: bool, percent: bool) -> Spec:
    """The horizontal axis from the first bin to the last, with all groups on the same one."""
    ends = [min((one.low for one in bins), default=0), max((one.high for one in bins), default=1)]
    scale: Spec = {"domain": ends, "nice": False}
    ticks = axis(percent, ticks=6)
    if log:
        scale["type"] = "log"
        ticks["values"] = powers(*ends)
    return {"scale": scale, "axis": ticks}
