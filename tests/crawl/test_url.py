from __future__ import annotations

from datetime import datetime, timezone

import pytest

from corpus.crawl.url import host, normalise, page_id

DATE = datetime(2024, 5, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("url", "name", "normal"),
    [
        ("HTTP://User@WWW.Example.ORG.:80/A?q=1#top", "www.example.org", "http://www.example.org/A?q=1"),
        ("https://example.org:8443", "example.org", "https://example.org:8443/"),
        ("https://[2001:db8::1]:443/x", "2001:db8::1", "https://[2001:db8::1]/x"),
        ("http://[broken/", "", "http://[broken/"),
        ("http://example.org:99999/", "example.org", "http://example.org:99999/"),
        ("dns:example.org", "", "dns:example.org"),
        ("", "", ""),
    ],
)
def test_one_spelling_per_address(url: str, name: str, normal: str) -> None:
    assert (host(url), normalise(url)) == (name, normal)


def test_an_id_tells_captures_apart_and_is_128_bits() -> None:
    ids = {
        page_id("<urn:a>", "http://x/", DATE),
        page_id("<urn:b>", "http://x/", DATE),
        page_id("<urn:a>", "http://y/", DATE),
        page_id("<urn:a>", "http://x/", None),
        page_id("", "http://x/\ud800", None),
    }
    assert len(ids) == 5
    assert {len(bytes.fromhex(i)) for i in ids} == {16}
    assert page_id("<urn:a>", "http://x/", DATE) == page_id("<urn:a>", "http://x/", DATE)
