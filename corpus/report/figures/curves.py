"""Lines over two axes, and points of maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus.report.figures.chart import Chart
from corpus.report.figures.encoding import HOVER, Spec, axis, ordinal, powers, upright
from corpus.report.figures.style import DASHES, PLOT, WIDTH, series_colour
from corpus.report.markup import short, visible

HOVERED = 40  # points of a line that say their value, evenly spread: more lie too close for a pointer


@dataclass(frozen=True)
class Series:
    """A line; `band` holds (x, low, high) and is drawn faintly behind it."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    dots: bool = False


def lines(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    zero: bool = False,
    log: bool = False,
    percent: bool = False,
) -> Chart:
    """Lines over one pair of axes, each with its own colour and dashes; a legend where there are several."""
    names = [visible(one.name) for one in series]
    along = _along(series, x, log)
    up: Spec = {"field": "y", "type": "quantitative", "title": y, "scale": {"zero": zero}}
    up["axis"] = upright(5, percent)
    legend = {"offset": 22, "symbolType": "stroke", "symbolStrokeWidth": 2.2} if len(names) > 1 else None
    paint = {**ordinal("series", names, [series_colour(at) for at in range(len(names))]), "legend": legend}
    dashes = [list(DASHES[at % len(DASHES)]) for at in range(len(names))]
    places = {"x": along, "y": up, "color": paint}
    layers = []
    if any(one.band for one in series):
        area = {"type": "area", "opacity": 0.18, "line": False, "aria": False}
        layers.append(_layer(_bands(series), area, {**places, "y2": {"field": "y2"}}))
    line = {"type": "line", "strokeWidth": 1.8, "strokeJoin": "round", "aria": False}
    dash = {**ordinal("series", names, dashes), "legend": legend}
    layers.append(_layer(_points(series), line, {**places, "strokeDash": dash}))
    for dots in (True, False):
        chosen = _touched(series, dots, x, y)
        if chosen:
            mark = {"type": "point", "filled": True, "size": 34 if dots else 60, "opacity": int(dots)}
            layers.append(_layer(chosen, mark, {**places, **HOVER}))
    return Chart("lines", {"width": PLOT, "height": 200, "layer": layers})


def _along(series: Sequence[Series], x: str, log: bool) -> Spec:
    """The horizontal axis; a logarithmic one has ticks at 1, 2 and 5 times the powers of ten."""
    ticks = axis(False, ticks=5)
    scale: Spec = {"nice": False}
    if log:
        xs = [px for one in series for px, _ in one.points] or [1.0]
        ticks["values"] = [m * power for power in powers(min(xs) / 10, max(xs)) for m in (1, 2, 5)]
        scale["type"] = "log"
    return {"field": "x", "type": "quantitative", "title": x, "axis": ticks, "scale": scale}


def _layer(rows: Sequence[Spec], mark: Spec, encoding: Spec) -> Spec:
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}


def _points(series: Sequence[Series]) -> list[Spec]:
    return [{"x": px, "y": py, "series": visible(one.name)} for one in series for px, py in one.points]


def _bands(series: Sequence[Series]) -> list[Spec]:
    return [
        {"x": px, "y": low, "y2": high, "series": visible(one.name)}
        for one in series
        for px, low, high in one.band
    ]


def _touched(series: Sequence[Series], dots: bool, x: str, y: str) -> list[Spec]:
    """The points that are drawn as dots, or lie unseen on a line to say its values."""
    rows = []
    for one in series:
        if (one.dots or len(one.points) == 1) != dots:
            continue
        every = 1 if dots else -(-len(one.points) // HOVERED)
        for px, py in one.points[::every]:
            name = f"{one.name}: " if one.name else ""
            hover = visible(f"{name}{py:.4g} {y} at {short(px)} {x}")
            rows.append({"x": px, "y": py, "series": visible(one.name), "hover": hover})
    return rows


def scatter(groups: Mapping[str, Sequence[Sequence[float]]]) -> Chart:
    """Points of some groups without axes: for maps, whose coordinates have no meaning of their own."""
    names = [visible(name) for name in groups]
    rows = [
        {"x": round(point[0], 3), "y": round(point[1], 3), "group": name}
        for name, points in zip(names, groups.values())
        for point in points
    ]
    colours = [series_colour(at) for at in range(len(names))]
    flat = {"type": "quantitative", "axis": None, "scale": {"zero": False}}
    shapes = ordinal("group", names, (["circle", "triangle-up", "square", "diamond"] * 2)[: len(names)])
    return Chart(
        "scatter",
        {
            "width": WIDTH,
            "height": 320,
            "data": {"values": rows},
            "mark": {"type": "point", "filled": True, "size": 13, "opacity": 0.65, "aria": False},
            "encoding": {
                "x": {"field": "x", **flat},
                "y": {"field": "y", **flat},
                "color": ordinal("group", names, colours),
                "shape": shapes,
            },
        },
    )
