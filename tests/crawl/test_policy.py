from __future__ import annotations

import pytest

from corpus.crawl.policy import asks_to_be_left_out, licence, opt_out


@pytest.mark.parametrize(
    ("page", "header", "found", "left_out"),
    [
        ("", "", "", False),
        ('<meta name="robots" content="index, follow">', "", "", False),
        ('<meta name="robots" content="noindex, nofollow">', "", "noindex", True),
        ("<META CONTENT='NoAI, NoImageAI' NAME='ROBOTS'>", "", "noai,noimageai", True),
        ("<meta name=robots content=none>", "", "none", True),
        ('<meta name="CCBot" content="noindex">', "", "noindex", True),
        ('<meta name="tdm-reservation" content="1">', "", "tdm-reservation", True),
        ('<meta name="tdm-reservation" content="0">', "", "", False),
        ('<meta name="description" content="noindex">', "", "", False),
        ("", "googlebot: noai, nosnippet", "noai,nosnippet", True),
        ('<meta name="robots" content="noarchive">', "", "noarchive", False),
    ],
)
def test_directives_are_read_from_tags_and_headers(
    page: str, header: str, found: str, left_out: bool
) -> None:
    assert opt_out(page, header) == found
    assert asks_to_be_left_out(found) is left_out


@pytest.mark.parametrize(
    ("page", "header", "name"),
    [
        ("<a href='/x'>x</a>", "", None),
        ('<a rel="license" href="https://creativecommons.org/licenses/by/3.0/us/">', "", "CC-BY-3.0"),
        ('<a href="http://creativecommons.org/publicdomain/zero/1.0/">', "", "CC0-1.0"),
        ('<link href="https://example.org/mit.txt" rel="license">', "", "https://example.org/mit.txt"),
        ("", '<https://creativecommons.org/licenses/by-nd/4.0/>; rel="license"', "CC-BY-ND-4.0"),
        ("<p>a licence is needed to fish</p><a href='/fish'>", "", None),
    ],
)
def test_licences_are_named(page: str, header: str, name: str | None) -> None:
    assert licence(page, header) == name
