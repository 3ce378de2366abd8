"""What the model sees is one clean line, the same everywhere, without the site's name."""

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.relevance.features import MOST_TOKENS, fasttext_line, shape_counts, url_words

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


PLAIN = {
    "call": r"\b[A-Za-z_][\w.]*\([^()\n]{0,120}\)",
    "snake": r"\b[a-z0-9]+_[a-z0-9_]+\b",
    "camel": r"\b[a-z]+[A-Z]\w*|\b[A-Z][a-z0-9]+[A-Z]\w*",
    "dotted": r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w+)+\b",
    "upper": r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b",
    "flag": r"(?m:(?:^|[\s\[`|(])--?[a-z][\w-]*)",
    "assign": r"\w\s?(?:=|:=|=>|->)\s?[\w\"'\[{(]",
    "brace": r"[{}\[\]<>;|]",
    "path": r"(?:^|[\s\"'`(])(?:/[\w.{}:-]+){2,}",
    "method": r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD)\s+/",
    "type": r"\b(?:string|integer|boolean|bool|int|float|array|object|null|None|True|False|void)\b",
    "param": r"(?i:\b(?:param(?:eter)?s?|arg(?:ument)?s?|returns?|options?|default|required|optional)\b)",
}
PIECES = [
    *"aZ_09.,:;=-><(){}[]|/`'\" \n\t",
    "é",
    "ſ",
    "ı",
    "語",
    "=>",
    ":=",
    "->",
    "GET /",
    "POST",
    "/a/b",
    "--f",
    "f(",
    "a.bc",
]
PIECES += [
    "argſ",
    "optıon",
    "Params",
    "int",
    "None",
    "snake_case",
    "UPPER_CASE",
    "camelCase",
    "PascalCase",
    "a=b=c",
    "x = 1",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
@example(REFERENCE)
@example("a=b=c")
@example("é(x) 1foo(x) 1.foo(x) f(g(x))")
def test_shapes_are_counted_as_the_plain_patterns_say(text: str) -> None:
    assert shape_counts(text) == {
        name: sum(1 for _ in re.finditer(pattern, text)) for name, pattern in PLAIN.items()
    }
