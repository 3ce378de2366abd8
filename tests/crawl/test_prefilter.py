from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.prefilter import BYTES, Prefilter, rough_texts
from corpus.crawl.warc.records import Record
from corpus.relevance.features import rough_bag

WANTED = b"<p>The function (api) of the api (function)</p>" * 20
OTHER = b"<p>The king said that the king said it.</p>" * 20


def words(texts: Sequence[str]) -> list[float]:
    """Wants texts with more of `api` than of `king`."""
    return [text.count("api") / max(1, text.count("api") + text.count("king")) for text in texts]


def score(payload: bytes) -> float:
    return Prefilter(words).scores([payload])[0]


def page(main: bytes, before: bytes = b"", head: bytes = b"") -> bytes:
    return b"<html><head>" + head + b"</head><body>" + before + b"<main>" + main + b"</main></body></html>"


def test_wanted_pages_score_above_others_whatever_stands_around_them() -> None:
    around = [b"", b"<nav>" + OTHER + b"</nav>", b"<script>" + b"king said;" * 500 + b"</script>"]
    for before in around:
        assert score(page(WANTED, before)) > 0.9
        assert score(page(OTHER, before.replace(b"king", b"api"))) < 0.2


@pytest.mark.parametrize(
    "payload",
    [b"", b"<p>api</p>", page(b"", b"", b"<script>" + b"x()" * 5000), page(WANTED).decode().encode("utf-16")],
)
def test_a_page_that_says_too_little_passes(payload: bytes) -> None:
    assert score(payload) == 1.0


def test_a_page_in_another_encoding_passes() -> None:
    text = "Der König sagte, dass die Königin für Größe übte. " * 20
    assert score(page(text.encode("latin-1"))) == 1.0
    assert score(page(text.encode())) < 1.0


def test_pages_are_scored_the_same_whichever_others_are_scored_with_them() -> None:
    pages = [page(WANTED), b"", page(OTHER), page(WANTED + OTHER), b"<nav>" * 9000 + OTHER]
    assert Prefilter(words).scores(pages) == [score(one) for one in pages]
    assert Prefilter(words).scores([]) == []


def test_a_page_whose_text_begins_late_is_looked_at_further_on() -> None:
    late = page(b"<div data-x='y'></div>" * 1500 + OTHER)
    assert score(late) < 0.2


def test_the_classifier_gets_the_words_that_it_was_trained_on() -> None:
    seen: list[str] = []
    text = "Call getUser(user_id, 42) -> User :: Name --flag a.b.C => x; see Größe... and so on. " * 10

    def note(texts: Sequence[str]) -> list[float]:
        seen.extend(texts)
        return [0.5] * len(texts)

    Prefilter(note).scores([page(f"<p>{text}</p>".encode())])
    assert rough_bag(seen[0]) == rough_bag(text)


def test_rough_text_is_the_text_of_the_main_part() -> None:
    before = b"<nav><a href=x>Home</a></nav><!-- hidden > words --><style>p { color: red }</style>"
    body = b"<h1>Ti&lt;t&gt;le</h1><script>var x = '<p>';</script><p>One <b>two</b>"
    (found,) = rough_texts([page(body, before)])
    assert found.split() == b"Ti<t>le One two".split()
    assert len(rough_texts([page(WANTED * 100)])[0]) == BYTES


@pytest.mark.parametrize(
    "piece", [b"<!--", b"<script>", b"<", b"<p>", b"&lt;", b"<nav", b"\xff\x00", b"<style></style>"]
)
def test_hostile_bytes_take_no_more_time_than_they_have_bytes(piece: bytes) -> None:
    started = time.process_time()
    score(piece * (8_000_000 // len(piece)))
    assert time.process_time() - started < 20  # a bound against runaway searches, far above what it takes


def test_it_foresees_the_classifier_on_real_pages(shared_data: Path, classifier: str) -> None:
    from corpus.relevance.model import rough_scorer

    found = [
        found
        for archive in find_archives([str(shared_data / "web" / "mini.warc.gz")])
        for found in read_archive(archive)
        if isinstance(found, Record)
    ]
    scores = Prefilter(rough_scorer(classifier)).scores([record.payload for record in found])
    assert len(scores) > 200 and all(0.0 <= score <= 1.0 for score in scores)
