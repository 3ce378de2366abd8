"""Tables, definitions, lists and headings keep their shape."""

from __future__ import annotations

import pytest

from corpus.crawl.extract.document import extract


def text(inner: str) -> str:
    return extract(f"<html><body><main><h1>Title</h1>{inner}</main></body></html>", "").text


def test_cells_of_a_row_stand_on_one_line() -> None:
    inner = "<table><tr><th>a</th><th>b</th></tr><tr><td><p>one</p><p>two</p></td><td><ul><li>x<li>y</ul></td></tr></table>"
    assert text(inner).endswith("\n\na | b\none two | x y")


def test_a_table_that_lays_a_page_out_is_no_table() -> None:
    inner = "<table><tr><td><h2>Left</h2><p>one</p></td><td><table><tr><td>1<td>2<tr><td>3<td>4</table></td></tr></table>"
    assert text(inner) == "# Title\n\n## Left\n\none\n\n1 | 2\n3 | 4"


def test_spans_of_any_size_make_no_cells() -> None:
    assert text("<table><tr><td colspan=9007199254740992>a<td>b<tr><td>c<td>d</table>").endswith(
        "a | b\nc | d"
    )


def test_terms_are_whole_and_definitions_follow_indented() -> None:
    inner = (
        "<dl><dt><code>log_directory</code> (<code>string</code>)<a class='headerlink' href='#x'>¶</a></dt>"
        "<dd><p>Where logs go.</p><p>Since 8.0.</p></dd><dt>a</dt><dt>b</dt><dd>both</dd></dl>"
    )
    assert text(inner) == (
        "# Title\n\nlog_directory (string)\n    Where logs go.\n\n    Since 8.0.\n\na\nb\n    both"
    )


def test_lists_are_nested_and_numbered() -> None:
    inner = "<ol start=3><li>three<ul><li>inner<p>more</p></li></ul></li><li><p>four</p></li></ol>"
    assert text(inner) == "# Title\n\n3. three\n   - inner\n\n     more\n4. four"


@pytest.mark.parametrize(
    "heading",
    [
        "<h2>Use it<a class='headerlink' href='#u'>¶</a></h2>",
        "<h2><a class='permalink' href='#u'>Use it</a></h2>",
        "<h2><a href='#u' aria-label='Permalink'>#</a>Use <code>it</code></h2>",
        "<h2>Use it<span class='mw-editsection'>[<a href='e'>edit</a>]</span></h2>",
        "<h2>Use<br>it<button>Copy</button></h2>",
    ],
)
def test_headings_are_clean_lines(heading: str) -> None:
    assert "\n\n## Use it\n\n" in text(f"{heading}<p>So.</p>")


def test_text_is_not_escaped() -> None:
    assert text("<p>Set *args of __init__ in a|b &lt;c&gt; [d](e).</p>").endswith(
        "\n\nSet *args of __init__ in a|b <c> [d](e)."
    )


def test_breaks_end_lines_and_two_end_paragraphs() -> None:
    assert text("<p>a<br>b<br><br>c</p>").endswith("\n\na\nb\n\nc")


def test_quotations_are_marked_and_indented_pages_are_not() -> None:
    assert "\n\n> said\n\n" in text("<p>He spoke for long.</p><blockquote>said</blockquote><p>So it was.</p>")
    assert ">" not in text("<blockquote><p>All of the page stands here.</p></blockquote>")


def test_declarations_laid_out_as_tables_are_one_line() -> None:
    inner = (
        "<table class='memname'><tr><td>void f</td><td>(</td><td>int</td><td>a</td><td>)</td></tr></table>"
    )
    assert text(inner).endswith("\n\nvoid f ( int a )")
