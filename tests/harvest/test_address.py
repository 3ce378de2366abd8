"""What one site is, and what lies under a prefix: by whole segments, whatever signs an address holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.harvest.address import Prefixes, ancestors, is_under, prefix_of, registrable, site_of


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://docs.example.co.uk/a", "example.co.uk"),
        ("http://WWW.Example.org:8080/", "example.org"),
        ("https://one.readthedocs.io/en/", "one.readthedocs.io"),
        ("https://deep.one.github.io/x", "one.github.io"),
        ("https://a.b.invented/x", "b.invented"),
        ("http://127.0.0.1:99/x", "127.0.0.1"),
        ("http://[::1]/x", "::1"),
        ("http://localhost/x", "localhost"),
        ("mailto:me@example.org", ""),
        ("http://[broken", ""),
    ],
)
def test_a_site_is_what_somebody_registered(url: str, site: str) -> None:
    assert site_of(url) == site


def test_an_index_knows_only_the_suffixes_of_registries() -> None:
    assert registrable("one.readthedocs.io", private=False) == "readthedocs.io"


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://www.x.org/api/", "x.org/api"),
        ("https://x.org/api", "x.org/api"),
        ("https://x.org/api/intro.html?page=2#top", "x.org/api"),
        ("http://x.org/v1.2", "x.org/v1.2"),
        ("http://x.org", "x.org"),
        ("https://x.org/index.html", "x.org"),
        ("https://x.org/a%20b/", "x.org/a%20b"),
        ("ftp://x.org/a/", ""),
        ("x.org/a", ""),
    ],
)
def test_a_prefix_is_a_folder(url: str, prefix: str) -> None:
    assert prefix_of(url) == prefix


def test_a_prefix_holds_whole_segments_alone() -> None:
    held = ["x.org/api", "x.org/api/a", "x.org/api?page=2", "x.org/api/a?b=/c"]
    assert all(is_under(key, "x.org/api") for key in held)
    assert not any(is_under(key, "x.org/api") for key in ("x.org/api-news", "x.org", "y.org/api", "x.org/ap"))
    prefixes = Prefixes(["x.org", "x.org/api", "x.org/api/old"])
    assert [prefixes.longest(key) for key in held] == ["x.org/api"] * 4
    assert prefixes.longest("x.org/api/old/z") == "x.org/api/old"
    assert prefixes.longest("x.org:8080/api") == prefixes.longest("") == ""


@given(st.text(alphabet="ab/?.%", max_size=30), st.lists(st.text(alphabet="ab/?.%", min_size=1), max_size=6))
def test_the_longest_prefix_is_found_as_by_trying_all(tail: str, given: list[str]) -> None:
    key = "x.org" + tail
    prefixes = ["x.org" + each for each in given]
    above = [p for p in prefixes if is_under(key, p) and p in set(ancestors(key))]
    assert Prefixes(prefixes).longest(key) == max(above, key=len, default="")
