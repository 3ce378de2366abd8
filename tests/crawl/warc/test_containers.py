"""Every container and record format gives the same records, with the place of each."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from datetime import datetime, timezone

import lz4.frame
import pytest
import zstandard
from fastwarc.stream_io import Lz4Writer, ZstdWriter

from corpus.crawl.warc.containers import find_format, opens_record
from corpus.crawl.warc.members import Blocks, Member
from tests.crawl.archives import PACKERS, html, pack, plain_records, read_bytes, skippable, uncovered

PAGES = [(f"http://example.org/{n}", html(150 + 40 * n, f"w{n}x")) for n in range(8)]
RECORDS = plain_records(PAGES)
WHOLE = b"".join(RECORDS)
COMPRESSED = [name for name in PACKERS if name != "plain"]


def pages_of(data: bytes) -> list[tuple[str, bytes]]:
    records, damage = read_bytes(data)
    assert not damage and not any(record.problem for record in records)
    return [(record.url, record.payload) for record in records]


def dictionary() -> zstandard.ZstdCompressionDict:
    samples = [record[i : i + 400] for record in RECORDS for i in range(0, len(record), 100)]
    return zstandard.train_dictionary(2000, samples)


@pytest.mark.parametrize("container", PACKERS)
def test_each_record_can_be_read_again_from_its_place_alone(container: str) -> None:
    data, places = pack(RECORDS, container)
    records, damage = read_bytes(data)
    assert [(r.url, r.payload) for r in records] == PAGES and not damage
    assert [(r.offset, r.offset + r.length) for r in records] == places
    assert not uncovered(records, damage, len(data))
    for record, page in zip(records, PAGES, strict=True):
        assert pages_of(data[record.offset : record.offset + record.length]) == [page]


@pytest.mark.parametrize("container", COMPRESSED)
def test_an_archive_compressed_as_a_whole_is_read_in_full(container: str) -> None:
    data = PACKERS[container](WHOLE)
    records, damage = read_bytes(data)
    assert [(r.url, r.payload, r.offset, r.length) for r in records] == [(*page, 0, 0) for page in PAGES]
    assert not damage and not uncovered(records, damage, len(data))


@pytest.mark.parametrize("container", COMPRESSED)
@pytest.mark.parametrize("size", [100, 997, 20_000])
def test_members_that_are_cut_without_regard_to_records_are_read_as_one(container: str, size: int) -> None:
    data, _ = pack([WHOLE[i : i + size] for i in range(0, len(WHOLE), size)], container)
    records, damage = read_bytes(data)
    assert [(r.url, r.payload, r.problem) for r in records] == [(*page, None) for page in PAGES]
    assert not damage and not uncovered(records, damage, len(data))


@pytest.mark.parametrize("compressed", [False, True])
def test_the_dictionary_of_a_zstd_archive_is_taken_from_its_first_frame(compressed: bool) -> None:
    known = dictionary()
    packer = zstandard.ZstdCompressor(dict_data=known)
    content = zstandard.compress(known.as_bytes()) if compressed else known.as_bytes()
    head = skippable(content, b"\x5d\x2a\x4d\x18")
    frames = [packer.compress(record) for record in RECORDS]
    records, damage = read_bytes(head + b"".join(frames))
    assert [(r.url, r.payload) for r in records] == PAGES and not damage
    assert [r.length for r in records] == [len(frame) for frame in frames]
    assert uncovered(records, damage, len(head) + sum(map(len, frames))) == [(0, len(head))]


def test_a_zstd_archive_without_its_dictionary_says_so() -> None:
    data = zstandard.ZstdCompressor(dict_data=dictionary()).compress(WHOLE)
    records, damage = read_bytes(data)
    assert not records and [(d.start, d.end, d.reason) for d in damage] == [(0, len(data), "no_dictionary")]


def test_a_dictionary_that_is_cut_costs_the_archive_and_says_so() -> None:
    data = skippable(dictionary().as_bytes(), b"\x5d\x2a\x4d\x18")[:-100]
    records, damage = read_bytes(data)
    assert not records and [(d.start, d.end, d.reason) for d in damage] == [(0, len(data), "truncated")]


def test_a_dictionary_that_is_a_bomb_is_refused() -> None:
    bomb = skippable(zstandard.compress(b"\0" * (100 << 20)), b"\x5d\x2a\x4d\x18")
    records, damage = read_bytes(bomb + zstandard.compress(WHOLE))
    assert not records and [d.reason for d in damage] == ["bad_dictionary"]


@pytest.mark.parametrize("container", ["zstd", "lz4"])
def test_skippable_frames_are_passed_over(container: str) -> None:
    frame = skippable(b"an index of the archive")
    members = [PACKERS[container](record) for record in RECORDS]
    assert pages_of(frame + frame.join(members) + frame) == PAGES


class Kept(io.BytesIO):
    """What a writer wrote, also after it closed the file."""

    def close(self) -> None:
        pass


@pytest.mark.parametrize("compressed", [False, True])
def test_archives_of_another_writer_are_read(compressed: bool) -> None:
    known = dictionary().as_bytes()
    for make in (
        Lz4Writer,
        ZstdWriter,
        lambda stream: ZstdWriter(stream, dictionary=known, compress_dictionary_frame=compressed),
    ):
        stream = Kept()
        writer = make(stream)
        for record in RECORDS:
            writer.write(record)
            writer.finish()
        writer.close()
        assert pages_of(stream.getvalue()) == PAGES


def test_a_zstd_frame_that_wants_more_memory_than_allowed_is_damage() -> None:
    window = 31 - 10 << 3  # a window of 2 GiB
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([window]) + b"\x01\x00\x00"
    records, damage = read_bytes(zstandard.compress(RECORDS[0]) + frame + zstandard.compress(RECORDS[1]))
    assert [(r.url, r.payload) for r in records] == PAGES[:2]
    assert [(d.end - d.start, d.reason) for d in damage] == [(len(frame), "bad_zstd")]


@pytest.mark.parametrize("container", COMPRESSED)
def test_no_call_of_a_decoder_fills_the_memory(container: str) -> None:
    """200 MB of zeros come in parts, however few bytes stand for them."""
    data = PACKERS[container](WHOLE[:5000] + bytes(200 << 20))
    blocks = Blocks(io.BytesIO(data))
    codec, _ = find_format(blocks)
    assert codec
    sizes = [len(part) for part in Member(codec, blocks, 0, opens_record).chunks()]
    assert sum(sizes) == 5000 + (200 << 20) and max(sizes) <= 34 << 20


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bz2.compress(WHOLE), "unsupported_bzip2"),
        (lzma.compress(WHOLE), "unsupported_xz"),
        (b"PK\x03\x04" + WHOLE, "unsupported_zip"),
        (b"\x02\x21\x4c\x18" + WHOLE, "unsupported_lz4"),
        (b"7z\xbc\xaf\x27\x1c" + WHOLE, "unsupported_7z"),
        (b"<html>no archive</html>", "garbage"),
        (gzip.compress(b"<html>no archive</html>"), "garbage"),
    ],
)
def test_files_of_other_formats_say_what_they_are(data: bytes, reason: str) -> None:
    records, damage = read_bytes(data)
    assert not records and [(d.start, d.end, d.reason) for d in damage] == [(0, len(data), reason)]


@pytest.mark.parametrize("version", ["0.17", "0.18", "1.0", "1.1"])
@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r\r\n"])
@pytest.mark.parametrize("container", PACKERS)
def test_all_versions_of_warc_and_all_line_ends_are_read(
    version: str, newline: bytes, container: str
) -> None:
    body = b'HTTP/1.0 200 OK\nContent-Type: text/html; charset="Latin1"\n\n<p>body'
    head = (
        f"WARC/{version}\nWARC-Type: response\nWARC-Target-URI: <http://e.org/ä b>\n"
        f"WARC-Date: 2009-01-13T18:05:10.123456789+02:00\nContent-Length: {len(body)}\n\n"
    )
    record = head.encode().replace(b"\n", newline) + body + 2 * newline
    records, damage = read_bytes(pack([record] * 3, container)[0])
    assert not damage and [r.problem for r in records] == [None] * 3
    assert (records[2].url, records[2].payload) == ("http://e.org/ä b", b"<p>body")
    assert (records[2].mime, records[2].charset) == ("text/html", "latin1")
    assert records[2].date == datetime(2009, 1, 13, 16, 5, 10, 123456, tzinfo=timezone.utc)


def arc_records(version: int) -> list[bytes]:
    """An ARC file of version 1 or 2 (the one with ten fields): a description and a record per page."""
    fields = "200 checksum - 1234 a.arc " if version == 2 else ""
    about = f"{version} 0 Tests\nURL IP-address Archive-date Content-type Archive-length\n"
    parts = [f"filedesc://a.arc 0.0.0.0 20050614070159 text/plain {fields}{len(about)}\n{about}\n".encode()]
    for url, body in PAGES:
        content = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
        line = f"{url} with spaces 93.184.216.34 20050614070200 text/html {fields}{len(content)}\n"
        parts.append(line.encode() + content + b"\n")
    return parts


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("container", PACKERS)
def test_arc_files_are_read_as_the_warc_that_says_the_same(version: int, container: str) -> None:
    data, places = pack(arc_records(version), container)
    records, damage = read_bytes(data)
    assert not damage and [(r.type, r.problem) for r in records] == [
        ("warcinfo", None),
        *[("response", None)] * len(PAGES),
    ]
    assert [(r.url, r.payload) for r in records[1:]] == [(f"{url} with spaces", body) for url, body in PAGES]
    assert [(r.offset, r.offset + r.length) for r in records] == places
    assert records[1].date == datetime(2005, 6, 14, 7, 2, tzinfo=timezone.utc)
    assert (records[1].http_status, records[1].mime) == (200, "text/html")


@pytest.mark.parametrize("container", PACKERS)
@pytest.mark.parametrize("delta", [-7, 7, 100_000])
def test_a_wrong_length_in_an_arc_file_costs_that_record_alone(container: str, delta: int) -> None:
    parts = arc_records(1)
    line, _, rest = parts[3].partition(b"\n")
    start, _, length = line.rpartition(b" ")
    parts[3] = start + b" %d\n" % (int(length) + delta) + rest
    data, _ = pack(parts, container)
    records, damage = read_bytes(data)
    good = [r.payload for r in records if not r.problem and r.type == "response"]
    assert good == [body for n, (_, body) in enumerate(PAGES, 1) if n != 3]
    assert not uncovered(records, damage, len(data))


@pytest.mark.parametrize("container", PACKERS)
def test_a_wrong_length_above_the_limit_does_not_lead_back_to_the_same_arc_record(container: str) -> None:
    parts = arc_records(1)
    parts[3] = parts[3].replace(b"\n", b"000\n", 1)
    records, _ = read_bytes(pack(parts, container)[0], page_bytes=1 << 10)
    assert [r.url for r in records[1:]] == [f"{url} with spaces" for url, _ in PAGES]


def test_the_content_decides_what_a_file_is_and_not_its_name() -> None:
    for container in PACKERS:
        data, _ = pack(RECORDS, container)
        assert [r.url for r in read_bytes(data, "named.arc")[0]] == [url for url, _ in PAGES]


def test_lz4_frames_with_linked_and_checked_blocks_are_read() -> None:
    data = b"".join(
        lz4.frame.compress(record, block_linked=linked, block_checksum=True, store_size=linked, block_size=5)
        for record, linked in zip(RECORDS, [True, False] * 4, strict=True)
    )
    assert pages_of(data) == PAGES
