"""Damage of every kind, generated: nothing raises, nothing hangs, and what was not touched is not lost."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.crawl.warc.records import Damage, Record, read_records
from tests.crawl.archives import PACKERS, html, pack, plain_records, read_bytes, uncovered

PAGES = [(f"http://example.org/{n}", html(10 + 9 * n, f"w{n}x")) for n in range(5)]
RECORDS = plain_records(PAGES)
WHOLE = b"".join(RECORDS)
COMPRESSED = [name for name in PACKERS if name != "plain"]
Edit = tuple[int, int, bytes]  # what replaces data[start:end]


def apply(data: bytes, edits: list[Edit]) -> bytes:
    for start, end, new in sorted(edits, reverse=True):
        data = data[:start] + new + data[end:]
    return data


def untouched(places: list[tuple[int, int]], edits: list[Edit]) -> list[tuple[str, bytes]]:
    """The pages of members that no edit reaches into."""
    return [
        page
        for page, (a, b) in zip(PAGES, places, strict=True)
        if all(end <= a or start >= b for start, end, _ in edits)
    ]


def hold(data: bytes, pages: list[tuple[str, bytes]]) -> tuple[list[Record], list[Damage]]:
    """All laws that hold whatever happened to an archive."""
    records, damage = read_bytes(data)
    assert (records, damage) == read_bytes(data)
    assert not uncovered(records, damage, len(data))
    good = iter((r.url, r.payload) for r in records if not r.problem)
    missing = [page for page in pages if page not in good]  # in order, since `good` runs on
    assert not missing
    return records, damage


@pytest.mark.parametrize("container", PACKERS)
def test_a_cut_anywhere_costs_the_record_that_is_cut(container: str) -> None:
    data, places = pack(RECORDS, container)
    for cut in range(1, len(data)):
        whole = [page for page, (_, end) in zip(PAGES, places, strict=True) if end <= cut]
        records, damage = hold(data[:cut], whole)
        start = max(a for a, _ in places if a <= cut)
        rest = [record for record in records if record.problem]
        if container != "plain" and start < cut:
            assert [(d.start, d.end, d.reason) for d in damage] == [(start, cut, "truncated")]
        assert len(records) <= len(whole) + 1 and all(r.problem == "truncated" for r in rest)


@pytest.mark.parametrize("container", PACKERS)
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_anywhere_costs_no_other_record(container: str, mask: int) -> None:
    data, places = pack(RECORDS, container)
    for at in range(0, len(data), 3):
        edit = (at, at + 1, bytes([data[at] ^ mask]))
        records, _ = hold(apply(data, [edit]), untouched(places, [edit]))
        assert len(records) <= len(PAGES)


@pytest.mark.parametrize("container", PACKERS)
@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 700,
        b"\xff",
        b"\r\n" * 40,
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22\x4d\x18" * 9,
        b"WARC/",
    ],
)
def test_garbage_between_members_is_passed_over(container: str, garbage: bytes) -> None:
    data, places = pack(RECORDS, container)
    for at, _ in [*places, (len(data), 0)]:
        hold(apply(data, [(at, at, garbage)]), PAGES)


@st.composite
def broken_archives(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, bytes]]]:
    data, places = pack(RECORDS, draw(st.sampled_from(sorted(PACKERS))))
    edits: list[Edit] = []
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data) - 1))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 8, 60, 500])))
        other = draw(st.integers(0, len(data) - 1))
        new = draw(st.one_of(st.binary(max_size=40), st.just(data[other : other + 200]), st.just(bytes(90))))
        if all(end < a or start > b for a, b, _ in edits):
            edits.append((start, end, new))
    return apply(data, edits), untouched(places, edits)


@given(broken_archives())
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_happens_to_an_archive_the_rest_of_it_is_read(
    broken: tuple[bytes, list[tuple[str, bytes]]],
) -> None:
    hold(*broken)


@given(st.binary(max_size=300), st.sampled_from([b"", *(PACKERS[c](RECORDS[0])[:40] for c in PACKERS)]))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_bytes_are_an_archive_or_damage(data: bytes, head: bytes) -> None:
    hold(head + data, [])


@pytest.mark.parametrize("container", COMPRESSED)
def test_damage_in_an_archive_of_one_member_leaves_what_lies_before(container: str) -> None:
    """Not to the record: a decoder may go on for a while behind a wrong byte before it meets the impossible."""
    pages = [(f"http://example.org/{n}", html(60, f"w{n}x")) for n in range(2000)]
    data = PACKERS[container](b"".join(plain_records(pages)))
    at = len(data) * 9 // 10
    records, damage = read_bytes(data[:at] + b"\xff" * 50 + data[at + 50 :])
    assert [(r.url, r.payload) for r in records][:1500] == pages[:1500]
    assert [(d.start, d.end) for d in damage] == [(0, len(data))]


class Counting(io.BytesIO):
    """A file that adds up what is read of it."""

    total = 0

    def read(self, n: int | None = -1) -> bytes:
        data = super().read(n)
        self.total += len(data)
        return data


def with_length(record: bytes, length: int) -> bytes:
    head, _, rest = record.partition(b"Content-Length: ")
    return head + b"Content-Length: %d\r\n" % length + rest.partition(b"\r\n")[2]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("length", [10**9, 3 << 20])
@pytest.mark.parametrize("cap", [1 << 20, 20 << 20])
def test_many_wrong_lengths_are_not_answered_by_reading_everything_again(
    packed: bool, length: int, cap: int
) -> None:
    """Time by the square would be 10,000 times the archive."""
    records = [with_length(record, length) for record in RECORDS * 2000]
    data = gzip.compress(b"".join(records), 1) if packed else b"".join(records)
    stream = Counting(data)
    found = [item for item in read_records(stream, "a", len(data), cap) if isinstance(item, Record)]
    assert len(found) == len(records)
    # the last one reaches the end of the file, and so does every one that is tried before lengths are distrusted
    assert {record.problem for record in found} <= {"bad_length", "truncated", "too_large"}
    assert stream.total < 60 * max(len(data), 4 << 20)


@pytest.mark.parametrize("container", PACKERS)
@pytest.mark.parametrize(
    "filler",
    [
        b"WARC/1.0\r\nX-Long: " + b"a" * (3 << 20),  # a header without an end
        b"\r\n" * (2 << 20),
        b"WARC/1.0\r\n\r\n" * 20_000,  # headers that say nothing
        b"\n" + b"http://e.org/ 1.1.1.1 20050614070159 text/html" * 60_000,
    ],
)
def test_large_nonsense_does_not_hide_the_records_behind_it(container: str, filler: bytes) -> None:
    data, _ = pack([RECORDS[0], filler + b"\r\n", *RECORDS[1:]], container)
    records, _ = read_bytes(data)
    named = [(r.url, r.payload) for r in records if r.url and not r.problem]
    assert named == PAGES


def http(declared: int, body: bytes) -> bytes:
    return plain_records([("http://e.org/", body)], headers=[("Content-Length", str(declared))])[0]


@pytest.mark.parametrize("delta", [-10, -1, 0, 1, 10, 10**9, 10**20])
def test_a_wrong_http_length_costs_nothing_and_a_short_body_is_told(delta: int) -> None:
    body = html(50)
    record = http(len(body) + delta, body)
    (found,), damage = read_bytes(record)
    assert (found.payload, found.problem) == (body, None) and not damage
    assert found.truncated == ("short" if 0 < delta < 10**15 else "")


@pytest.mark.parametrize(
    ("name", "value", "told"), [("Truncated", "Length", "length"), ("Segment-Number", "1", "segmented")]
)
def test_what_the_crawler_says_of_a_cut_body_is_passed_on(name: str, value: str, told: str) -> None:
    record = RECORDS[0].replace(b"WARC-Type", f"WARC-{name}: {value}\r\nWARC-Type".encode(), 1)
    (found,), _ = read_bytes(record)
    assert (found.truncated, found.payload) == (told, PAGES[0][1])


def headers() -> Iterator[tuple[str, str]]:
    yield "TDM-Reservation", "1"
    yield "X-Robots-Tag", "noai"
    yield "x-robots-tag", "bot: noindex"
    yield "Link", "<https://e.org>; rel=license"
    yield "Content-Type", 'Text/HTML; charset="UTF-8"'


def test_the_headers_that_policy_asks_for_are_in_the_record() -> None:
    (record,) = plain_records([("http://e.org/", b"<p>x")], headers=list(headers()))
    (found,), _ = read_bytes(record)
    assert (found.tdm, found.robots) == ("1", "noai\nbot: noindex")
    assert (found.link, found.mime, found.charset) == ("<https://e.org>; rel=license", "text/html", "utf-8")
    assert found.payload_declared_digest.startswith("sha1:")
