"""What was made fast means what it meant: the same tokens as the plain implementation, on any text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.crawl.charset import decode
from corpus.crawl.inputs.sources import find_archives, read_archive
from corpus.crawl.light import light_text
from corpus.crawl.warc.records import Record
from corpus.relevance import features
from corpus.relevance.features import bag, rough_bag
from corpus.relevance.features.lexicon import Lexicon
from corpus.relevance.features.signs import CLASSES, NAMES, Signs
from corpus.relevance.memo import Memo
from tests.relevance import reference_features as plain

PIECES = (
    *(
        "api.call(x, y)",
        "getHTTPResponse",
        "snake_case",
        "UPPER_CASE",
        "__label__agent",
        "--flag",
        "-v",
        "a->b",
    ),
    *(
        "x := 1",
        "a=b=c",
        "GET /users/{id}",
        "3.11.2",
        "::",
        "()",
        "これは関数です",
        "Größe",
        "ſtring",
        "\u0130",
        "e.g.",
    ),
    *(
        "\n",
        "\t",
        " ",
        "\x1c",
        "\u00a0",
        "\u2028",
        "'s",
        '"q"',
        "Return. The",
        "param",
        "OPTIONS",
        "0x1F",
        "…",
        "İ",
        "\U0001f600",
        "\ud800",
        "“quoted”",
        "word…",
    ),
)
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=60).map("".join)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_any_text_gives_the_tokens_and_shapes_of_the_plain_implementation(text: str) -> None:
    signs = Signs.of(text)
    assert [token for token in signs.words().split(" ") if token] == plain.words(text)
    counts = np.bincount(signs.pairs, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    found = {NAMES[i] + NAMES[j]: int(counts[i, j]) for i, j in zip(*np.nonzero(counts))}
    assert found == plain.pairs(text)
    assert features.shape_counts(text) == plain.shape_counts(text)


def test_real_pages_give_the_tokens_and_shapes_of_the_plain_implementation(shared_data: Path) -> None:
    pages = 0
    for archive in find_archives([str(shared_data / "web" / "mini.warc.gz")]):
        for record in read_archive(archive):
            if isinstance(record, Record) and record.payload:
                body = features.sample(light_text(decode(record.payload, record.charset)[0]))
                tokens = [token for token in Signs.of(body).words().split(" ") if token]
                assert tokens == plain.words(body), record.url
                assert features.shape_counts(body) == plain.shape_counts(body), record.url
                pages += 1
    assert pages > 200


def test_a_memo_computes_once_and_stays_small() -> None:
    asked: list[int] = []
    memo: Memo[int, int] = Memo(lambda key: asked.append(key) or key * key, most=3)
    assert [memo[n] for n in (1, 2, 1, 3, 4, 1)] == [1, 4, 1, 9, 16, 1]
    assert asked == [1, 2, 3, 4, 1] and len(memo) <= 3


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, max_size=5), texts)
def test_a_lexicon_finds_in_any_texts_what_their_bags_hold_of_it(pages: list[str], known: str) -> None:
    urls = ["https://example.org/docs/api/" + page[:20] for page in pages]
    tokens = list(dict.fromkeys(token for token, _ in bag(known + "".join(pages)[::2], "http://a.b/api")))
    lexicon = Lexicon(tokens)
    for found, whole in (
        (lexicon.bags(pages, urls), [bag(page, url) for page, url in zip(pages, urls)]),
        (lexicon.rough_bags(pages), map(rough_bag, pages)),
    ):
        named = [{tokens[number]: int(weight) for number, weight in zip(*one)} for one in found]
        assert named == [{token: n for token, n in one if token in set(tokens)} for one in whole]


def test_a_lexicon_of_many_words_finds_each_of_them() -> None:
    words = [chr(97 + a) + chr(97 + b) + chr(97 + c) for a in range(26) for b in range(26) for c in range(26)]
    lexicon = Lexicon(words)
    texts = [" ".join(words[start : start + 500]) for start in range(0, len(words), 500)]
    found = [number for numbers, _ in lexicon.rough_bags(texts) for number in numbers.tolist()]
    assert found == list(range(len(words)))
