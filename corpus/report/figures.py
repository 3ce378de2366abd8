"""Charts as inline SVG, drawn by hand so that they follow the page's theme, weigh little and need no library.

Every drawing is WIDTH units wide, about the width of a phone, so that its letters stay readable there.
Colours are classes (s0 to s5 for series, kept, dropped, failed for outcomes) that the page's style sheet
fills in, for light and dark. Marks carry `<title>`, which browsers show on hover; the whole has a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus.report.markup import short, text, visible
from corpus.report.scales import Scale, around, ticks

WIDTH = 400
_LEFT, _RIGHT = 44, 390  # of the plotting area of charts with axes
_LETTER = 6.7  # mean width of a letter at the size that labels have on a phone


@dataclass(frozen=True)
class Part:
    """A piece of a bar: its style class, its value, and what it says on hover."""

    style: str
    value: float
    hover: str


@dataclass(frozen=True)
class Bar:
    label: str
    value: str  # as written at the end of the label's line
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Series:
    """A line; `band` holds (x, low, high) and is drawn faintly behind it."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    dots: bool = False


def bars(items: Sequence[Bar], label: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """Horizontal bars on one scale from 0, each under its own label, so that long names fit."""
    out, top = _legend(legend)
    greatest = max((sum(part.value for part in bar.parts) for bar in items), default=0.0) or 1.0
    width = Scale(0, greatest, 0, WIDTH)
    for bar in items:
        room = int((WIDTH - len(bar.value) * _LETTER - 14) / _LETTER)
        out.append(f'<text x="0" y="{top + 12}">{_cut(bar.label, room)}</text>')
        out.append(f'<text x="{WIDTH}" y="{top + 12}" class="end num">{text(bar.value)}</text>')
        out.append(f'<rect class="track" x="0" y="{top + 17}" width="{WIDTH}" height="9" rx="2"/>')
        at = 0.0
        for part in bar.parts:
            long = max(width(part.value), 0.8) if part.value else 0
            mark = (
                f'<rect class="{part.style}" x="{at:g}" y="{top + 17}" width="{long:g}" height="9" rx="1.5">'
            )
            out.append(f"{mark}<title>{text(part.hover)}</title></rect>" if part.value else "")
            at += long
        top += 34
    return _svg("".join(out), top, label)


def histograms(
    groups: Mapping[str, Sequence[float]],
    edges: Sequence[str],
    ends: tuple[float, float] | None,
    label: str,
    *,
    x: str,
    y: str,
) -> str:
    """One panel of columns per group, one above the other on the same x axis.

    `edges` names each bin for the hover text. The x axis goes from end to end of `ends`; without them it has
    the first number of bins, whose names are then ranges such as 4–7.
    """
    out: list[str] = []
    height, top = (150 if len(groups) == 1 else 92), 0
    for at, (name, values) in enumerate(groups.items()):
        bottom = top + 22 + height
        bound = around(values, zero=True)
        up = Scale(*bound, bottom, top + 22)
        title = f"{name}: {y}" if name else y
        out.append(f'<text x="0" y="{top + 11}" class="axis">{text(title)}</text>')
        out += _y_grid(up, ticks(*bound, about=3))
        step = _step(len(values), ends)
        for i, value in enumerate(values):
            if value:
                place = f'x="{_LEFT + i * step + 0.5:.2f}" width="{max(step - 1, 0.6):.2f}"'
                size = f'y="{min(up(value), bottom - 0.8):g}" height="{max(bottom - up(value), 0.8):.2f}"'
                hover = text(f"{edges[i]}: {short(value)} {y}")
                out.append(f'<rect class="s{at}" {place} {size}><title>{hover}</title></rect>')
        out.append(f'<path class="base" d="M{_LEFT} {bottom}H{_RIGHT}"/>')
        top = bottom + 22
    top -= 14
    if ends:
        across = Scale(*ends, _LEFT, _RIGHT)
        out += [_x_tick(across(value), top, short(value)) for value in ticks(*ends)]
    else:
        every, step = -(-len(edges) // 6), _step(len(edges), ends)
        begins = [name.split("–")[0] for name in edges]  # where a column begins
        out += [_x_tick(_LEFT + i * step, top, begins[i]) for i in range(0, len(edges), every)]
    out.append(f'<text x="{(_LEFT + _RIGHT) / 2}" y="{top + 26}" class="axis mid">{text(x)}</text>')
    return _svg("".join(out), top + 32, label)


def _step(bins: int, ends: tuple[float, float] | None) -> float:
    """Width of one column; few columns without a numeric axis stay slim."""
    step = (_RIGHT - _LEFT) / max(bins, 1)
    return step if ends else min(step, 58.0)


def lines(series: Sequence[Series], label: str, *, x: str, y: str, zero: bool = False) -> str:
    """Lines over one pair of axes, with a legend where there is more than one."""
    out, top = _legend([(f"s{i}", one.name) for i, one in enumerate(series)] if len(series) > 1 else ())
    xs = [px for one in series for px, _ in one.points]
    ys = [py for one in series for _, py in one.points]
    ys += [v for one in series for _, low, high in one.band for v in (low, high)]
    bottom, bound = top + 212, around(ys, zero=zero)
    across = Scale(min([0, *xs]), max(xs, default=1), _LEFT, _RIGHT)
    up = Scale(*bound, bottom, top + 22)
    out.append(f'<text x="0" y="{top + 11}" class="axis">{text(y)}</text>')
    out += _y_grid(up, ticks(*bound))
    for i, one in enumerate(series):
        out.append(_line(one, f"s{i}", across, up, x))
    out.append(f'<path class="base" d="M{_LEFT} {bottom}H{_RIGHT}"/>')
    out += [_x_tick(across(value), bottom + 6, short(value)) for value in ticks(across.low, across.high)]
    out.append(f'<text x="{(_LEFT + _RIGHT) / 2}" y="{bottom + 34}" class="axis mid">{text(x)}</text>')
    return _svg("".join(out), bottom + 40, label)


def scatter(groups: Mapping[str, Sequence[Sequence[float]]], label: str) -> str:
    """Points of some groups without axes: for maps, whose coordinates have no meaning of their own."""
    out, top = _legend([(f"s{i}", name) for i, name in enumerate(groups)])
    points = [point for group in groups.values() for point in group]
    height = 320
    across = Scale(*around([p[0] for p in points]), 0, WIDTH)
    up = Scale(*around([p[1] for p in points]), top + height, top)
    out.append(f'<rect class="track" x="0" y="{top}" width="{WIDTH}" height="{height}" rx="3"/>')
    for i, (name, group) in enumerate(groups.items()):
        # One path of dots per group: a line of no length with round ends is a tenth of a circle's bytes.
        dots = "".join(f"M{across(px):.1f} {up(py):.1f}h0" for px, py in group)
        out.append(f'<path class="dots s{i}" d="{dots}"><title>{text(name)}</title></path>')
    return _svg("".join(out), top + height + 4, label)


def _line(one: Series, style: str, across: Scale, up: Scale, unit: str) -> str:
    out = ""
    if one.band:
        there = "L".join(f"{across(px):g} {up(high):g}" for px, _, high in one.band)
        back = "L".join(f"{across(px):g} {up(low):g}" for px, low, _ in reversed(one.band))
        out += f'<path class="band {style}" d="M{there}L{back}Z"/>'
    path = "L".join(f"{across(px):g} {up(py):g}" for px, py in one.points)
    out += f'<path class="line {style}" d="M{path}"/>' if len(one.points) > 1 else ""
    every = 1 if one.dots else -(-len(one.points) // 40)
    for px, py in one.points[::every]:
        shape = "dot" if one.dots or len(one.points) == 1 else "touch"
        hover = f"{one.name}: {py:.4g} at {short(px)} {unit}"
        place = f'cx="{across(px):g}" cy="{up(py):g}" r="{3 if shape == "dot" else 5}"'
        out += f'<circle class="{shape} {style}" {place}><title>{text(hover)}</title></circle>'
    return out


def _legend(entries: Sequence[tuple[str, str]]) -> tuple[list[str], int]:
    """Swatches with names, wrapped; and where the drawing goes on below them."""
    out, left, top = [], 0.0, 0
    for style, name in entries:
        wide = 16 + len(visible(name)[:40]) * _LETTER + 14
        if left and left + wide > WIDTH:
            left, top = 0.0, top + 18
        out.append(f'<rect class="{style}" x="{left:g}" y="{top + 2}" width="10" height="10" rx="2"/>')
        out.append(f'<text x="{left + 15:g}" y="{top + 11}">{_cut(name, 40)}</text>')
        left += wide
    return out, top + 24 if entries else 0


def _y_grid(up: Scale, values: Sequence[float]) -> list[str]:
    lines = [f'<path class="grid" d="M{_LEFT} {up(v):g}H{_RIGHT}"/>' for v in values]
    words = [
        f'<text x="{_LEFT - 6}" y="{up(v) + 4:g}" class="end tick">{text(short(v))}</text>' for v in values
    ]
    return lines + words


def _x_tick(at: float, top: float, word: str) -> str:
    # A word in the middle of the last tick could leave the drawing.
    leaves = at + len(word) * _LETTER / 2 > WIDTH
    at, place = (WIDTH, "end") if leaves else (at, "mid")
    return f'<text x="{at:g}" y="{top + 10:g}" class="{place} tick">{text(word)}</text>'


def _cut(words: str, most: int) -> str:
    shown = visible(words)
    return text(shown) if len(shown) <= most else f"{text(shown[: most - 1])}…"


def _svg(inside: str, height: float, label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{text(label)}">{inside}</svg>'
