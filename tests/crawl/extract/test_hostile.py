"""Pages made to break parsers end, in bounded time, with what text they have."""

from __future__ import annotations

import time

import pytest

from corpus.crawl.html import OURS_CUT, full_extract

PAGES = {
    "nested divs": ("<h1>top</h1>" + "<div>" * 5_000, "# top"),
    "nested tables": ("<table><tr><td>x<td>" * 5_000, "x"),
    "nested lists": ("<ul><li>x" * 5_000, "- x"),
    "nested menus": ("<p>top</p>" + "<div class=toc>" * 2_000 + "<a href=#a>x</a>" * 3_000, "top"),
    "paragraphs": ("<p>some text</p>" * 200_000, "some text\n\nsome text"),
    "links": ("<a href='#x'>text</a> " * 100_000, "text text"),
    "list of links": ("<ul>" + "<li><a href='#x'>text</a>" * 100_000, "- text\n- text"),
    "rows": ("<table>" + "<tr><td>a<td>b<td>c" * 20_000, "a | b | c\n"),
    "nested articles": ("<article>" * 2_000 + "<p>some text</p>" * 100_000, "some text\n\nsome text"),
    "nested ways on": ("<div><a href='/w'>w</a>" * 900 + "<h1>top</h1>" + "<p>x</p>" * 100_000, "# top"),
    "attributes": ("<div " + " ".join(f"a{n}=v" for n in range(300_000)) + ">text</div>", "text"),
    "NUL": ("<p>a\0b</p><pre>x\0\n  y</pre>", "  y"),
    "lines": ("<pre>" + "    x = 1\n" * 100_000, "\n    x = 1\n    x = 1\n"),
    "line spans": ("<pre>" + "<span class=line>a</span>" * 30_000, "a\na\n"),
    "breaks": ("<p>" + "x<br>" * 100_000, "x\nx\n"),
    "names": ("".join(f"<div class='a{n} nav-{n}' id=z{n}>t</div>" for n in range(30_000)), "t\nt\n"),
}


@pytest.mark.parametrize("name", PAGES)
def test_hostile_pages_end_with_their_text(name: str) -> None:
    markup, expected = PAGES[name]
    start = time.process_time()
    found = full_extract(f"<html><body>{markup}", "https://example.org/x.html")
    assert expected in found.text
    assert time.process_time() - start < 30  # far above what it takes; a quadratic step takes minutes


def test_a_page_that_is_too_deep_says_so() -> None:
    assert full_extract("<p>top</p>" + "<div>" * 5_000, "").extractor == OURS_CUT
