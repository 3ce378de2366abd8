from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from statistics import mean

import pytest
from lxml import html as lxml_html

from corpus.crawl.charset import decode
from corpus.crawl.html import Description, code_share, describe, full_extract
from corpus.crawl.warc.records import Record, read_records

CODE = "def join(left, right):\n    if not left:\n\n        return right  # <first>\n\n\n    return f'{left} {right}'"
ESCAPED = CODE.replace("<", "&lt;")
PROSE = (
    "<p>"
    + "The function joins two words and returns what comes out, with one space between them. " * 4
    + "</p>"
)


def page(inner: str) -> str:
    menu = (
        "<nav><ul>"
        + "".join(f"<li><a href='/{n}'>Menu entry {n}</a></li>" for n in range(20))
        + "</ul></nav>"
    )
    return (
        f"<html><head><title> The  join\nfunction </title></head><body>{menu}"
        f"<main><h1>join</h1>{PROSE}{inner}{PROSE.replace('words', 'lines')}</main><footer>Imprint 2024</footer></body></html>"
    )


@pytest.mark.parametrize(
    ("markup", "fence"),
    [
        (f"<pre>{ESCAPED}</pre>", "```"),
        (f"<pre>\n{ESCAPED}\n</pre>", "```"),
        (f'<pre><code class="language-python">{ESCAPED}</code></pre>', "```python"),
        (
            f'<div class="highlight-python3 notranslate"><div class="highlight"><pre><span></span>{ESCAPED}'
            "</pre></div></div>",
            "```python3",
        ),
        (f"<ol><li><p>First do this:</p><pre>{ESCAPED}</pre></li></ol>", "```"),
        (f"<dl><dt>example</dt><dd><pre>{ESCAPED}</pre></dd></dl>", "```"),
        ("<pre>" + "".join(f"<div>{line or '<br>'}</div>" for line in ESCAPED.split("\n")) + "</pre>", "```"),
        (f"<pre>{ESCAPED.replace(chr(10), '<br>')}</pre>", "```"),
        (f"<pre><button>Copy</button>{ESCAPED}</pre>", "```"),
        (
            '<table class="highlighttable"><tr><td class="linenos"><pre>1\n2</pre></td>'
            f'<td class="code"><pre>{ESCAPED}</pre></td></tr></table>',
            "```",
        ),
    ],
)
def test_code_is_kept_to_the_letter(markup: str, fence: str) -> None:
    text = full_extract(page(markup), "http://example.org/").text
    assert f"\n{fence}\n{CODE}\n```\n" in text
    assert "Copy" not in text and "Menu entry" not in text
    assert text.count("return right") == 1


def test_code_that_holds_fences_gets_a_longer_fence() -> None:
    text = full_extract(page("<pre>```python\nx = 1\n```</pre>"), "").text
    assert "\n````\n```python\nx = 1\n```\n````\n" in text


def test_tables_are_kept_row_by_row() -> None:
    table = (
        "<table><thead><tr><th>name</th><th>type</th><th>meaning</th></tr></thead>"
        "<tr><td><code>left_side</code></td><td>str</td><td>the\n first\n word</td></tr>"
        "<tr><td>right*</td><td>str</td><td></td></tr></table>"
    )
    text = full_extract(page(table), "").text
    assert "\nname | type | meaning\nleft_side | str | the first word\nright* | str | \n" in text


def test_identifiers_are_not_escaped() -> None:
    text = full_extract(
        page("<p>Set <code>log_directory</code> and *args in __init__ before you call it at all.</p>"), ""
    ).text
    assert "log_directory" in text and "*args in __init__" in text


def test_title_licence_and_directives_are_read() -> None:
    head = '<meta content="NOINDEX,follow" name="Robots"><link rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">'
    found = full_extract(page("").replace("<head>", f"<head>{head}"), "", robots="noai")
    assert (found.title, found.licence, found.opt_out) == (
        "The join function",
        "CC-BY-SA-4.0",
        "noai,noindex",
    )
    assert found.code_share == 0


def test_code_share_counts_what_stands_in_fences() -> None:
    assert code_share("ab\n```x\ncde\n```\n") == pytest.approx(3 / 16)
    assert code_share("no code") == code_share("") == 0


@pytest.mark.parametrize(
    "broken", ["", " ", "<", "<!-- -->", "<?xml version='1.0' encoding='utf-8'?><html/>", "<pre>"]
)
def test_odd_pages_give_little_text_and_no_error(broken: str) -> None:
    assert full_extract(broken, "").text in ("", "<")


def code_fidelity(html: str, text: str) -> float | None:
    """Share of the page's `pre` lines that stand in `text` verbatim, indentation included.

    Blank lines do not count. None for a page without code.
    """
    tree = lxml_html.document_fromstring(html.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
    lines = [line for pre in tree.xpath("//pre") for line in pre.text_content().split("\n") if line.strip()]
    there = set(text.split("\n"))
    return sum(line.rstrip() in there or line in there for line in lines) / len(lines) if lines else None


@pytest.mark.parametrize("body", ["", "<pre>x = 1</pre>", "<h1>Other</h1>"])
def test_a_description_says_what_full_extraction_says(body: str) -> None:
    head = '<meta content="NOINDEX" name="Robots"><link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
    html = page(body).replace("<head>", f"<head>{head}")
    full = full_extract(html, "", robots="noai")
    same = {field.name: getattr(full, field.name) for field in dataclasses.fields(Description)}
    assert describe(html, robots="noai") == Description(**same)
    assert (full.title, full.licence, full.opt_out) == ("The join function", "CC-BY-4.0", "noai,noindex")


def test_code_of_real_pages_is_kept(shared_data: Path) -> None:
    path = shared_data / "web" / "mini.warc.gz"
    scores = []
    with open(path, "rb") as stream:
        for record in read_records(stream, path.name, os.path.getsize(path)):
            if isinstance(record, Record) and b"<pre" in record.payload:
                html, _ = decode(record.payload, record.charset)
                score = code_fidelity(html, full_extract(html, record.url).text)
                scores += [] if score is None else [score]
    assert len(scores) > 50
    assert mean(scores) > 0.98
