from __future__ import annotations

from datetime import datetime, timezone

import pytest

from corpus.crawl.url import host, page_id

DATE = datetime(2024, 5, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("HTTP://User@WWW.Example.ORG.:80/A?q=1#top", "www.example.org"),
        ("https://example.org:8443", "example.org"),
        ("https://[2001:db8::1]:443/x", "2001:db8::1"),
        ("http://[broken/", ""),
        ("http://example.org:99999/", "example.org"),
        ("dns:example.org", ""),
        ("", ""),
    ],
)
def test_the_host_has_one_spelling(url: str, name: str) -> None:
    assert host(url) == name


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
