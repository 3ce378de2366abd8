"""One look for all charts: colours that stay apart for colour-blind readers, on light and on dark ground.

A chart is described in the colours of the light theme. The dark theme and the page's CSS variables take their
places in the finished drawing, so that all three have the same shapes. Each colour is therefore used once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDTH = 400  # of the plotting area of bars, about the width of a phone, so that letters stay readable there
PLOT = 350  # of the plotting area of charts with a vertical axis, whose numbers stand beside it
AXIS = 44  # room for those numbers
FONT = "Liberation Sans"  # comes with the library, so that equal charts have equal bytes on every machine
LABEL, TICK = 11.5, 10.5  # letter sizes

# name -> colours on light and on dark ground. Series: blue, vermilion, green, purple, ochre, slate; their
# lightness was chosen so that each has a contrast of 3:1 against the page and all stay apart for readers with
# two kinds of cones.
COLOURS: Mapping[str, tuple[str, str]] = {
    "c0": ("#2471a8", "#5aa9e0"),
    "c1": ("#c9581a", "#ee8f54"),
    "c2": ("#1c8a6a", "#4cc29c"),
    "c3": ("#85325c", "#ce7eba"),
    "c4": ("#a3893e", "#edc95e"),
    "c5": ("#5f7081", "#b6bfc9"),
    "kept": ("#25719f", "#5ba9df"),
    "dropped": ("#7f898f", "#7d878e"),
    "failed": ("#c8581b", "#ed8f55"),
    "ink": ("#1d2226", "#e6e8e9"),
    "soft": ("#59636b", "#a2acb3"),
    "grid": ("#e3e6e6", "#2b3237"),
    "paper": ("#fcfcfa", "#14181b"),
}
SERIES = ("c0", "c1", "c2", "c3", "c4", "c5")
DASHES = ((1, 0), (6, 3), (2, 2), (8, 2, 2, 2), (4, 1), (1, 3))  # lines differ without their colour, too
LIGHT, DARK, PAGE = "light", "dark", "page"


def colour(name: str) -> str:
    return COLOURS[name][0]


def series_colour(at: int) -> str:
    return colour(SERIES[at % len(SERIES)])


def config() -> dict[str, Any]:
    """Vega-Lite's config: quiet axes, no frame, the legend above the chart."""
    soft, ink, grid = colour("soft"), colour("ink"), colour("grid")
    axis: dict[str, Any] = {
        "domainColor": soft,
        "tickColor": soft,
        "gridColor": grid,
        "labelColor": soft,
        "titleColor": soft,
    }
    axis |= {"labelFontSize": TICK, "titleFontSize": TICK, "titleFontWeight": "normal", "tickSize": 4}
    legend = {"orient": "top", "title": None, "labelColor": ink, "labelFontSize": TICK + 0.5, "offset": 4}
    legend |= {
        "columns": 4,
        "symbolType": "square",
        "symbolStrokeWidth": 0,
        "symbolSize": 90,
        "symbolOpacity": 1,
        "labelLimit": 180,
    }
    head = {"labelColor": soft, "labelFontSize": TICK, "labelAnchor": "start", "labelPadding": 4}
    return {
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "legend": legend,
        "header": {**head, "title": None},
        "text": {"color": ink, "fontSize": LABEL},
        "bar": {"cornerRadius": 0},
    }
