from __future__ import annotations

import time
from pathlib import Path

import pytest

from corpus.crawl.prefilter import Prefilter, rough_text

WEIGHTS = {"api": 4.0, "function": 3.0, "(": 2.0, "king": -4.0, "the": -0.1, "said": -2.0}
WANTED = b"<p>The function (api) of the api (function)</p>" * 20
OTHER = b"<p>The king said that the king said it.</p>" * 20


def page(main: bytes, before: bytes = b"", head: bytes = b"") -> bytes:
    return b"<html><head>" + head + b"</head><body>" + before + b"<main>" + main + b"</main></body></html>"


def test_wanted_pages_score_above_others_whatever_stands_around_them() -> None:
    model = Prefilter(WEIGHTS)
    around = [b"", b"<nav>" + OTHER + b"</nav>", b"<script>" + b"king said;" * 500 + b"</script>"]
    for before in around:
        assert model.score(page(WANTED, before), "") > 0.9
        assert model.score(page(OTHER, before.replace(b"king", b"api")), "") < 0.2


@pytest.mark.parametrize(
    "payload",
    [b"", b"<p>api</p>", page(b"", b"", b"<script>" + b"x()" * 5000), page(WANTED).decode().encode("utf-16")],
)
def test_a_page_that_says_too_little_passes(payload: bytes) -> None:
    assert Prefilter(WEIGHTS).score(payload, "") == 1.0


def test_a_page_in_words_that_the_classifier_does_not_know_passes() -> None:
    text = "Der König sagte, dass die Königin sagte, dass er es sagte. ".encode() * 20
    assert Prefilter(WEIGHTS).score(page(text + OTHER[:40]), "") == 1.0


def test_rough_text_is_the_text_of_the_main_part() -> None:
    before = b"<nav><a href=x>Home</a></nav><!-- hidden > words --><style>p { color: red }</style>"
    found = rough_text(
        page(b"<h1>Ti&lt;t&gt;le</h1><script>var x = '<p>';</script><p>One <b>two</b>", before)
    )
    assert found.split() == b"Ti<t>le One two".split()
    assert len(rough_text(page(WANTED * 100), 500)) == 500


@pytest.mark.parametrize(
    "piece", [b"<!--", b"<script>", b"<", b"<p>", b"&lt;", b"<nav", b"\xff\x00", b"<style></style>"]
)
def test_hostile_bytes_take_no_more_time_than_they_have_bytes(piece: bytes) -> None:
    started = time.process_time()
    Prefilter(WEIGHTS).score(piece * (8_000_000 // len(piece)), "")
    assert time.process_time() - started < 20  # a bound against runaway searches, far above what it takes


def test_it_foresees_the_classifier_on_real_pages(shared_data: Path, classifier: str) -> None:
    from corpus.crawl.inputs.sources import find_archives, read_archive
    from corpus.relevance.model import word_weights

    model = Prefilter(word_weights(classifier))
    scores = [
        model.score(found.payload, found.url)
        for archive in find_archives([str(shared_data / "web" / "mini.warc.gz")])
        for found in read_archive(archive)
        if hasattr(found, "payload")
    ]
    assert len(scores) > 200 and all(0.0 <= score <= 1.0 for score in scores)
