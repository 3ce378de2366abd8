"""Links of hostile and of ordinary pages."""

from __future__ import annotations

from corpus.harvest.links import MOST_LINKS, links_of

PAGE = "https://docs.x.org/guide/a.html"


def test_links_are_resolved_normalised_and_told_once() -> None:
    html = """<html><body><a href="b.html">b</a><a href="./b.html#part">again</a><a href="/api/">api</a>
    <a href="//other.org/x?b=2&a=1&utm_source=me">other</a><area href="../up/"><a href="HTTP://DOCS.X.ORG/Q">q</a>
    <a href="a.html#self">self</a><a href="#here">here</a></body></html>"""
    assert links_of(html, PAGE) == [
        "docs.x.org/guide/b.html",
        "docs.x.org/api",
        "other.org/x?a=1&b=2",
        "docs.x.org/up",
        "docs.x.org/Q",
    ]


def test_a_base_is_honoured_unless_it_is_none() -> None:
    page = '<head><base href="{}"></head><a href="c.html">c</a>'
    assert links_of(page.format("/api/v2/"), PAGE) == ["docs.x.org/api/v2/c.html"]
    for none in ("javascript:x", "http://[broken", "ftp://x.org/"):
        assert links_of(page.format(none), PAGE) == ["docs.x.org/guide/c.html"]


def test_what_is_no_address_of_a_page_is_left_out() -> None:
    bad = [
        "javascript:alert(1)",
        "mailto:a@x.org",
        "data:text/html,x",
        "http://[::1",
        "http://x:port/",
        " ",
        "x" * 3000,
    ]
    html = "".join(f'<a href="{href}">x</a>' for href in bad) + "<a>none</a>"
    assert links_of(html, PAGE) == []
    assert links_of("", PAGE) == [] and links_of("\x00<", PAGE) == []


def test_a_page_of_links_without_end_is_cut() -> None:
    html = "".join(f'<a href="/p{n}">x</a>' for n in range(MOST_LINKS + 50))
    assert len(links_of(html, PAGE)) == MOST_LINKS
