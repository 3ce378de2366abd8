"""Charts: every kind in every theme, words of data as text, numbers as they were given, the same bytes each time."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest

from corpus.engine.errors import UserError
from corpus.report.figures import chart as drawing
from corpus.report.figures.bars import Bar, Interval, Part, bars, intervals
from corpus.report.figures.chart import Chart
from corpus.report.figures.curves import Series, lines, scatter
from corpus.report.figures.histogram import Bin, histogram
from corpus.report.figures.style import COLOURS

HOSTILE = "</text><script>alert(1)</script>\"'&{{datum}} signal(\u202ex)"
NAMESPACE = "{http://www.w3.org/2000/svg}"


def every_kind() -> dict[str, Chart]:
    curve = [(float(x), 0.0041 / (x + 1)) for x in range(200)]
    return {
        "bars": bars(
            [
                Bar(
                    HOSTILE,
                    "1 234 · 5 %",
                    [Part(HOSTILE, 3, HOSTILE, "kept"), Part("b", 0.123456, "b", "c1")],
                ),
                Bar("second", "0", [Part("b", 0, "nothing")]),
            ],
            unit="pages",
        ),
        "histogram": histogram([Bin(0, 1, 2, HOSTILE), Bin(1, 2, 3, "3")], x="words", y="pages"),
        "panels": histogram(
            [Bin(2**at, 2 ** (at + 1), at, "x", group) for group in (HOSTILE, "b") for at in range(9)],
            x="tokens",
            y="documents",
            log=True,
        ),
        "lines": lines(
            [Series(HOSTILE, curve, [(x, y / 2, y * 2) for x, y in curve]), Series("b", curve[:1])],
            x="tokens",
            y="rate",
            zero=True,
        ),
        "scatter": scatter({HOSTILE: [(0.0, 1.0), (2.0, 3.0)], "b": [(1.0, 1.0)]}),
        "intervals": intervals(
            [Interval(HOSTILE, 0.5, 0.4, 0.6, HOSTILE, "a"), Interval("b", 0.4, None, None, "b", "b")],
            x="recall",
            percent=True,
        ),
    }


KINDS = tuple(every_kind())


def elements(svg: str) -> Iterator[ET.Element]:
    return ET.fromstring(svg).iter()


@pytest.mark.parametrize("kind", KINDS)
def test_words_of_data_are_text_in_every_theme(kind: str) -> None:
    for theme in ("page", "light", "dark"):
        svg = every_kind()[kind].svg(HOSTILE, theme)
        found = list(elements(svg))
        assert {one.tag.removeprefix(NAMESPACE) for one in found} <= {
            "svg",
            "g",
            "path",
            "line",
            "rect",
            "text",
            "title",
        }
        assert not [
            name for one in found for name in one.attrib if name.startswith("on") or name in ("href", "style")
        ]
        assert "\u202e" not in svg and found[0].attrib["role"] == "img"
        assert found[0].attrib["aria-label"].startswith("</text><script>")
    words = "".join("".join(one.itertext()) for one in found[:1])
    assert "<script>" in words or kind == "scatter"


@pytest.mark.parametrize("kind", KINDS)
def test_each_theme_uses_its_own_colours_alone(kind: str) -> None:
    chart = every_kind()[kind]
    light, dark = ({pair[at] for pair in COLOURS.values()} for at in (0, 1))
    used = {theme: set(re.findall(r'"(#[0-9a-f]{3,8}|var\([^"]*|black|white)"', chart.svg("x", theme))) for theme in ("page", "light", "dark")}  # fmt: skip
    assert used["light"] <= light and used["dark"] <= dark
    assert used["page"] <= {f"var(--{name})" for name in COLOURS}
    assert len(used["light"]) - 1 == len(used["page"]) > 1  # files have a ground of their own


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_chart_has_the_same_bytes_and_becomes_a_picture(kind: str) -> None:
    first = every_kind()[kind].svg("x")
    drawing._drawn.cache_clear()
    assert every_kind()[kind].svg("x") == first
    picture = every_kind()[kind].png(scale=1.0)
    assert picture.startswith(b"\x89PNG") and len(picture) > 500
    assert every_kind()[kind].png(scale=1.0) == picture


def test_small_numbers_are_written_in_full_on_axes_and_under_the_pointer() -> None:
    svg = every_kind()["lines"].svg("x")
    texts = [one.text or "" for one in elements(svg) if one.tag == f"{NAMESPACE}text"]
    assert {"0.002", "0.004"} <= set(texts), texts
    titles = [one.text or "" for one in elements(svg) if one.tag == f"{NAMESPACE}title"]
    assert any("0.0041 rate at 0 tokens" in title for title in titles)


def test_large_numbers_are_in_thousands_millions_and_billions() -> None:
    big = bars([Bar("a", "", [Part("a", 4e9, "a")])], unit="tokens")
    texts = {one.text for one in elements(big.svg("x")) if one.tag == f"{NAMESPACE}text"}
    assert {"1B", "4B", "tokens"} <= texts


def test_every_mark_says_its_value() -> None:
    svg = histogram([Bin(at, at + 1, at + 1, f"bin {at}") for at in range(5)], x="x", y="y").svg("alt")
    titles = [one.text for one in elements(svg) if one.tag == f"{NAMESPACE}title"]
    assert titles == [f"bin {at}" for at in range(5)]


def test_a_missing_library_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    drawing._drawn.cache_clear()
    with pytest.raises(UserError, match=r"hephaestus-forge\[report\]"):
        every_kind()["bars"].svg("x")
