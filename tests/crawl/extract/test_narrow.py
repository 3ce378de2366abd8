"""Text is found where it stands, among any amount of navigation, without a name or landmark to tell it."""

from __future__ import annotations

import pytest

from corpus.crawl.extract.document import extract

SENTENCE = "Pears ripen off the tree."
PROSE = "The basket holds forty apples, and not one more than that. " * 3


def links(count: int, tag: str = "div") -> str:
    return "".join(f"<{tag}><a href='/x{n}'>Entry number {n}</a></{tag}>" for n in range(count))


def text(body: str, title: str = "Pears") -> str:
    page = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    return extract(page, "https://example.org/docs/pears.html").text


FOOT = f"<div class='k9'><div>{links(28)}</div><div>(c) 2024 Keepers</div></div>"


@pytest.mark.parametrize("count", [5, 90, 400])
def test_a_sentence_among_unnamed_links_is_all_that_is_left(count: int) -> None:
    content = f"<div class='b2'><h1>Pears</h1><div>{SENTENCE}</div></div>"
    around = f"<div class='a1'>{links(count)}</div>{content}{FOOT}"
    assert text(f"<div class='z'>{around}</div>") == f"# Pears\n\n{SENTENCE}"


def test_the_links_of_a_page_of_contents_stay_beside_its_heading() -> None:
    content = f"<div><h1>Pears</h1><p>{SENTENCE}</p><div>{links(30)}</div></div>"
    found = text(f"<div class='a1'>{links(60, 'p').replace('number', 'of menu')}</div>{content}")
    assert "Entry number 29" in found and "of menu" not in found


@pytest.mark.parametrize(
    "behind", [f"<div>{PROSE}</div>", "<p>See <a href='/p'>plums</a>.</p>", "<div><pre>a = 1</pre></div>"]
)
def test_text_behind_the_block_of_the_heading_stays(behind: str) -> None:
    found = text(f"<div>{links(60)}</div><div><div><h1>Pears</h1><p>{SENTENCE}</p></div>{behind}</div>")
    assert "Entry" not in found
    assert len(found.split("\n\n")) == 3


def test_text_before_the_heading_stays() -> None:
    assert PROSE.strip() in text(
        f"<div>{PROSE}</div><div>{links(9)}</div><div><h1>Pears</h1>{SENTENCE}</div>"
    )


def test_the_ways_before_and_behind_go() -> None:
    ways = "<div><a href='/a'>Grafting</a><a href='/b'>Pruning</a></div>"
    page = f"<div>{links(60)}</div><div><div><h1>Pears</h1><div>{SENTENCE}</div></div>{ways}</div>"
    assert text(page) == f"# Pears\n\n{SENTENCE}"


def test_a_lone_article_is_the_page_where_no_prose_stands_beside_it() -> None:
    rows = "".join(f"<tr><td>file{n}</td><td>Fix file{n}</td></tr>" for n in range(30))
    page = f"<div><table>{rows}</table><article><p>{SENTENCE}</p></article></div>"
    assert text(page) == SENTENCE
    assert "file29" in text(page.replace("<table>", f"<p>{PROSE}</p><table>"))


def test_articles_that_are_cards_stay_together() -> None:
    cards = "".join(f"<article><h2>Card {n}</h2><p>{SENTENCE}</p></article>" for n in range(3))
    assert text(f"<div><h1>Pears</h1>{cards}</div>").count(SENTENCE) == 3


def test_the_ways_on_go_where_only_style_parts_their_labels_from_them() -> None:
    ways = "<div><a href='/p'><b>Previous</b>Plums</a><a href='/n'><b>Next</b>Quinces</a></div>"
    assert text(f"<main><h1>Pears</h1><p>{PROSE}</p>{ways}</main>") == f"# Pears\n\n{PROSE.strip()}"


def test_an_empty_main_area_is_an_empty_page() -> None:
    assert text(f"<header>{links(9)}</header><main id='app'></main><footer>{links(40)}</footer>") == ""


@pytest.mark.parametrize(
    "widget",
    [
        f"<form><h3>Your answer</h3><p>{SENTENCE}</p></form>",
        f"<div class='d-print-none'><h2>Feedback</h2><p>{SENTENCE}</p></div>",
        f"<div id='docComments'><h2>Submit correction</h2><p>{SENTENCE}</p></div>",
        f"<div id='comments' class='comment-wrapper'><h2>Comments</h2><p>{SENTENCE}</p></div>",
        f"<div role='dialog'><h4>Install</h4><pre>install pears</pre><p>{SENTENCE}</p></div>",
        f"<div role='complementary'><h3>Related</h3><p>{SENTENCE}</p></div>",
        f"<aside class='md-banner'>{SENTENCE}</aside>",
        f"<address>{SENTENCE}</address>",
        "<a rel='next' href='/n'>Plums and their stones</a>",
        "<div><label for='s'>Sorted by:</label><select id='s'><option>Age</option></select></div>",
        f"<p class='sr-only'>{SENTENCE}</p>",
    ],
)
def test_widgets_go_with_their_headings(widget: str) -> None:
    page = f"<main><h1>Pears</h1><p>{PROSE}</p>{widget}<p>{PROSE.replace('apples', 'pears')}</p></main>"
    assert SENTENCE not in text(page) and "Sorted" not in text(page) and "Plums" not in text(page)
    assert text(page).count("basket") == 6 and "###" not in text(page) and "## " not in text(page)[2:]


def test_the_entries_of_a_list_to_tick_off_are_text() -> None:
    entries = "".join(
        f"<div><input type='checkbox' id='i{n}'><label for='i{n}'>{n} pears</label></div>" for n in "234"
    )
    assert text(f"<main><h1>Pears</h1><p>{PROSE}</p>{entries}</main>").endswith("2 pears\n3 pears\n4 pears")


def test_declarations_and_headings_stay_whatever_else_they_are_named() -> None:
    head = "<div class='header monospace'>def <a href='#f'>fly</a>(<a href='w'>Wind</a>)</div>"
    found = text(f"<main><h1>Pears</h1><h2 class='heading-anchor'>Flying</h2>{head}<p>{PROSE}</p></main>")
    assert "## Flying" in found and "def fly(Wind)" in found
