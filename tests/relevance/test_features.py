"""What the model sees is one clean line, the same everywhere, without the site's name."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.relevance.features import MOST_TOKENS, fasttext_line, url_words

REFERENCE = (
    "open(path, mode='r')\n    Parameters: path (str) required. Returns a file object.\n\nGET /v1/files/{id}"
)


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_any_text_gives_one_line_without_labels(text: str) -> None:
    line = fasttext_line(text, "https://example.org/" + text)
    assert "\n" not in line and "__label__" not in line and "\0" not in line
    assert len(line.split()) < 2 * MOST_TOKENS + 200
    assert (line == "") == (not text.replace("\0", " ").strip())


def test_a_page_cannot_bring_a_label_of_its_own() -> None:
    assert "__label__" not in fasttext_line("__label__agent __LABEL__agent of the word")


def test_the_host_never_shows_and_the_path_does() -> None:
    line = fasttext_line(REFERENCE, "https://docs.zebra-site.org/reference/open_file.html?q=secret#part")
    assert "url_reference" in line.split() and "url_open" in line.split()
    assert not any(word in line for word in ("zebra", "secret", "url_docs", "url_part"))
    assert url_words("http://[broken") == []


def test_structure_tells_reference_from_prose() -> None:
    prose = "The sun went down over the hills. She walked home slowly. Nobody was there to see it. " * 3
    assert "shape_call_0" in fasttext_line(prose).split()
    assert "shape_call_0" not in fasttext_line(REFERENCE).split()
    assert "shape_method_0" not in fasttext_line(REFERENCE).split()
