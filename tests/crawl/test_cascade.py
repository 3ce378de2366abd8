from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from corpus.crawl.cascade import (
    BATCH_BYTES,
    JUDGE,
    Cascade,
    Decision,
    Rules,
    batches,
    child_setup,
    outer_steps,
)
from corpus.crawl.prefilter import Prefilter
from corpus.crawl.sandbox import Sandbox
from corpus.crawl.steps import Candidate, walk, walk_together
from corpus.crawl.warc.records import Record
from corpus.hygiene.quality import QUALITY_COLUMNS, Limits
from tests.crawl.archives import html, read, write


def page(body: bytes, **more) -> Record:
    url = more.pop("url", "http://example.org/")
    base = Record(
        "a.warc.gz", "response", url, "<urn:x>", None, 0, 10, payload=body, http_status=200, mime="text/html"
    )
    return replace(base, **more)


NO_LIMITS = Limits(**{limit.name: None for limit in fields(Limits)})


def decide(records: Sequence[Record], scorer: str = "WordScorer", **rules) -> tuple[list[Decision], Cascade]:
    wanted = Rules(0.5, **{"quality": NO_LIMITS, **rules})
    setup = child_setup(wanted, f"tests.crawl.children:{scorer}")
    with Sandbox(JUDGE, setup, seconds=5, memory_mb=1024) as sandbox:
        cascade = Cascade(outer_steps(wanted), sandbox)
        decisions = cascade.judge(records)
    assert [d.record for d in decisions] == list(records)
    assert all((d.page is not None) == (d.outcome == "kept") for d in decisions)
    return decisions, cascade


def judge(*records: Record, **rules) -> list[tuple[str, str]]:
    return [(d.outcome, d.reason) for d in decide(records, **rules)[0]]


GOOD = html(100, "api")
OPT_OUT = GOOD.replace(b"<head>", b'<head><meta name="robots" content="noai, nofollow">')


def test_each_reason_is_told_and_belongs_to_its_kind() -> None:
    table = {
        page(GOOD): ("kept", ""),
        page(html(100)): ("dropped", "light_score"),
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
    assert judge(page(OPT_OUT), opt_out=()) == [("kept", "")]


def test_other_languages_are_dropped_only_where_languages_are_named() -> None:
    words = "Der schnelle braune Fuchs springt über den faulen Hund, und die API gibt eine api zurück. " * 5
    german = page(f"<html><body><p>{words}</p></body></html>".encode())
    assert judge(german, languages=("en",)) == [("dropped", "language")]
    assert judge(german, languages=("de",)) == judge(german) == [("kept", "")]


def test_a_script_without_spaces_is_not_short() -> None:
    text = "このページはプログラムの関数と引数を説明します。api " * 20
    assert judge(page(f"<html><body><p>{text.replace(' ', '')}</p></body></html>".encode())) == [("kept", "")]


def test_a_page_of_fifteen_words_is_long_enough() -> None:
    assert judge(page(html(15, "api")), page(html(9, "api"))) == [("kept", ""), ("dropped", "too_short")]


def test_early_thresholds_lie_below_the_final_one_and_rise_with_it() -> None:
    finals = (0.0, 0.05, 0.5, 0.8, 0.99, 1.0)
    early = [Rules(final).light for final in finals]
    assert early == sorted(early) == [Rules(final).prefilter for final in finals]
    assert all(low <= max(final, 1e-6) for low, final in zip(early, finals))


def test_pages_go_through_steps_together_as_they_do_alone() -> None:
    def wanted(lines: Sequence[str]) -> list[float]:
        return [float("api" in line) for line in lines]

    bodies = (html(100, "api"), html(100), b"", html(100, "api") + html(100), b"<p>", b"%PDF-")
    records = [page(body, offset=n) for n, body in enumerate(bodies)]
    steps = outer_steps(Rules(0.5), None, Prefilter(wanted))
    for exhaustive in (False, True):
        pages = [Candidate(record) for record in records]
        together = walk_together(steps, pages, exhaustive=exhaustive)
        alone = [walk(steps, Candidate(record), exhaustive=exhaustive) for record in records]
        assert [p.reasons for p in together] == [p.reasons for p in alone]
        assert [[name for name, _ in p.spent] for p in together] == [
            [name for name, _ in p.spent] for p in alone
        ]
        assert "prefilter" in together[1].reason


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
        ("dropped", "light_score"): 3,
        ("dropped", "http_status"): 1,
        ("dropped", "not_html"): 1,
        ("failed", "damaged"): 1,
    }
    assert len(damage) == 1


@pytest.mark.parametrize("full", [True, False])
def test_kept_pages_carry_all_their_columns(full: bool) -> None:
    (decision,), _ = decide([page(GOOD)], full_extraction=full)
    assert decision.page is not None
    assert decision.page["title"] == "api" and decision.page["charset"] == "utf-8"
    assert decision.page["num_words"] == len(decision.page["text"].split()) == 100
    assert decision.page["light_score"] == decision.page["agent_score"] == decision.score == 0.9
    assert set(QUALITY_COLUMNS) <= set(decision.page)


def test_the_score_of_the_kept_text_decides() -> None:
    code = b"<pre><code>def api(x):\n    return x\n</code></pre>"
    (decision,), _ = decide([page(GOOD.replace(b"</p>", b"</p>" + code))], "TwoMinds")
    assert (decision.outcome, decision.reason) == ("dropped", "agent_score")
    assert decision.score == pytest.approx(0.2)


def test_meters_tell_what_each_step_was_asked_and_let_through() -> None:
    records = [page(GOOD), page(html(100)), page(GOOD, http_status=404), page(b"<p>api"), page(OPT_OUT)]
    _, cascade = decide(records)
    assert {name: (m.pages_in, m.pages_out) for name, m in cascade.meters.items()} == {
        "record": (5, 4),
        "decode": (4, 4),
        "light_text": (4, 3),
        "light_score": (3, 2),
        "language": (2, 2),
        "policy": (2, 1),
        "extraction": (1, 1),
        "agent_score": (1, 1),
        "quality": (1, 1),
    }
    assert all(m.seconds >= 0 for m in cascade.meters.values())


def test_quality_rules_drop_pages_under_their_own_names() -> None:
    assert judge(page(GOOD), quality=Limits(min_words=1000)) == [("dropped", "quality_words")]


def test_hostile_pages_cost_themselves_alone() -> None:
    hostile = [
        b"<html><body>" + b"<div>" * 200_000 + b"api",
        b"<html><body><p " + b"a=1 " * 300_000 + b">" + GOOD,
        b"<html><body>" + b"<b><i><p>" * 60_000 + b"api " * 200,
        b"<!--" * 200_000 + b"api " * 200,
        b"<script>" * 100_000 + b"<nav>" * 100_000,
        bytes(range(256)) * 4_000,
        b"&lt;" * 500_000,
    ]
    records = [page(body, url=f"http://example.org/{n}") for n, body in enumerate(hostile)]
    outcomes = judge(*[each for record in records for each in (record, page(GOOD))])
    assert outcomes[1::2] == [("kept", "")] * len(hostile)
    assert all(outcome for outcome, _ in outcomes[::2])
