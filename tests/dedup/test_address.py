import pytest

from corpus.dedup.address import host, normalise_url, payload_key, url_key

SAME = [
    "https://www.example.com/guide/?b=2&a=1&utm_source=x#top",
    "http://example.com:80/guide?a=1&b=2",
    "HTTPS://EXAMPLE.com:443/guide/index.html?a=1&b=2&fbclid=abc",
    "http://user:pw@example.com/guid%65;jsessionid=12AB?b=2&a=1",
]
OTHERS = [
    "https://example.com/Guide?a=1&b=2",
    "https://example.com:8443/guide?a=1&b=2",
    "https://docs.example.com/guide?a=1&b=2",
    "https://example.com/guide?a=1",
    "https://example.com/guide?a=1&b=",
]


def test_what_does_not_decide_which_page_it_is_makes_no_other_address():
    assert len({normalise_url(url) for url in SAME}) == 1
    assert len({normalise_url(url) for url in [SAME[0], *OTHERS]}) == 1 + len(OTHERS)


@pytest.mark.parametrize("url", ["", "page", "mailto:a@b.c", "http://[::1", "http://a:b:c/", "https:///x"])
def test_what_is_no_web_address_has_no_key(url):
    assert url_key(url) is None


def test_keys_of_addresses_and_payloads_are_signed_and_never_meet():
    keys = {url_key(url) for url in OTHERS} | {payload_key(url) for url in OTHERS}
    assert len(keys) == 2 * len(OTHERS)
    assert all(-(1 << 63) <= key < 1 << 63 for key in keys)
    assert payload_key("") is payload_key(None) is None
    assert isinstance(url_key("https://example.com/\ud800"), int)


def test_the_host_has_neither_user_nor_port():
    assert host("https://User:pw@Docs.Example.com.:8080/x") == "docs.example.com"
    assert host("http://[::1") == ""
