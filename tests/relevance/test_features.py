"""What the model sees is one clean line, the same everywhere, without the site's name."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.relevance.fasttext_model import PAD
from corpus.relevance.features import bag, fasttext_line, rough_bag, shape_counts, url_words
from corpus.relevance.features.bag import HEAD, MIDDLE
from corpus.relevance.features.concepts import concepts

REFERENCE = (
    "open(path, mode='r')\n    Parameters: path (str) required. Returns a file object.\n\nGET /v1/files/{id}"
)
PROSE = "The sun went down over the hills. She walked home slowly. Nobody was there to see it. " * 3


def seen(text: str, url: str = "") -> set[str]:
    return {token for token, _ in bag(text, url)}


@settings(max_examples=50, deadline=None)
@given(st.text())
@example("\ud800 lone surrogate")
@example(f"a {PAD} b </s> c")
@example("\x1c\x1d\x1e\x1f\x01\x15\x85\u2028\u2029\u200b\ufeff")
def test_any_text_gives_one_line_without_labels(text: str) -> None:
    line = fasttext_line(text, "https://example.org/" + text)
    assert "\n" not in line and "__label__" not in line and "\0" not in line
    assert len(line.split()) < 2 * len(text) + 200
    assert PAD not in line.split() and "</s>" not in line.split()
    assert (line == "") == (not text or text.isspace())


def test_a_page_cannot_bring_a_label_or_a_shape_of_its_own() -> None:
    assert "__label__" not in fasttext_line("__label__agent __LABEL__agent of the word")
    assert not seen("url_api g_lines9") & {"url_api", "g_lines9"}


def test_the_host_never_shows_and_the_path_does() -> None:
    line = fasttext_line(REFERENCE, "https://docs.zebra-site.org/reference/open_file.html?q=secret#part")
    assert "url_reference" in line.split() and "url_open" in line.split()
    assert not any(word in line for word in ("zebra", "secret", "url_docs", "url_part"))
    assert url_words("http://[broken") == []


def test_identifiers_are_taken_apart_and_numbers_and_ideographs_are_one_by_one() -> None:
    tokens = seen("HTTPResponse getUserName max_size 3.11.2 Größe 関数print() и Слово")
    for token in (
        "http",
        "response",
        "get",
        "user",
        "name",
        "max",
        "size",
        "0",
        "größe",
        "関",
        "数",
        "print",
    ):
        assert token in tokens
    assert "слово" in tokens and "()" in tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.b", "a. b"), ("x -v", "x - v"), ("/usr", "a / b"), ("x=1", "x = 1"), ("@param", "a@b")],
)
def test_a_sign_between_words_is_told_from_one_beside_a_space(one: str, other: str) -> None:
    assert set(dict(rough_bag(one))) != set(dict(rough_bag(other)))


def test_layout_tells_reference_from_prose() -> None:
    assert "pl(" in fasttext_line(REFERENCE) and "p0}" not in fasttext_line(PROSE)
    assert "pl(" not in fasttext_line(PROSE) and "p.s" in fasttext_line(PROSE)


def test_a_token_weighs_by_the_logarithm_of_its_number() -> None:
    weights = dict(rough_bag("one " + "few " * 5 + "many " * 5000))
    assert weights["one"] == 1 < weights["few"] < weights["many"] <= 6


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("the parameters of it", "c_parameter"),
        ("les paramètres", "c_parameter"),
        ("параметры", "c_parameter"),
        ("引数はありません", "c_parameter"),
        ("valeur par défaut", "c_default"),
        ("returns a value", "c_returns"),
        ("戻り値を調べます", "c_returns"),
        ("Klicken Sie auf die Schaltfläche", "c_window"),
    ],
)
def test_a_concept_is_one_token_in_any_language(text: str, concept: str) -> None:
    assert concept in dict(rough_bag(text))


def test_concepts_are_counted_over_their_words() -> None:
    assert concepts({"parameter": 2, "params": 1, "valeur": 4, "hill": 9}, "") == {
        "c_parameter": 3,
        "c_value": 4,
    }


def test_a_long_text_is_read_at_its_start_and_in_its_middle() -> None:
    text = "start " * (HEAD // 6) + "lost " * 20_000 + "end " * 2000
    assert {"start", "lost"} <= seen(text) and "end" not in seen(text)
    assert len(fasttext_line("word " * (HEAD + MIDDLE) * 50)) < 3 * (HEAD + MIDDLE)


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
