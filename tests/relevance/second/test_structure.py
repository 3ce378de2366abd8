"""The layout of any text is a row of finite numbers that knows no site."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.relevance.labels import AGENT, GENERAL, STUB
from corpus.relevance.second.structure import NAMES, structure, vector
from tests.relevance.second.pages import text_of

PIECES = (
    "```",
    "```python\n",
    "\n",
    "# a_b",
    "| a | b |",
    "- x",
    "    y",
    "a.b(c)",
    "。",
    "?",
    "Größe ",
    "\0",
    " ",
)
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=40).map("".join)


@settings(max_examples=150, deadline=None)
@given(texts, st.text(max_size=20), st.text(max_size=30))
def test_any_text_gives_the_same_names_and_finite_numbers(text: str, title: str, url: str) -> None:
    found = structure(text, title, url)
    assert tuple(found) == NAMES
    assert all(math.isfinite(value) for value in found.values())


def test_the_host_changes_nothing_and_the_path_does() -> None:
    text = text_of(AGENT, 1, 1)
    pages = [
        vector(text, "", f"https://{host}/reference/os.path.html?q=api") for host in ("api.org", "x.net")
    ]
    assert pages[0] == pages[1] != vector(text, "", "https://x.net/story.html")


def test_references_prose_and_stubs_differ_in_what_makes_them_so() -> None:
    reference, prose, stub = (structure(text_of(kind, 1, 2)) for kind in (AGENT, GENERAL, STUB))
    assert reference["code_share"] > 0 == prose["code_share"]
    assert reference["named_heading_share"] > prose["named_heading_share"]
    assert prose["prose_share"] > reference["prose_share"]
    assert stub["characters"] < prose["characters"] and stub["item_share"] > prose["item_share"]


def test_a_fence_that_never_ends_and_a_huge_text_are_read_like_others() -> None:
    assert structure("```\n" + "x = 1\n" * 50)["code_share"] > 0.9
    assert vector("word " * 1_000_000) == vector("word " * 8_000)


def test_letters_of_any_language_mean_the_same() -> None:
    """The same page in other words, or in signs that each stand for two letters, has the same layout."""
    page = text_of(AGENT, 1, 2)
    latin, cyrillic = page.replace("Opens", "abcde"), page.replace("Opens", "абвгд")
    assert vector(latin) == vector(cyrillic)
    assert vector(page + "\nabcdefgh\n") == vector(page + "\n関数定義\n")
