"""What a page says of its own use: said to whom, in comments or not, under which licence."""

from __future__ import annotations

import time

import pytest

from corpus.crawl.rules.policy import (
    asks_to_be_left_out,
    licence,
    licence_link,
    opt_out,
    read,
    tdm_policy,
)


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("", ""),
        ('<meta name="robots" content="index, follow">', ""),
        ('<meta name="robots" content="noindex, nofollow">', "noindex"),
        ("<META CONTENT='NoAI, NoImageAI' NAME='ROBOTS'>", "noai,noimageai"),
        ("<meta name=robots content=none>", "none"),
        ('<meta name="robots" content="noai noimageai">', "noai,noimageai"),
        ('<meta name="robots" content="max-snippet:-1, noarchive" />', "noarchive"),
        ('<meta property="robots" content="noindex">', "noindex"),
        ('<meta name="CCBot" content="noindex">', "ccbot:noindex"),
        ('<meta name="googlebot" content="noindex">', "googlebot:noindex"),
        ('<meta name="googlebot, ccbot" content="noai">', "ccbot:noai,googlebot:noai"),
        ('<meta name="tdm-reservation" content="1">', "tdm-reservation"),
        ('<meta name="tdm-reservation" content="0">', ""),
        ('<meta name="description" content="noindex">', ""),
        ('<meta name="keywords" content="robots, noindex, none">', ""),
        ('<meta name="robots" content="a > b" data-x="noindex">', ""),
        ('<meta name="x>y" content=""><meta name="robots" content="noai">', "noai"),
        ('<!-- <meta name="robots" content="noindex"> -->', ""),
        ('<!-- old --><meta name="robots" content="noindex">', "noindex"),
        ("""<script>document.write('<meta name="robots" content="noindex">')</script>""", ""),
        ('<head></head><body><meta name="robots" content="noindex">', ""),
    ],
)
def test_directives_of_meta_tags_are_read_with_whom_they_are_said_to(page: str, found: str) -> None:
    assert opt_out(page) == found


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("noindex", "noindex"),
        ("NOINDEX, nofollow", "noindex"),
        ("googlebot: noai, nosnippet", "googlebot:noai,googlebot:nosnippet"),
        ("otherbot: noindex\nnoai", "noai,otherbot:noindex"),
        ("noai\notherbot: noindex, nofollow", "noai,otherbot:noindex"),
        ("otherbot: nofollow, ccbot: noindex", "ccbot:noindex"),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST", ""),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST, noindex", "noindex"),
        ("max-image-preview:large, noarchive", "noarchive"),
        ("noindexing, do-not-index", ""),
    ],
)
def test_a_header_for_one_agent_is_not_taken_for_all(header: str, found: str) -> None:
    assert opt_out("", header) == found


@pytest.mark.parametrize(
    ("value", "found"), [("1", "tdm-reservation"), ("0", ""), ("", ""), ('"1"', "tdm-reservation")]
)
def test_reservations_stand_in_the_header_too(value: str, found: str) -> None:
    assert opt_out("", tdm_header=value) == found


def test_only_honoured_directives_said_to_all_or_to_us_count() -> None:
    assert asks_to_be_left_out("noindex")
    assert asks_to_be_left_out("ccbot:noindex,nosnippet")
    assert not asks_to_be_left_out("googlebot:noindex,noarchive,noimageai")
    assert not asks_to_be_left_out("")
    assert asks_to_be_left_out("noimageai", honoured=("noimageai",))
    assert not asks_to_be_left_out("noindex", honoured=("noai",))
    assert asks_to_be_left_out("googlebot:noindex", agents=("googlebot",))
    assert asks_to_be_left_out("anybot:noindex", agents=("*",))


def test_the_policy_behind_a_reservation_is_kept() -> None:
    page = '<meta name="tdm-policy" content="https://example.org/policies/Tdm.json">'
    assert tdm_policy(page) == "https://example.org/policies/Tdm.json"
    assert tdm_policy(f"<!-- {page} -->") is None
    assert tdm_policy("") is None


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("<a href='/x'>x</a>", None),
        ("<p>a licence is needed to fish</p><a href='/fish'>", None),
        ('<a rel="license" href="https://creativecommons.org/licenses/by/3.0/us/">', "CC-BY-3.0"),
        ('<a href="http://creativecommons.org/publicdomain/zero/1.0/">', "CC0-1.0"),
        ('<a href="//creativecommons.org/licenses/by-nc-sa/2.5">x</a>', "CC-BY-NC-SA-2.5"),
        ('<a href="http://creativecommons.org/licenses/">about them</a>', None),
        ('<link href="https://example.org/terms.txt" rel="license">', "https://example.org/terms.txt"),
        ('<a rel="license nofollow" href="/LICENSE">MIT License</a>', "MIT"),
        ('<a rel="license" href="/l"><span>Apache License,</span> Version 2.0</a>', "Apache-2.0"),
        ('<a href="https://www.gnu.org/licenses/fdl-1.3.html">GFDL</a>', "GFDL-1.3"),
        ('<a href="https://www.gnu.org/copyleft/fdl.html">GFDL</a>', "GFDL"),
        ('<a href="http://www.gnu.org/licenses/gpl-3.0-standalone.html">', "GPL-3.0"),
        ('<a href="https://www.apache.org/licenses/LICENSE-2.0">', "Apache-2.0"),
        ('<a href="https://opensource.org/licenses/MIT">', "MIT"),
        ('<a href="https://opensource.org/license/bsd-3-clause/">', "BSD-3-Clause"),
        ('<a href="http://www.opensource.org/licenses/mit-license.php">', "MIT"),
        ('<a href="https://spdx.org/licenses/ISC.html">', "ISC"),
        ('<a href="https://www.mozilla.org/en-US/MPL/2.0/">', "MPL-2.0"),
        ('<link rel="schema.dc" href="/"><meta name="DCTERMS.license" content="https://creativecommons.org/licenses/by-sa/4.0/">', "CC-BY-SA-4.0"),
        ('<span property="dct:license" resource="https://creativecommons.org/licenses/by/4.0/">', "CC-BY-4.0"),
        ('<meta itemprop="license" content="https://creativecommons.org/publicdomain/mark/1.0/">', "CC-PDM-1.0"),
        ('<script type="application/ld+json">{"@type": "Article", "license": "https:\\/\\/creativecommons.org\\/licenses\\/by\\/4.0\\/"}</script>', "CC-BY-4.0"),
        ('<script type="application/ld+json">{"license": {"@type": "CreativeWork", "url": "https://opensource.org/licenses/MIT"}}</script>', "MIT"),
        ('<script>var packages = {"license": "https://opensource.org/licenses/MIT"}</script>', None),
        ('<!-- <a rel="license" href="https://creativecommons.org/licenses/by/3.0/">x</a> -->', None),
        ('<a href="https://creativecommons.org/licenses/by/4.0/">text</a> <a href="https://www.apache.org/licenses/LICENSE-2.0">code</a>', "CC-BY-4.0 AND Apache-2.0"),
        ('<a rel="license" href="https://creativecommons.org/licenses/by/4.0/"><a href="https://opensource.org/licenses/MIT">', "CC-BY-4.0"),
        ('<a href="https://creativecommons.org/licenses/by-sa/">CC</a><a href="https://creativecommons.org/licenses/by-sa/4.0/">', "CC-BY-SA-4.0"),
        ("".join(f'<a href="https://opensource.org/licenses/{n}">' for n in ("MIT", "ISC", "Zlib", "0BSD")), None),
    ],
)  # fmt: skip
def test_licences_have_the_names_that_spdx_gives_them(page: str, name: str | None) -> None:
    assert licence(page) == name


def test_the_link_header_is_the_plainest_claim() -> None:
    header = '<https://creativecommons.org/licenses/by-nd/4.0/>; rel="license"'
    page = '<a rel="license" href="https://opensource.org/licenses/MIT">'
    found = licence_link(page, header)
    assert found is not None
    assert (found.name, found.address) == ("CC-BY-ND-4.0", "https://creativecommons.org/licenses/by-nd/4.0/")


def test_all_statements_come_as_columns() -> None:
    page = '<meta name="tdm-policy" content="/p"><a rel="license" href="https://opensource.org/licenses/MIT">'
    assert vars(read(page, robots="noai", tdm="1")) == {
        "licence": "MIT",
        "licence_url": "https://opensource.org/licenses/MIT",
        "opt_out": "noai,tdm-reservation",
        "tdm_policy": "/p",
    }


@pytest.mark.parametrize(
    "page",
    [
        "<meta " * 200_000,
        '<meta name="robots" content="' * 50_000,
        "<" + "license" * 200_000,
        '<a rel="license" ' * 100_000,
        '<script type="application/ld+json">' + '"license":{' * 100_000,
        "<!--" * 300_000 + '<meta name="robots" content="noai">',
        "<meta " + "x=" * 300_000,
    ],
)
def test_hostile_pages_take_no_longer_than_their_scan(page: str) -> None:
    started = time.process_time()
    read(page)
    assert time.process_time() - started < 5  # a bound against hangs; such pages take milliseconds
