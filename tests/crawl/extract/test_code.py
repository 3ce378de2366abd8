"""Code stays to the letter in the markup of many generators."""

from __future__ import annotations

import pytest

from corpus.crawl.extract.document import extract

CODE = "def join(left):\n    if left:\n\n        return left"
ROWS = CODE.split("\n")
NUMBERS = "\n".join(str(n + 1) for n in range(len(ROWS)))


def text(inner: str) -> str:
    return extract(f"<html><body><main><h1>join</h1><p>It joins.</p>{inner}</main></body></html>", "").text


@pytest.mark.parametrize(
    "markup",
    [
        "<pre>" + "\n".join(f"<span class='lineno'>{n}</span>{row}" for n, row in enumerate(ROWS)) + "</pre>",
        "<pre>" + "".join(f"<span class='line'>{row or ' '}</span>" for row in ROWS) + "</pre>",
        "<pre>" + "\n".join(f"<div>{row or '<br>'}</div>" for row in ROWS) + "</pre>",
        "<pre><ol>" + "".join(f"<li>{row or '<br>'}</li>" for row in ROWS) + "</ol></pre>",
        "<pre><code><table class='hljs-ln'>"
        + "".join(f"<tr><td class='hljs-ln-numbers'></td><td>{row}</td></tr>" for row in ROWS)
        + "</table></code></pre>",
        f"<table class='rouge-table'><tr><td class='gutter'><pre>{NUMBERS}</pre></td><td><pre>{CODE}</pre></td></tr></table>",
        f"<table><tr><td><pre><code>{NUMBERS}\n</code></pre></td><td><pre><code>{CODE}</code></pre></td></tr></table>",
        "<table class='highlight'>"
        + "".join(f"<tr><td data-line-number='{n}'></td><td>{row}</td></tr>" for n, row in enumerate(ROWS))
        + "</table>",
        "<div class='fragment'>" + "".join(f"<div class='line'>{row}&nbsp;</div>" for row in ROWS) + "</div>",
        f"<dl><dt>join</dt><dd>Joins.<pre>{CODE}</pre></dd></dl>",
        f"<ul><li>First<ul><li>Then<pre>{CODE}</pre></li></ul></li></ul>",
        f"<table><tr><th>use</th><td>so</td></tr><tr><th>example</th><td><pre>{CODE}</pre></td></tr></table>",
        f"<div hidden role='tabpanel'><pre>{CODE}</pre></div>",
    ],
)
def test_lines_are_those_that_a_browser_shows(markup: str) -> None:
    found = [line.rstrip("\xa0 ") for line in text(markup).split("\n")]
    start = found.index(ROWS[0])
    assert [line for line in found[start : start + 4] if line] == [row for row in ROWS if row]
    assert found[start - 1].startswith("```") and "4" not in found


@pytest.mark.parametrize(
    ("opening", "language"),
    [
        ("<pre class='brush: js; gutter: false'>", "js"),
        ("<pre data-lang='go'>", "go"),
        ("<pre><code class='hljs language-c++'>", "c++"),
        ("<div class='highlight-source-shell'><pre>", "shell"),
        ("<div class='highlight-default notranslate'><div class='highlight'><pre>", ""),
        ("<pre class='src src-python'>", "python"),
    ],
)
def test_the_language_is_the_one_that_the_page_names(opening: str, language: str) -> None:
    assert f"\n```{language}\nx = 1\n```" in text(f"{opening}x = 1")


def test_numbers_outside_of_tables_are_code() -> None:
    assert "```\n1\n2\n3\n```" in text("<pre>1\n2\n3</pre>")


def test_carriage_returns_are_line_ends() -> None:
    assert "```\nfirst\n  second\n```" in text("<pre>first&#13;&#10;  second</pre>")
