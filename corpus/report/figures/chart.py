"""A finished description to pictures: inline SVG for the page, SVG and PNG as files.

The library draws in the light theme. What it adds for its own runtime (roles, empty frames) is taken out
again, the words for each mark become its `<title>`, which browsers show on hover without any script, and
the colours are exchanged for those of the wanted theme.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from corpus.engine.errors import UserError
from corpus.report.figures.style import COLOURS, DARK, LIGHT, PAGE, colour, config
from corpus.report.markup import visible

PIXELS = 3.0  # of a PNG per unit of the drawing: about 250 dots per inch at the width of a column

_MARK = re.compile(
    r'<(path|line|rect) aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="[^"]*"([^>]*?)/>'
)
_FRAME = re.compile(r'<path class="(?:background|foreground)"[^>]*/>')
_RUNTIME = re.compile(
    r' (?:role|aria-roledescription|aria-label|aria-hidden|pointer-events|xmlns:xlink|version)="[^"]*"'
)
_EMPTY_GROUP = re.compile(r"<g[^>]*/>|<g(?:[^>]*[^/>])?></g>")
_PLACE = re.compile(r' (?:d|transform|x|y|x2|y2|width|height)="[^"]*"')
_DIGITS = re.compile(r"(\d\.\d\d)\d+")
_NO_EFFECT = re.compile(r' (?:opacity="1"|stroke-width="1"|font-weight="normal")')
_COLOUR = re.compile(r'"(#[0-9a-f]{6})"')
_LETTERS = re.compile(r' font-family="[^"]*"')
_SIZE = re.compile(r' width="[\d.]+" height="[\d.]+"(?= viewBox)')


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite description without its style; `kind` tells the page's script what can be done with it."""

    kind: str
    spec: Mapping[str, Any]

    def svg(self, alt: str, theme: str = PAGE) -> str:
        """One `<svg>` element, labelled with `alt`.

        For `page` the colours are the page's CSS variables and the letters its own; for `light` and `dark`
        it is complete with its ground, to stand alone.
        """
        drawn = _drawn(json.dumps(self.spec, ensure_ascii=False, sort_keys=True))
        label = f' role="img" aria-label="{html.escape(visible(alt))}"'
        if theme == PAGE:
            body = _COLOUR.sub(lambda m: f'"{_VARIABLES.get(m[1], m[1])}"', _LETTERS.sub("", drawn))
            return _SIZE.sub("", body, count=1).replace("<svg ", f"<svg{label} ", 1)
        ground = f'<rect width="100%" height="100%" fill="{colour("paper")}"/>'
        body = re.sub(r"(<svg [^>]*>)", lambda m: m[1] + ground, drawn, count=1)
        if theme == DARK:
            body = _COLOUR.sub(lambda m: f'"{_DARK.get(m[1], m[1])}"', body)
        return body.replace("<svg ", f"<svg{label} ", 1)

    def png(self, theme: str = LIGHT, scale: float = PIXELS) -> bytes:
        """The same picture in pixels."""
        found: bytes = _library().svg_to_png(self.svg("", theme), scale=scale)
        return found


_VARIABLES = {light: f"var(--{name})" for name, (light, _) in COLOURS.items()}
_DARK = dict(COLOURS.values())


@lru_cache(maxsize=256)
def _drawn(spec: str) -> str:
    """The chart in the light theme, cleared of what only the library's own runtime uses."""
    full = {**json.loads(spec), "config": config(), "background": None, "padding": 4}
    svg: str = _library().vegalite_to_svg(full, allowed_base_urls=[])  # a chart never loads anything
    svg = _MARK.sub(r"<\1\3><title>\2</title></\1>", svg)
    svg = _RUNTIME.sub("", _FRAME.sub("", svg))
    svg = _PLACE.sub(lambda place: _DIGITS.sub(r"\1", place[0]), _NO_EFFECT.sub("", svg))
    while (smaller := _EMPTY_GROUP.sub("", svg)) != svg:
        svg = smaller
    return svg


def _library() -> Any:
    """Imported when a picture is drawn: numbers and tables do without it."""
    try:
        import vl_convert
    except ImportError as error:
        raise UserError(
            "figures are drawn with vl-convert-python, which is not installed; "
            "pip install 'hephaestus-forge[report]' brings it."
        ) from error
    return vl_convert
