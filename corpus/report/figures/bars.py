"""Bars and intervals, one row each under its own label, so that long names fit on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.report.figures.chart import Chart
from corpus.report.figures.encoding import HOVER, Spec, axis, ordinal, words
from corpus.report.figures.style import WIDTH, colour, series_colour
from corpus.report.markup import visible


@dataclass(frozen=True)
class Part:
    """A piece of a bar. `colour` is a name of style.COLOURS, `hover` what it says under the pointer."""

    series: str
    value: float
    hover: str
    colour: str = "c0"


@dataclass(frozen=True)
class Bar:
    label: str
    value: str  # as written at the end of the label's line
    parts: Sequence[Part]


@dataclass(frozen=True)
class Interval:
    """A measured value with its bounds, None where there are none."""

    label: str
    value: float
    low: float | None
    high: float | None
    hover: str
    series: str = ""


def bars(items: Sequence[Bar], *, unit: str, percent: bool = False) -> Chart:
    """Horizontal bars on one scale from 0, each under its own label, so that long names fit."""
    rows: list[Spec] = []
    colours: dict[str, str] = {}
    for at, bar in enumerate(items):
        start = 0.0
        for part in bar.parts:
            colours.setdefault(part.series, colour(part.colour))
            end = start + part.value
            if part.value:
                rows.append(
                    {"row": at, "series": part.series, "x": start, "x2": end, "hover": visible(part.hover)}
                )
            start = end
    labels = [
        {"row": at, "label": visible(bar.label), "value": visible(bar.value)} for at, bar in enumerate(items)
    ]
    y = {"field": "row", "type": "ordinal", "axis": None, "scale": {"domain": list(range(len(items)))}}
    across = {"field": "x", "type": "quantitative", "title": unit, "axis": axis(percent, ticks=4)}
    fill = ordinal("series", list(colours), list(colours.values()))
    if len(colours) < 2:
        fill["legend"] = None
    room = max((len(bar.value) for bar in items), default=0) * 6.2 + 14
    return Chart(
        "bars",
        {
            "width": WIDTH,
            "height": {"step": 34},
            "layer": [
                {
                    "data": {"values": rows},
                    "mark": {"type": "bar", "height": 10, "yOffset": 7, "minBandSize": 1},
                    "encoding": {"y": y, "x": across, "x2": {"field": "x2"}, "color": fill, **HOVER},
                },
                words(labels, "label", y, {"value": 0}, align="left", limit=WIDTH - room),
                words(labels, "value", y, {"value": "width"}, align="right"),
            ],
        },
    )


def intervals(items: Sequence[Interval], *, x: str, percent: bool = False) -> Chart:
    """Measured values with their bounds, one line each under its label."""
    names = list(dict.fromkeys(visible(one.series) for one in items))
    rows = [
        {"row": at, "x": one.value, "low": one.value if one.low is None else one.low,
         "high": one.value if one.high is None else one.high,
         "series": visible(one.series), "hover": visible(one.hover), "label": visible(one.label)}
        for at, one in enumerate(items)
    ]  # fmt: skip
    y = {"field": "row", "type": "ordinal", "axis": None}
    scale = {"zero": False, "nice": True}
    along = {"type": "quantitative", "title": x, "axis": axis(percent, ticks=5), "scale": scale}
    fill = ordinal("series", names, [series_colour(at) for at in range(len(names))])
    if len(names) < 2:
        fill["legend"] = None
    rule = {"y": y, "x": {"field": "low", **along}, "x2": {"field": "high"}, "color": fill}
    dot = {"y": y, "x": {"field": "x", **along}, "color": fill, **HOVER}
    return Chart(
        "intervals",
        {
            "width": WIDTH,
            "height": {"step": 30},
            "data": {"values": rows},
            "layer": [
                {"mark": {"type": "rule", "strokeWidth": 2, "yOffset": 7, "aria": False}, "encoding": rule},
                {"mark": {"type": "point", "filled": True, "size": 60, "yOffset": 7}, "encoding": dot},
                words(rows, "label", y, {"value": 0}, align="left", limit=WIDTH),
            ],
        },
    )
