"""Addresses that are not read: lists in all their forms, words, and files that are no pages."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.crawl.rules.urllists import entry_of, identities, load, parts
from corpus.crawl.rules.urlrules import UrlConfig, UrlRules
from corpus.engine.errors import UserError


def rules(tmp_path: Path, block: str = "", allow: str = "", **more: object) -> UrlRules:
    given = {}
    for name, text in (("block", block), ("allow", allow)):
        if text:
            (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
            given[name] = (str(tmp_path / f"{name}.txt"),)
    return UrlRules.from_config(UrlConfig(**given, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("http://Example.COM./a/B?b=1", "example.com", "/a/B"),
        ("https://user:pw@example.com:8080/x#y", "example.com", "/x"),
        ("https://Bücher.example/", "xn--bcher-kva.example", "/"),
        ("http://%65xample.com", "example.com", ""),
        ("http:\\\\example.com\\x", "example.com", "/x"),
        ("http://[::1]:80/x", "[::1]", "/x"),
        ("mailto:someone@example.com", "", ""),
        ("", "", ""),
    ],
)
def test_addresses_are_read_as_browsers_read_them(url: str, host: str, path: str) -> None:
    assert parts(url) == (host, path)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("example.com", "example.com"),
        ("  WWW.Example.com.  ", "www.example.com"),
        ("# example.com", None),
        ("! example.com", None),
        ("", None),
        ("0.0.0.0 ads.example.com # tracker", "ads.example.com"),
        ("127.0.0.1 localhost", None),
        ("||example.com^$third-party", "example.com"),
        ("@@||example.com^", None),
        ("example.com##.banner", None),
        ("*.example.com", "example.com"),
        (".xxx", "xxx"),
        ("com", None),
        ("=www.example.com", "=www.example.com"),
        ("https://www.example.com/~user/", "example.com/~user"),
        ("例え.example", "xn--r8jz45g.example"),
        ("10.1.2.3", "10.1.2.3"),
    ],
)
def test_lists_of_the_usual_kinds_are_understood(line: str, entry: str | None) -> None:
    assert entry_of(line) == entry


@pytest.mark.parametrize(
    ("url", "blocked"),
    [
        ("http://example.com/", True),
        ("https://a.b.Example.com:443/x?y", True),
        ("https://user@example.com./", True),
        ("http://notexample.com/", False),
        ("http://example.com.org/", False),
        ("http://other.org/?u=example.com", False),
        ("http://www.exact.org/", True),
        ("http://exact.org/", False),
        ("http://pages.org/~bad/", True),
        ("http://www.pages.org/~bad/a/b.html", True),
        ("http://pages.org/~badge", False),
        ("http://pages.org/", False),
        ("http://müller.example/", True),
        ("http://any.top/", True),
    ],
)
def test_an_entry_holds_for_what_is_below_it_and_nothing_else(
    tmp_path: Path, url: str, blocked: bool
) -> None:
    found = rules(tmp_path, "example.com\n=www.exact.org\npages.org/~bad\nmüller.example\n*.top\n")
    assert found.reason(url) == ("url_blocklist" if blocked else None)


def test_what_is_allowed_is_never_blocked(tmp_path: Path) -> None:
    found = rules(tmp_path, "example.com\n", "docs.example.com\nhentai.example.org\n")
    assert found.reason("http://example.com/") == "url_blocklist"
    assert found.reason("http://docs.example.com/x") is None
    assert found.reason("http://hentai.example.org/x") is None
    assert found.reason("http://docs.example.com/x.zip") == "url_suffix"


def test_folders_as_of_ut1_and_packed_lists_are_read(tmp_path: Path) -> None:
    (tmp_path / "lists" / "adult").mkdir(parents=True)
    (tmp_path / "lists" / "adult" / "domains").write_text("one.example\n")
    (tmp_path / "lists" / "adult" / "urls").write_text("two.example/bad\n")
    (tmp_path / "lists" / "adult" / "expressions").write_text("three.example\n")
    (tmp_path / "lists" / "more.txt.gz").write_bytes(gzip.compress(b"four.example\n"))
    found = UrlRules.from_config(UrlConfig(block=(str(tmp_path / "lists"),)))
    reasons = [found.reason(f"http://{host}.example/bad") for host in ("one", "two", "three", "four")]
    assert reasons == ["url_blocklist", "url_blocklist", None, "url_blocklist"]


def test_a_compiled_list_says_what_its_lists_say(tmp_path: Path) -> None:
    lines = [f"host{n}.example" for n in range(2_000)] + ["pages.example/a"]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    out = str(tmp_path / "all.npy")
    command = [sys.executable, "-m", "corpus.crawl.rules.urllists", str(tmp_path / "a.txt"), out]
    subprocess.run(command, check=True, timeout=120)
    plain, compiled = load([str(tmp_path / "a.txt")]), load([out])
    for line in ("host7.example", "www.host1999.example", "host2000.example"):
        assert plain.holds(line, "/") == compiled.holds(line, "/") == (line != "host2000.example")
    assert compiled.holds("pages.example", "/a/b") and not compiled.holds("pages.example", "/b")


def test_lists_are_inputs_by_their_content(tmp_path: Path) -> None:
    list_ = tmp_path / "a.txt"
    list_.write_text("a.example\n")
    first = identities([str(list_)])
    list_.write_text("b.example\n")
    assert first[0]["bytes"] == 10
    assert identities([str(list_)])[0]["sha256"] != first[0]["sha256"]


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\x1f\x8b broken", b"\0" * 5000])
def test_a_list_that_holds_nothing_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.txt"):
        load([str(tmp_path / "a.txt")])
    with pytest.raises(UserError, match=r"missing\.txt"):
        load([str(tmp_path / "missing.txt")])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY no", b"plain\n"])
def test_a_compiled_list_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npy"):
        load([str(tmp_path / "a.npy")])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://www.hentai-pictures.example/", "url_words"),
        ("http://example.com/XNXX/1", "url_words"),
        ("http://best-casino.example/", "url_words"),
        ("http://rapid.example/docs/casino-api", None),
        ("http://example.com/sex-education", None),
        ("http://example.com/free-sex-cams", "url_words"),
        ("http://essex.example/sussex/analysis", None),
        ("http://example.com/api/nsfw_filter.html", None),
        ("http://example.com/photo.JPG", "url_suffix"),
        ("http://example.com/a.zip?download=1", "url_suffix"),
        ("http://example.com/wiki/File:Photo.jpg", None),
        ("http://docs.example/api/java.util.zip", None),
        ("http://docs.example/changelog.html.gz", None),
        ("http://docs.example/manifest.json", None),
        ("http://docs.example/chart.js", None),
        ("http://docs.example/", None),
        ("", None),
    ],
)
def test_words_and_endings_are_chosen_with_care(url: str, reason: str | None) -> None:
    assert UrlRules.from_config(UrlConfig()).reason(url) == reason


def test_words_and_endings_are_the_users_to_choose() -> None:
    found = UrlRules.from_config(UrlConfig(spam_words=False, words=("Lottery",), suffixes=(".json",)))
    assert found.reason("http://xnxx.example/a.zip") is None
    assert found.reason("http://example.com/lottery/") == "url_words"
    assert found.reason("http://example.com/a.json") == "url_suffix"


def test_no_address_of_a_wanted_page_is_lost(shared_data: Path) -> None:
    import pyarrow.parquet as pq

    labels = pq.read_table(shared_data / "web" / "labels.parquet", columns=["url", "label"]).to_pylist()
    found = UrlRules.from_config(UrlConfig())
    assert [row["url"] for row in labels if row["label"] == "positive" and found.reason(row["url"])] == []
