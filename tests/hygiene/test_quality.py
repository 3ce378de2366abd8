"""Quality rules: what they count, what they leave alone, and what the defaults let pass."""

from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.engine.config import build
from corpus.engine.tables import QUALITY
from corpus.hygiene.quality import PREFIX, QUALITY_COLUMNS, Limits, failed, measure

REFERENCE = """# str.join

## join(iterable)

Return a string which is the concatenation of the strings in *iterable*.

Raises `TypeError` if there are any non-string values.

```python
>>> ", ".join(["a", "b"])
'a, b'
```

| parameter | type | meaning |
|---|---|---|
| iterable | iterable of str | what is joined |
"""
PROSE = (
    "The river rises in the hills and it runs to the sea. " * 2
    + "Nobody has ever measured how deep it is there."
)
LINKS = "\n".join(f"Example Site {n}\nBest Links\nHome Page {n}" for n in range(200))


def signal(text: str, name: str) -> float:
    return measure(text)[PREFIX + name]


def broken(text: str, **limits: float | None) -> tuple[str, ...]:
    return failed(measure(text), Limits(**limits))


def test_each_column_is_measured_and_is_a_number() -> None:
    found = measure(REFERENCE)
    assert tuple(found) == QUALITY_COLUMNS
    assert all(isinstance(value, float) for value in found.values())


def test_the_pages_have_all_columns() -> None:
    assert {column.name for column in QUALITY} == set(QUALITY_COLUMNS)


def test_every_limit_bounds_a_column() -> None:
    names = [field.name for field in dataclasses.fields(Limits)]
    assert all(name.startswith(("min_", "max_")) for name in names)
    assert {PREFIX + name[4:] for name in names} == set(QUALITY_COLUMNS)


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        PROSE,
        "# getTools\n\nReturn all tools in the toolset based on the provided context.\n\n### Parameters\n\ncontext\n\nUsed to filter the tools.",
        "```\ntypedef struct sqlite3 sqlite3;\nint sqlite3_open(const char *name, sqlite3 **handle, int flags);\nint a; int b; int c; int d;\n```",
        "| name | meaning |\n|---|---|\n" + "\n".join(f"| option_{n} | what it does |" for n in range(10)),
        "要素のタブの順番。タブの順番はキーが押下されたときにフォーカスが移動する順番です。より大きな値をもつ要素は、タブの遷移が後になります。",
    ],
)
def test_short_references_pass_the_defaults(text: str) -> None:
    assert broken(text) == ()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "words"),
        ("Page not found", "words"),
        (LINKS, "substance"),
        ("## Files\n\n" + "\n".join(f"- module_{n}" for n in range(60)), "substance"),
        ("\n\n".join(["Manager.create()", "Manager.delete()"] * 20), "substance"),
        ("Except where otherwise noted, this document is licensed under Creative Commons Attribution 3.0 License. See all legal documents.", "substance"),
        ("You are being redirected to a new destination. " + "Menu\nHome\n" * 10, "substance"),
        (PROSE + "\nLorem ipsum dolor sit amet, consectetur adipiscing elit.", "lorem_ipsum"),
        ("Please enable JavaScript to view this page.\n" + PROSE, "javascript_notice"),
        ("\n".join(["Buy cheap pills here now, they are the best you can get."] * 30), "duplicate_lines"),
        ("\n".join(f"Story number {n} of the day goes on and on ..." for n in range(9)), "ellipsis_lines"),
        ("12 34 56 78 90 11 " * 20 + ".", "alphabetic_words"),
    ],
)  # fmt: skip
def test_stubs_link_farms_and_spam_fail_the_defaults(text: str, rule: str) -> None:
    assert rule in broken(text)


def test_a_rule_that_is_switched_off_never_fails() -> None:
    off = Limits(**{field.name: None for field in dataclasses.fields(Limits)})
    assert failed(measure(""), off) == failed(measure(LINKS), off) == ()


def test_limits_are_keys_of_a_config() -> None:
    assert build(Limits, {"min_words": 50, "max_curly_brackets": 0}).max_curly_brackets == 0
    assert build(Limits, {"min_words": None}).min_words is None


def test_code_and_tables_do_not_count_against_the_rules_of_prose() -> None:
    code = "```\n" + "x = {}  # ...\n" * 200 + "```"
    table = "\n".join(f"| {n} | {{}} |" for n in range(50))
    bare, full = measure(PROSE), measure(f"{PROSE}\n\n{code}\n\n{table}")
    changed = {name for name in QUALITY_COLUMNS if bare[name] != full[name]}
    assert changed == {PREFIX + name for name in ("words", "substance")}


def test_a_fence_is_closed_by_its_like_alone() -> None:
    text = "````\n```\nThis is a sentence inside of the code.\n```\n````\nAnd this is one outside of it."
    assert signal(text, "punctuated_lines") == 1.0
    assert signal("```inline``` code.\nA line.", "punctuated_lines") == 1.0
    assert signal("```\nnever closed\n" + "x\n" * 100, "duplicate_lines") == 0.0


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("fun createIssue(owner: String): Map", True),
        ("interface ActivityEvent {", True),
        ("detail: Record<string, unknown>;", True),
        ("torch.load() → Tensor", True),
        ("private static final int MAX = 3", True),
        ("Manager.create()", False),
        ("Home Page", False),
        ("class of 1999", False),
        ("Next (page)", False),
    ],
)
def test_a_declaration_says_something_and_a_bare_name_does_not(line: str, counts: bool) -> None:
    assert (signal(line, "substance") > 0) is counts


def test_a_row_alone_is_no_table() -> None:
    assert signal("Home | About | Contact", "substance") == 0.0
    assert signal("a | b\nc | d", "substance") == 4.0


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("one two three", "words", 3.0),
        ("aa bbbb", "mean_word_length", 3.0),
        ("# Title\n\nsee #1 and #2 ...", "symbol_ratio", 3 / 7),
        ("- a\n- b\nc\nd", "bullet_lines", 0.5),
        ("a...\nb", "ellipsis_lines", 0.5),
        ("a 1 b2 -", "alphabetic_words", 0.5),
        ("the cat of the house", "stop_words", 2.0),
        ("a\nb\na\nc", "duplicate_lines", 0.25),
        ("aa\nbb\naa\nccc", "duplicate_line_characters", 2 / 9),
        ("x\ny\n\nx\ny\n\nz", "duplicate_paragraphs", 1 / 3),
        ("ab{}", "curly_brackets", 2.0),
        ("A sentence.\nNo sentence", "punctuated_lines", 0.5),
        ("short\n" + "long " * 10, "short_lines", 0.5),
        ("a b c a b d a b", "top_2gram", 6 / 8),
        ("a b c d e f a b c d e g", "repeated_5gram", 5 / 12),
        ("a b c d e f g h", "repeated_5gram", 0.0),
    ],
)
def test_signals_count_what_they_say(text: str, name: str, value: float) -> None:
    assert signal(text, name) == pytest.approx(value)


@pytest.mark.parametrize(
    "language",
    [
        "Это предложение на русском языке, и в нём есть слова.",
        "Dies ist ein Satz mit den Wörtern, die man zählt.",
        "これは文です。",
    ],
)
def test_function_words_are_those_of_the_languages_of_the_web(language: str) -> None:
    assert signal(language, "stop_words") >= 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "cc", "d\n", "\n\n", "e."]), max_size=60))
def test_repeated_ngrams_are_those_of_the_definition(parts: list[str]) -> None:
    text = " ".join(parts)
    words = text.split()
    every = sum(map(len, words))
    for n in (5, 10):
        seen: set[tuple[str, ...]] = set()
        covered: set[int] = set()
        for start in range(len(words) - n + 1):
            gram = tuple(words[start : start + n])
            if gram in seen:
                covered.update(range(start, start + n))
            seen.add(gram)
        expected = sum(len(words[place]) for place in covered) / every if every else 0.0
        assert signal(text, f"repeated_{n}gram") == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_can_be_measured(text: str) -> None:
    found = measure(text)
    assert all(value >= 0 for value in found.values())
    failed(found, Limits())


@pytest.mark.parametrize(
    "text",
    [
        "a " * 2_000_000,
        "a\n" * 1_000_000,
        "| a | b |\n" * 300_000,
        "x (" + "a," * 2_000_000,
        "(a=" * 1_000_000 + " b",
        "(a, b\n" * 500_000,
        "`" * 3_000_000,
        "字" * 2_000_000,
    ],
)
def test_hostile_texts_take_linear_time(text: str) -> None:
    started = time.process_time()
    measure(text)
    assert time.process_time() - started < 60  # a bound against hangs; quadratic work would take hours
