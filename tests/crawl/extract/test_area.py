"""What surrounds a page's content goes, in the conventions of many generators; content that looks like it stays."""

from __future__ import annotations

import pytest

from corpus.crawl.extract.document import extract

PROSE = "<p>" + "The gate lets through what its rules allow, and says so. " * 3 + "</p>"
MENU = "<ul>" + "".join(f"<li><a href='/p{n}.html'>Entry {n}</a></li>" for n in range(25)) + "</ul>"


def text(body: str, title: str = "Gate guide", url: str = "https://example.org/docs/gate.html") -> str:
    return extract(f"<html><head><title>{title}</title></head><body>{body}</body></html>", url).text


@pytest.mark.parametrize(
    "body",
    [
        f"<nav>{MENU}</nav><main><h1>Gate</h1>{PROSE}</main><footer>Imprint</footer>",
        f"<div class='sphinxsidebar'>{MENU}</div><div class='document'><div class='body' role='main'><h1>Gate</h1>{PROSE}</div></div>",
        f"<div id='sidebar'>{MENU}</div><div class='markdown-body'><h1>Gate</h1>{PROSE}</div>",
        f"<div class='md-sidebar'>{MENU}</div><article class='md-content__inner'><h1>Gate</h1>{PROSE}</article>",
        f"<table><tr><td>{MENU}</td><td><div id='content'><h1>Gate</h1>{PROSE}</div></td></tr></table>",
        f"<p>[<a href='a'>Prev</a>] [<a href='b'>Up</a>] [<a href='c'>Next</a>]</p><h1>Gate</h1>{PROSE}<hr><p>Copyright 1999 A. Person</p>",
        f"<div id='header'><h1>Gate</h1></div><div id='content'>{PROSE}</div><div id='footer'>Last updated 2020</div>",
        f"<div class='header'><div class='summary'><a href='#a'>Members</a></div><div class='title'>Gate</div></div><div class='contents'>{PROSE}</div>",
        f"<main><h1>Gate</h1>{PROSE}<p><a href='e'>Edit this page</a></p><div class='pagination'><a href='n'>Next page</a></div></main>",
        f"<div hidden>Secret {PROSE}</div><main><h1>Gate</h1>{PROSE}</main>",
    ],
)
def test_only_the_content_is_left(body: str) -> None:
    assert text(body) == f"# Gate\n\n{PROSE[3:-4].strip()}"


def test_the_content_of_a_stub_is_not_outweighed_by_its_menu() -> None:
    menus = f"<div class='menu'>{MENU}</div>" * 3
    assert (
        text(f"{menus}<div role='main'><h1>trust.schema module</h1></div><footer>{PROSE}</footer>")
        == "# trust.schema module"
    )


def test_a_page_that_is_nothing_but_links_is_kept() -> None:
    assert "- Entry 24" in text(f"<div class='sidebar'>{MENU}</div>")


def test_lists_of_links_in_the_content_are_content() -> None:
    found = text(f"<main><h1>Gate</h1>{PROSE}<div class='toctree-wrapper'>{MENU}</div></main>")
    assert "- Entry 0\n- Entry 1\n" in found


def test_a_table_of_contents_that_repeats_the_headings_goes() -> None:
    contents = "<div id='toc'><h2>Contents</h2><ul><li><a href='#a'>1 First</a><li><a href='gate.html#b'>2 Second</a></ul></div>"
    found = text(f"<main><h1>Gate</h1>{contents}<h2>First</h2>{PROSE}<h2>Second</h2>{PROSE}</main>")
    assert [line for line in found.split("\n") if line.startswith("#")] == ["# Gate", "## First", "## Second"]
    assert "1 First" not in found


def test_references_to_sections_are_no_table_of_contents() -> None:
    links = "<ul>" + "".join(f"<li><a href='#s{n}'>Section {n}</a></li>" for n in range(3)) + "</ul>"
    sections = "".join(f"<h2 id='s{n}'>Section {n}</h2>{PROSE}" for n in range(12))
    assert "- Section 2" in text(f"<main><h1>Gate</h1>{sections}<h2>Subclasses</h2>{links}</main>")


def test_a_menu_with_a_link_to_this_page_goes() -> None:
    menu = MENU.replace("</ul>", "<li><a href='/docs/gate.html'>Gate</a></li></ul>")
    assert "Entry" not in text(f"<div>{menu}</div><div><h1>Gate</h1>{PROSE * 4}</div>")


@pytest.mark.parametrize("name", ["cookies", "search", "menu", "footer", "comments"])
def test_sections_on_the_parts_of_pages_are_content(name: str) -> None:
    section = f"<div class='section' id='{name}'><h2>The {name}</h2>{PROSE}</div>"
    other = f"<div id='{name}'><h2>{name.title()}</h2>{PROSE}</div>"
    found = text(f"<main><h1>Gate</h1>{PROSE}{section}{PROSE}{other}{PROSE}</main>")
    assert f"## The {name}" in found and f"## {name.title()}" in found


def test_the_end_of_the_content_is_no_navigation() -> None:
    inner = "<ul><li><a href='t.html'>Topics on top</a></li><li><a href='h.html'>Home Assistant</a></li></ul>"
    assert text(f"<main><h1>Gate</h1>{PROSE}{inner}</main>").endswith("- Topics on top\n- Home Assistant")


def test_frames_give_what_they_say_without_frames() -> None:
    page = "<html><head><title>t</title></head><frameset><frame src='a'><noframes><body><p>No frames.</p></body></noframes></frameset></html>"
    assert extract(page, "").text == "No frames."
