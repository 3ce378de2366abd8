"""The page in a real browser: quiet, whole without scripts, readable in both themes and on a phone, never run by data."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from corpus.engine.config import build
from corpus.report import page
from corpus.report.config import ReportConfig
from corpus.report.parts import figures_of
from corpus.report.run import measured, run
from tests.report import synthetic
from tests.report.chromium import CHROMIUM, Browser, browser, served

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
HOSTILE = (
    "</script></style></title><script>window.ran=1</script><img src=x onerror=window.ran=2>"
    "<svg onload=window.ran=3><a href=javascript:window.ran=4>x</a>\"'--><iframe src=//evil.example>"
    "\u202e\u2066\u200b\x00\x1b[31m"
)
PICTURES = os.environ.get("REPORT_PICTURES", "")  # a folder to keep the screenshots in, for people
THEMES = {"light": False, "dark": True}

# Contrast of all texts against the first ground below them that is not clear, by the formula of WCAG 2.
CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => { if (!known.has(colour)) { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1); known.set(colour, canvas.getImageData(0, 0, 1, 1).data); } return known.get(colour); };
  const light = (c) => { const [r, g, b] = [...c].slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
    if (c[3] > 250) return c; } return rgba('Canvas'); };
  let worst = [99, ''];
  for (const e of document.querySelectorAll('h1, h2, h3, p, li, td, th, caption div, a, summary, dt, dd, span, text')) {
    if (!e.textContent.trim() || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), paint = e.namespaceURI.endsWith('svg') ? style.fill : style.color;
    if (paint === 'none') continue;
    const [a, b] = [light(rgba(paint)), light(ground(e))].sort((x, y) => y - x);
    const found = (a + 0.05) / (b + 0.05);
    if (found < worst[0]) worst = [found, e.tagName + ': ' + e.textContent.slice(0, 60)];
  }
  return worst;
})()
"""
SHAPES = """
[...document.querySelectorAll('main figure svg')].map(svg => {
  const box = svg.getBoundingClientRect();
  return [box.width, box.height, svg.querySelectorAll('path, rect, line, text').length, svg.getAttribute('aria-label')];
})
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every stage, with markup that wants to be run in names, titles, addresses and reasons."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "SCRIPT", HOSTILE)
        patch.setattr(synthetic, "REVERSED", "javascript:window.ran=5//\u202egnp")
        return synthetic.make_workspace(tmp_path_factory.mktemp("browser") / "demo")


@pytest.fixture(scope="module")
def report(workspace: Path) -> Path:
    run(build(ReportConfig, {"input": str(workspace)}))
    run(
        build(
            ReportConfig,
            {"input": [str(workspace), str(workspace / "seeds")], "output": str(workspace / "two")},
        )
    )
    return workspace


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def complaints(tab: Browser) -> list[Any]:
    """What the console, the network and dialogs had to say."""
    failed = tab.told("Network.loadingFailed", "Runtime.exceptionThrown", "Page.javascriptDialogOpening")
    said = tab.told("Runtime.consoleAPICalled", "Log.entryAdded")
    answers = [event["params"]["response"] for event in tab.told("Network.responseReceived")]
    return [*failed, *said, *(answer["url"] for answer in answers if answer["status"] >= 400)]


@pytest.mark.parametrize("folder", ["report", "two"])
def test_the_page_loads_itself_alone_without_a_complaint(report: Path, tab: Browser, folder: str) -> None:
    tab.look()
    with served(report / folder) as (address, asked):
        tab.open(f"{address}/index.html")
        assert complaints(tab) == []
        assert asked == ["/index.html 200"]
    assert tab.value("window.ran") is None and tab.value("document.title").endswith("corpus report")


def test_what_the_data_wants_run_is_shown_and_not_run(report: Path, tab: Browser) -> None:
    tab.look()
    tab.open((report / "report" / "index.html").as_uri())
    tab.value("document.querySelectorAll('details').forEach(one => one.open = true)")
    tab.value(
        "document.querySelectorAll('a, button, summary').forEach(one => one.dispatchEvent(new Event('focus')))"
    )
    assert tab.value("window.ran") is None
    assert tab.value("document.querySelectorAll('script').length") == 1
    assert (
        tab.value(
            "document.querySelectorAll('iframe, img, object, embed, form, base, [onload], [onerror]').length"
        )
        == 0
    )
    links = tab.value("[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))")
    assert links and not [
        link for link in links if link.strip().lower().startswith(("javascript:", "data:", "vbscript:"))
    ]
    shown = tab.value("document.body.textContent")
    assert "<script>window.ran=1</script>" in shown and "javascript:window.ran=5" in shown
    assert not set(shown) & set("\u202e\u2066\u200b\x00\x1b")


def test_charts_are_drawn_with_scripts_and_without(report: Path, tab: Browser) -> None:
    config = build(ReportConfig, {"input": str(report)})
    figures = list(figures_of(page.sections(measured(config))))
    for scripts in (True, False):
        tab.look(scripts=scripts)
        tab.open((report / "report" / "index.html").as_uri())
        shapes = tab.value(SHAPES)
        assert len(shapes) == len(figures) > 12
        for width, height, marks, label in shapes:
            assert width > 200 and height > 40 and marks > 3 and len(label) > 20
        made = tab.value("document.querySelectorAll('th button').length")
        assert (made > 40) == scripts  # sorting is what the script adds
        numbers = tab.value("document.querySelectorAll('td[data-v]').length")
        assert numbers > 300
    tab.look()


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_all_text_has_contrast_in_both_themes(report: Path, tab: Browser, theme: str) -> None:
    tab.look(dark=THEMES[theme])
    tab.open((report / "report" / "index.html").as_uri())
    keep(tab.picture(), f"{theme}.png")
    worst, where = tab.value(CONTRAST)
    assert worst >= 4.5, where
    light = tab.value("getComputedStyle(document.body).backgroundColor") + str(
        tab.value("matchMedia('(prefers-color-scheme: dark)').matches")
    )
    assert light.endswith(str(THEMES[theme]))


@pytest.mark.parametrize("folder", ["report", "two"])
def test_on_a_phone_nothing_is_wider_than_the_screen(report: Path, tab: Browser, folder: str) -> None:
    tab.look(width=390, height=844)
    tab.open((report / folder / "index.html").as_uri())
    keep(tab.picture(), f"phone-{folder}.png")
    assert tab.value("document.scrollingElement.scrollWidth") <= 390
    least = tab.value(
        "Math.min(...[...document.querySelectorAll('p, td, th, li')].map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert least >= 11
    tab.look()


def test_tables_sort_and_filter_by_keyboard_and_headings_are_in_order(report: Path, tab: Browser) -> None:
    tab.look()
    tab.open((report / "report" / "index.html").as_uri())
    sort = """
    (() => { const table = [...document.querySelectorAll('table')].find(t => t.tBodies[0].rows.length > 8 && t.querySelector('th.n button'));
      const head = table.querySelector('th.n'), at = head.cellIndex; head.querySelector('button').click();
      return [head.getAttribute('aria-sort'), [...table.tBodies[0].rows].map(r => Number(r.cells[at].dataset.v))]; })()
    """
    state, values = tab.value(sort)
    assert state == "descending" and values == sorted(values, reverse=True) and len(set(values)) > 1
    filtered = """
    (() => { const input = document.querySelector('input[type=search]'); const scope = input.closest('.scroll') || input.closest('div').parentElement;
      const rows = () => [...scope.querySelectorAll('tbody tr')].filter(r => !r.hidden).length; const before = rows();
      input.value = 'no row has this text'; input.dispatchEvent(new Event('input')); return [before, rows()]; })()
    """
    before, after = tab.value(filtered)
    assert after < before
    levels = tab.value("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))
    unnamed = "[...document.querySelectorAll('svg, input, section, nav')].filter(e => !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby') && !(e.labels || []).length)"
    assert tab.value(f"{unnamed}.map(e => e.tagName)") == []


@pytest.mark.slow
def test_the_page_can_be_printed(report: Path, tab: Browser) -> None:
    tab.look()
    tab.open((report / "report" / "index.html").as_uri())
    pdf = base64.b64decode(tab.ask("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF") and pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") > 3


def keep(picture: bytes, name: str) -> None:
    """Put a screenshot aside if somebody wants to look at it; a blank page of any size is a few kilobytes."""
    assert picture.startswith(b"\x89PNG") and len(picture) > 100_000
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        (Path(PICTURES) / name).write_bytes(picture)
