from __future__ import annotations

import pytest

from corpus.crawl.extract.document import extract
from corpus.crawl.html import OURS, TRAFILATURA, full_extract

INNER = "<pre>one\n  two</pre><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
PAGE = f"<html><body><main><h1>Gate</h1><p>Text of the page.</p>{INNER}</main></body></html>"
NEWS = "The council met on Monday and spoke about the gate for a long time, as it had done before. "


def test_fidelity_is_the_share_of_code_lines_and_cells_in_the_text() -> None:
    page = extract(PAGE, "")
    assert page.fidelity == page.fidelity_of(page.text) == 1
    assert page.fidelity_of("one\n  two\nx | b") == pytest.approx(3 / 6)
    assert page.fidelity_of("one\ntwo") == pytest.approx(1 / 6)
    assert extract("<p>prose</p>", "").fidelity == 1


def article(head: str, inner: str = "") -> str:
    prose = "".join(
        f"<p>On day {n} this was said. {NEWS.replace('gate', f'gate {n}')}</p>" for n in range(12)
    )
    return f"<html><head><title>News</title>{head}</head><body><article><h1>Gate opens</h1>{prose}{inner}</article></body></html>"


def test_articles_are_read_by_trafilatura_and_documentation_is_not() -> None:
    says = "<meta property='og:type' content='article'>"
    assert full_extract(article(says), "https://example.org/2024/gate").extractor == TRAFILATURA
    assert full_extract(article(says), "https://docs.example.org/gate").extractor == OURS
    assert full_extract(article(""), "https://example.org/2024/gate").extractor == OURS
    code = "<pre>" + "line of code = 1\n" * 60 + "</pre>"
    assert full_extract(article(says, code), "https://example.org/2024/gate").extractor == OURS
    sphinx = says + "<meta name='generator' content='Sphinx 7'>"
    assert full_extract(article(sphinx), "https://example.org/2024/gate").extractor == OURS
