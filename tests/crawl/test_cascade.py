from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.crawl.cascade import BATCH_BYTES, Cascade, Rules, batches
from corpus.crawl.records import Record
from corpus.crawl.sandbox import Sandbox
from tests.crawl.archives import html, read, write


class WordScorer:
    """Wants pages that speak of an api."""

    def score(self, texts: list[str], urls: list[str]) -> list[float]:
        return [0.9 if "api" in text else 0.1 for text in texts]


def page(body: bytes, **more) -> Record:
    url = more.pop("url", "http://example.org/")
    base = Record(
        "a.warc.gz", "response", url, "<urn:x>", None, 0, 10, payload=body, http_status=200, mime="text/html"
    )
    return replace(base, **more)


def judge(*records: Record, **rules) -> list[tuple[str, str]]:
    with Sandbox(seconds=5, memory_mb=1024) as sandbox:
        decisions = Cascade(Rules(0.5, **rules), WordScorer(), sandbox).judge(records)
    assert [d.record for d in decisions] == list(records)
    assert all((d.page is not None) == (d.outcome == "kept") for d in decisions)
    return [(d.outcome, d.reason) for d in decisions]


GOOD = html(100, "api")
OPT_OUT = GOOD.replace(b"<head>", b'<head><meta name="robots" content="noai, nofollow">')


def test_each_reason_is_told_and_belongs_to_its_kind() -> None:
    table = {
        page(GOOD): ("kept", ""),
        page(html(100)): ("dropped", "agent_score"),
        page(GOOD, http_status=404): ("dropped", "http_status"),
        page(GOOD, http_status=None): ("dropped", "not_html"),
        page(GOOD, mime="image/png"): ("dropped", "not_html"),
        page(GOOD, mime=""): ("kept", ""),
        page(b"%PDF-1.4 x"): ("dropped", "not_html"),
        page(b" \n"): ("dropped", "empty"),
        page(b"<html><script>x</script></html>"): ("dropped", "empty"),
        page(b"<p>api"): ("dropped", "too_short"),
        page(OPT_OUT): ("dropped", "opt_out"),
        page(GOOD, robots="noindex"): ("dropped", "opt_out"),
        page(b"", problem="too_large"): ("dropped", "too_large"),
        page(b"", problem="truncated"): ("failed", "truncated"),
        page(b"", problem="bad_http"): ("failed", "bad_http"),
        page(b"", problem="bad_encoding"): ("failed", "bad_encoding"),
        page(b"<div>" * 60_000 + b"api"): ("failed", "timeout"),
        page(GOOD, url="http://example.org/behind-the-hang"): ("kept", ""),
    }
    assert judge(*table) == list(table.values())


def test_opt_outs_are_kept_and_shown_if_the_user_says_so() -> None:
    assert judge(page(OPT_OUT), respect_opt_out=False) == [("kept", "")]


def test_other_languages_are_dropped_only_where_languages_are_named() -> None:
    words = "Der schnelle braune Fuchs springt über den faulen Hund, und die API gibt eine api zurück. " * 5
    german = page(f"<html><body><p>{words}</p></body></html>".encode())
    assert judge(german, languages=frozenset({"en"})) == [("dropped", "language")]
    assert judge(german, languages=frozenset({"de"})) == judge(german) == [("kept", "")]


def test_a_script_without_spaces_is_not_short() -> None:
    text = "このページはプログラムの関数と引数を説明します。api " * 20
    assert judge(page(f"<html><body><p>{text.replace(' ', '')}</p></body></html>".encode())) == [("kept", "")]


def test_batches_are_bounded_by_bytes_and_lose_nothing() -> None:
    records = [page(b"x" * (BATCH_BYTES // 3), offset=n) for n in range(10)]
    groups = list(batches(records))
    assert [r for group in groups for r in group] == records
    assert (
        max(map(len, groups)) == 3
        or max(sum(len(r.payload) for r in g) for g in groups) < BATCH_BYTES * 4 / 3
    )


def test_what_comes_in_is_kept_dropped_or_failed(tmp_path: Path) -> None:
    path = tmp_path / "mixed.warc.gz"
    write(path, [(f"http://a.org/{n}", html(100, "api" if n % 3 else "no")) for n in range(9)])
    write(path, [("http://a.org/gone", b"gone")], status="404 Not Found")
    write(path, [("http://a.org/png", b"\x89PNG")], headers=[("Content-Type", "image/png")])
    places = write(path, [("http://a.org/broken", html(500, "api")), ("http://a.org/last", GOOD)])
    data = bytearray(path.read_bytes())
    data[sum(places[0]) // 2] ^= 0xFF
    path.write_bytes(data)
    records, damage = read(path)
    outcomes = Counter(judge(*records))
    assert sum(outcomes.values()) == len(records) == 13
    assert outcomes == {
        ("kept", ""): 7,
        ("dropped", "agent_score"): 3,
        ("dropped", "http_status"): 1,
        ("dropped", "not_html"): 1,
        ("failed", "damaged"): 1,
    }
    assert len(damage) == 1


@pytest.mark.parametrize("full", [True, False])
def test_kept_pages_carry_all_their_columns(full: bool) -> None:
    with Sandbox() as sandbox:
        (decision,) = Cascade(Rules(0.5, full_extraction=full), WordScorer(), sandbox).judge([page(GOOD)])
    assert decision.page is not None
    assert decision.page["title"] == "api" and decision.page["charset"] == "utf-8"
    assert decision.page["num_words"] == len(decision.page["text"].split()) == 100
