"""Promises of the demo crawl: the same bytes each time, truth that is true, damage that is damage."""

from __future__ import annotations

import io
import zlib
from collections import Counter
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from corpus.demo.benchmarks import items
from corpus.demo.crawl import MOST_ALIKE, write_crawl
from corpus.demo.doc import Distinct, jaccard, plain_text
from corpus.demo.stdlib import CRAWL_MODULES, SEED_MODULES, module_documents
from corpus.demo.truth import LABELS, OUTCOMES, CrawlTruth, TruthRow, read_truth
from corpus.hygiene.redaction import redact

Crawl = tuple[Path, CrawlTruth]


@pytest.fixture(scope="session")
def bodies(crawl: Crawl) -> dict[str, bytes]:
    """The body of each response by URL, as warcio reads it, from the members that inflate."""
    folder, truth = crawl
    found: dict[str, bytes] = {}
    for name in truth.files:
        for member in _members((folder / name).read_bytes()):
            for record in ArchiveIterator(io.BytesIO(member), no_record_parse=True):
                if record.rec_type == "response":
                    url = record.rec_headers.get_header("WARC-Target-URI")
                    found[url] = record.raw_stream.read().partition(b"\r\n\r\n")[2]
    return found


def _members(data: bytes) -> list[bytes]:
    """The records of a gzip-per-record file; one that does not inflate is passed over."""
    members, at = [], 0
    while 0 <= at < len(data):
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            member = inflater.decompress(data[at:])
        except zlib.error:
            member = b""
        if inflater.eof:
            members.append(member)
            at = len(data) - len(inflater.unused_data)
        else:
            at = data.find(b"\x1f\x8b\x08\x00\x00\x00\x00\x00", at + 1)
    return members


def test_two_builds_are_byte_equal(crawl: Crawl, tmp_path: Path) -> None:
    folder, truth = crawl
    write_crawl(tmp_path)
    for name in (*truth.files, "truth.parquet"):
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name


def test_the_crawl_is_as_large_as_promised(crawl: Crawl) -> None:
    _, truth = crawl
    labels = Counter(row.label for row in truth.rows)
    assert len(truth.files) >= 4
    assert len(truth.texts) >= 1_200
    assert labels["general"] >= 800 and labels["spam"] >= 40 and labels["broken"] >= 50
    originals = [row for row in truth.rows if row.label == "agent" and row.duplicate_of is None]
    assert 250 <= len(originals) <= 350
    assert {"de", "en", "es", "fr", "it", "ja", "pt", "ru", "zh"} == {row.language for row in truth.rows}


def test_every_row_is_well_formed_and_read_back_as_written(crawl: Crawl) -> None:
    folder, truth = crawl
    assert read_truth(folder / "truth.parquet").rows == truth.rows
    assert len({row.url for row in truth.rows}) == len({row.record_id for row in truth.rows}) == len(truth)
    for row in truth.rows:
        assert row.label in LABELS and row.expected in OUTCOMES
        assert row.host.endswith(".example")


def test_sites_and_duplicates_never_cross_the_split(crawl: Crawl) -> None:
    _, truth = crawl
    split = {row.url: row.split for row in truth.rows}
    splits_of_host: dict[str, set[str]] = {}
    for row in truth.rows:
        splits_of_host.setdefault(row.host, set()).add(row.split)
    assert all(len(splits) == 1 for splits in splits_of_host.values())
    assert all(split[row.duplicate_of] == row.split for row in truth.rows if row.duplicate_of)
    for part in ("train", "test"):
        hosts = {row.host for row in truth.rows if row.label == "agent" and row.split == part}
        assert len(hosts) >= 3


def test_stated_similarities_are_true(crawl: Crawl) -> None:
    _, truth = crawl
    twins = [row for row in truth.rows if row.duplicate_of]
    assert Counter(row.relation for row in twins).keys() == {"near", "text", "payload"}
    for row in twins:
        assert row.duplicate_of and row.jaccard is not None
        assert jaccard(truth.texts[row.url], truth.texts[row.duplicate_of]) == pytest.approx(row.jaccard)
        if row.relation == "near":
            # No planted pair is so close to the threshold of 0.8 that an extraction could move it across.
            assert min(abs(row.jaccard - level) for level in (0.95, 0.9, 0.85, 0.7, 0.6)) < 0.03
        else:
            assert row.jaccard == 1.0


def test_payload_duplicates_have_equal_bodies(crawl: Crawl, bodies: dict[str, bytes]) -> None:
    same = [row for row in crawl[1].rows if row.relation == "payload"]
    assert same and all(bodies[row.url] == bodies[str(row.duplicate_of)] for row in same)
    drawn = [row for row in crawl[1].rows if row.relation == "text"]
    assert drawn and all(bodies[row.url] != bodies[str(row.duplicate_of)] for row in drawn)


def test_there_are_no_accidental_near_duplicates(crawl: Crawl) -> None:
    _, truth = crawl
    distinct = Distinct(0.5)
    unplanted = [row for row in truth.rows if row.duplicate_of is None and row.label in ("agent", "general")]
    close = [
        row.url for row in unplanted if row.url in truth.texts and not distinct.add(truth.texts[row.url])
    ]
    assert close == []
    assert MOST_ALIKE < 0.5


def test_only_the_planted_damage_keeps_records_from_being_read(
    crawl: Crawl, bodies: dict[str, bytes]
) -> None:
    _, truth = crawl
    lost = {row.url for row in truth.rows if row.expected == "damaged"}
    assert len(lost) == 2
    assert {row.url for row in truth.rows} - bodies.keys() == lost


def test_a_plain_reader_stops_at_the_damage_but_reads_whole_files(crawl: Crawl) -> None:
    folder, truth = crawl
    counts = Counter(row.warc for row in truth.rows)
    hurt = {row.warc for row in truth.rows if row.expected == "damaged"}
    for name in truth.files:
        responses = 0
        try:
            with (folder / name).open("rb") as stream:
                for record in ArchiveIterator(stream, no_record_parse=True):
                    responses += record.rec_type == "response"
        except Exception:  # warcio raises several kinds of error on damage
            assert name in hurt
        if name not in hurt:
            assert responses == counts[name]


def test_pages_decode_in_their_charset(crawl: Crawl, bodies: dict[str, bytes]) -> None:
    _, truth = crawl
    whole = [row for row in truth.rows if row.label in ("agent", "general") and row.url in bodies]
    plain = [row for row in whole if not row.note or "charset" in row.note]
    charsets = {row.charset for row in plain}
    assert {"utf-8", "cp1252", "cp1251", "shift_jis", "gb2312"} <= charsets
    for row in plain:
        assert _a_line_of(truth, row) in bodies[row.url].decode(row.charset), row.url


def _a_line_of(truth: CrawlTruth, row: TruthRow) -> str:
    """A stretch of the page's first lines that no escaping changes."""
    title = truth.texts[row.url].split("\n")[0]
    return max(
        title.replace("&", "\n").replace("<", "\n").replace(">", "\n").replace("'", "\n").split("\n"), key=len
    )


def test_each_kind_of_trouble_is_planted(crawl: Crawl) -> None:
    genres = {row.genre for row in crawl[1].rows if row.label == "broken"}
    assert {"http-404", "http-301", "json", "pdf", "image", "empty-body", "bad-gzip-body", "bad-http-header",
            "deep-nesting"} <= genres  # fmt: skip
    notes = " ".join(row.note for row in crawl[1].rows if row.expected == "kept")
    for word in ("invalid UTF-8", "NUL", "Content-Length", "gzip", "chunked", "licence"):
        assert word in notes
    assert [row.expected for row in crawl[1].rows if "noai" in row.note] == ["dropped"]


def test_crawl_and_seeds_share_no_module_and_no_page() -> None:
    assert not set(CRAWL_MODULES) & set(SEED_MODULES)
    distinct = Distinct(0.5)
    for module in CRAWL_MODULES:
        for doc in module_documents(module):
            distinct.add(plain_text(doc))
    close = [
        doc.title
        for name in SEED_MODULES
        for doc in module_documents(name)
        if distinct.closest(plain_text(doc)) >= 0.5
    ]
    assert close == []


def test_planted_items_and_secrets_stand_on_pages_that_a_right_filter_keeps(crawl: Crawl) -> None:
    _, truth = crawl
    unclean = [row for row in truth.rows if row.benchmark_item or row.secret]
    assert {row.benchmark_item for row in unclean} > {name for name, _, _ in items()}
    assert {row.secret for row in unclean} == {None, "API_KEY", "EMAIL_ADDRESS", "CARD_NUMBER", "PRIVATE_KEY"}
    assert {row.split for row in unclean} == {"train", "test"}
    assert all(row.expected == "kept" and not row.duplicate_of for row in unclean)
    assert not {row.duplicate_of for row in truth.rows} & {row.url for row in unclean}


def test_only_what_was_planted_is_redacted_and_authors_in_the_standard_library(crawl: Crawl) -> None:
    _, truth = crawl
    found = {url: set(redact(text).counts) for url, text in truth.texts.items()}
    planted = {row.url: {row.secret} for row in truth.rows if row.secret}
    others = {url: types for url, types in found.items() if types and url not in planted}
    assert {url: found[url] for url in planted} == planted
    assert all(types == {"EMAIL_ADDRESS"} for types in others.values()) and len(others) < 5
