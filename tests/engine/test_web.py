"""How the web is asked: addresses, proxies, redirects, and connections that are kept."""

from __future__ import annotations

import base64

import pytest

from corpus.engine import storage, web
from corpus.engine.attempts import Access, WebError
from corpus.engine.web import address_of
from tests.crawl.server import Store, serve

AT_ONCE = Access(pauses=(0.0, 0.0), timeout=10)


def read(path: str, **options: int) -> bytes:
    with web.get(path, AT_ONCE, **options) as answer:
        return b"".join(answer.chunks())


def test_addresses_are_quoted_once_and_passwords_become_a_header() -> None:
    secret = "Basic " + base64.b64encode(b"me:pa@ss").decode()
    assert address_of("http://me:pa%40ss@h:80/a b/%20c?q=1#f") == (
        "http://h:80/a%20b/%20c?q=1",
        {"Authorization": secret},
    )
    assert address_of("https://h/a") == ("https://h/a", {})


def test_connections_are_kept_and_used_again() -> None:
    with serve(Store({"/a": b"0123456789" * 100})) as store:
        for n in range(20):
            assert read(f"{store.address}/a", start=n, end=n + 5) == (b"0123456789" * 100)[n : n + 5]
            assert web.head(f"{store.address}/a", AT_ONCE)[0] == 1000
            with pytest.raises(WebError, match="404"):
                read(f"{store.address}/none")
        assert len(store.paths) == 60 and store.connections == 1


def test_an_answer_that_is_not_read_to_its_end_spoils_no_other() -> None:
    with serve(Store({"/a": bytes(5 << 20), "/b": b"all"})) as store:
        for _ in range(3):
            with web.get(f"{store.address}/a", AT_ONCE) as answer:
                next(answer.chunks())
            assert read(f"{store.address}/b") == b"all"


def test_a_password_does_not_follow_a_redirect_to_another_host() -> None:
    with serve(Store({"/a": b"moved"})) as there, serve(Store({})) as here:
        here.redirects["/a"] = f"{there.address}/a"
        assert read(here.address.replace("http://", "http://me:secret@") + "/a") == b"moved"
        assert here.logins == ["Basic " + base64.b64encode(b"me:secret").decode()]
        assert there.logins == [None]
        here.redirects["/a"] = f"{here.address}/a"
        with pytest.raises(WebError, match="too many redirects") as caught:
            read(f"{here.address}/a")
        assert caught.value.final


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Store({"http://archive.example/a": b"through"})) as store:
        monkeypatch.setenv("http_proxy", store.address)
        monkeypatch.setenv("no_proxy", "direct.example")
        assert read("http://archive.example/a") == b"through"


def test_a_whole_file_is_had_from_the_web_like_from_a_disk() -> None:
    with serve(Store({"/a": b"0123456789" * 100_000}, cut_after=[1000])) as store:
        assert storage.read_bytes(f"{store.address}/a") == b"0123456789" * 100_000
        with storage.open_input(f"{store.address}/a") as stream:
            stream.seek(999_995)
            assert stream.read() == b"56789"


@pytest.mark.parametrize(
    "address", ["http://", "http://127.0.0.1:99999/a", "http://[::1/a", "http://no such host/a"]
)
def test_what_is_no_address_is_final(address: str) -> None:
    with pytest.raises(WebError) as caught:
        read(address)
    assert caught.value.final
