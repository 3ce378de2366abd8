from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import brotli
import pytest

from tests.crawl.archives import html, read, write

PAGES = [(f"http://example.org/{n}", html(200 + n, f"w{n}x")) for n in range(5)]


@pytest.fixture
def archive(tmp_path: Path) -> tuple[Path, list[tuple[int, int]]]:
    path = tmp_path / "a.warc.gz"
    return path, write(path, PAGES)


def test_offsets_and_lengths_cut_out_whole_records(archive) -> None:
    path, places = archive
    records, damage = read(path)
    assert [(r.offset, r.offset + r.length) for r in records] == places
    assert not damage
    assert [(r.url, r.payload) for r in records] == PAGES
    assert {(r.http_status, r.mime, r.problem) for r in records} == {(200, "text/html", None)}


@pytest.mark.parametrize("gz", [True, False])
def test_a_flipped_byte_costs_one_record_of_a_gzip_archive(tmp_path: Path, gz: bool) -> None:
    path = tmp_path / ("a.warc.gz" if gz else "a.warc")
    places = write(path, PAGES, gz=gz)
    data = bytearray(path.read_bytes())
    start, end = places[2]
    data[(start + end) // 2] ^= 0xFF
    path.write_bytes(data)
    records, damage = read(path)
    good = [r.url for r in records if not r.problem]
    if gz:
        assert good == [url for n, (url, _) in enumerate(PAGES) if n != 2]
        assert [(r.url, r.problem) for r in records if r.problem] == [(PAGES[2][0], "damaged")]
        assert [(d.start, d.end, d.reason) for d in damage] == [(start, end, "bad_gzip")]
    else:  # without compression a flipped byte of the body cannot be seen
        assert good == [url for url, _ in PAGES] and not damage


def test_garbage_between_records_is_reported_to_the_byte(archive) -> None:
    path, places = archive
    data = path.read_bytes()
    at = places[1][1]
    path.write_bytes(data[:at] + b"\x00" * 1000 + data[at:])
    records, damage = read(path)
    assert [r.url for r in records] == [url for url, _ in PAGES]
    assert [(d.start, d.end, d.reason) for d in damage] == [(at, at + 1000, "garbage")]


def test_a_member_overwritten_from_its_first_byte_is_passed_over(archive) -> None:
    path, places = archive
    data = bytearray(path.read_bytes())
    start, end = places[0]
    data[start:end] = b"\x55\xaa\x1f\x8b" * ((end - start) // 4) + b"\0" * ((end - start) % 4)
    path.write_bytes(data)
    records, damage = read(path)
    assert [r.url for r in records] == [url for url, _ in PAGES[1:]]
    assert [(d.start, d.end, d.reason) for d in damage] == [(start, end, "garbage")]


@pytest.mark.parametrize("cut", [1, 8, 40, 300])
def test_a_truncated_archive_names_the_record_that_is_cut(archive, cut: int) -> None:
    path, places = archive
    path.write_bytes(path.read_bytes()[:-cut])
    records, damage = read(path)
    start, end = places[-1]
    assert [r.url for r in records if not r.problem] == [url for url, _ in PAGES[:-1]]
    assert [(d.start, d.end, d.reason) for d in damage] == [(start, end - cut, "truncated")]
    assert all(r.problem == "truncated" for r in records[4:])


def test_a_file_that_ends_before_its_listed_size_is_reported(archive) -> None:
    path, places = archive
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: places[2][1]])
    records, damage = read(path, size=size)
    assert len(records) == 3
    assert [(d.start, d.end, d.reason) for d in damage] == [(places[2][1], size, "missing")]


@pytest.mark.parametrize("delta", [-30, 30, 5000, 10**9])
@pytest.mark.parametrize("gz", [True, False])
def test_a_wrong_content_length_costs_that_record_alone(tmp_path: Path, gz: bool, delta: int) -> None:
    plain = tmp_path / "plain.warc"
    places = write(plain, PAGES, gz=False)
    data = plain.read_bytes()
    parts = [data[a:b] for a, b in places]
    head, _, rest = parts[1].partition(b"Content-Length: ")
    number, _, rest = rest.partition(b"\r\n")
    parts[1] = head + b"Content-Length: " + str(int(number) + delta).encode() + b"\r\n" + rest
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(gzip.compress(p, mtime=0) for p in parts) if gz else b"".join(parts))
    records, _ = read(path)
    assert [r.url for r in records] == [url for url, _ in PAGES]
    assert [bool(r.problem) for r in records] == [False, True, False, False, False]


@pytest.mark.parametrize("delta", [3000, 10**9])
@pytest.mark.parametrize("packed", [False, True])
def test_a_wrong_length_above_the_limit_swallows_no_record_behind_it(
    tmp_path: Path, packed: bool, delta: int
) -> None:
    """Wherever the next record begins: within the bytes that are held, across their border, or beyond."""
    for limit in range(1 << 10, 6 << 10, 97):
        plain = tmp_path / f"{limit}.warc"
        places = write(plain, [*PAGES, *((f"{url}/more", body) for url, body in PAGES)], gz=False)
        data = plain.read_bytes()
        parts = [data[a:b] for a, b in places]
        head, _, rest = parts[1].partition(b"Content-Length: ")
        number, _, rest = rest.partition(b"\r\n")
        parts[1] = head + b"Content-Length: " + str(int(number) + delta).encode() + b"\r\n" + rest
        plain.write_bytes(gzip.compress(b"".join(parts)) if packed else b"".join(parts))
        records, damage = read(plain, page_bytes=limit)
        assert [r.url for r in records] == [url for url, _ in PAGES] + [f"{url}/more" for url, _ in PAGES]
        assert records[1].problem == "bad_length" and not damage


def test_a_large_body_that_holds_an_archive_is_one_record(tmp_path: Path) -> None:
    inner = tmp_path / "inner.warc"
    write(inner, PAGES, gz=False)
    path = tmp_path / "a.warc"
    write(path, [("http://example.org/inner.warc", inner.read_bytes()), PAGES[0]], gz=False)
    records, damage = read(path, page_bytes=4 << 10)
    assert [(r.url, r.problem) for r in records] == [
        ("http://example.org/inner.warc", "too_large"),
        (PAGES[0][0], None),
    ]
    assert not damage


@pytest.mark.parametrize("gz", [True, False])
@pytest.mark.parametrize("line", [b"no header at all", b"WARC-Kind: response", b"WARC-Type:"])
def test_a_record_whose_header_says_nothing_fails_as_a_response(
    tmp_path: Path, gz: bool, line: bytes
) -> None:
    plain = tmp_path / "plain.warc"
    places = write(plain, PAGES, gz=False)
    data = plain.read_bytes()
    parts = [data[a:b] for a, b in places]
    bad = b"WARC/1.0\r\n" + line + b"\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"
    parts[1:3] = [bad, bad]
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(gzip.compress(p, mtime=0) for p in parts) if gz else b"".join(parts))
    records, damage = read(path)
    assert [(r.type, r.problem) for r in records] == [
        ("response", problem) for problem in (None, "bad_header", "bad_header", None, None)
    ]
    assert not damage and len({r.id for r in records}) == 5


def test_many_records_in_one_gzip_member_are_all_read(tmp_path: Path) -> None:
    plain = tmp_path / "plain.warc"
    write(plain, PAGES, gz=False)
    path = tmp_path / "one.warc.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    records, damage = read(path)
    assert [(r.url, r.payload, r.problem) for r in records] == [(u, b, None) for u, b in PAGES]
    assert not damage


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda b: zlib.compress(b)[2:-4]),
        ("br", brotli.compress),
        ("gzip", lambda b: b),  # decoded by the crawler, header left standing
        ("br", lambda b: b),
        ("deflate", lambda b: b),
        ("identity", lambda b: b),
        ("gzip, br", lambda b: brotli.compress(gzip.compress(b))),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_content_encodings_are_undone(tmp_path: Path, encoding: str, pack, chunked: bool) -> None:
    body = html(500)
    sent = pack(body)
    headers = [("Content-Type", "text/html"), ("Content-Encoding", encoding)]
    if chunked:
        headers.append(("Transfer-Encoding", "chunked"))
        pieces = [sent[i : i + 333] for i in range(0, len(sent), 333)]
        sent = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    path = tmp_path / "a.warc.gz"
    write(path, [("http://example.org/", sent)], headers=headers)
    records, _ = read(path)
    assert (records[0].payload, records[0].problem) == (body, None)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_bomb_is_a_reason_and_not_a_gigabyte(tmp_path: Path, encoding: str) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    bomb = b"".join([packer.compress(b"a" * (1 << 20)) for _ in range(300)]) + packer.flush()
    if encoding == "br":
        bomb = brotli.compress(b"a" * (300 << 20), quality=1)
    path = tmp_path / "a.warc.gz"
    write(path, [("http://example.org/bomb", bomb)], headers=[("Content-Encoding", encoding)])
    write(path, PAGES)
    records, damage = read(path, page_bytes=1 << 20)
    assert [r.problem for r in records] == ["too_large"] + [None] * 5
    assert not records[0].payload and not damage


def test_a_record_above_the_limit_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    write(path, [("http://example.org/big", b"x" * (5 << 20)), *PAGES])
    records, damage = read(path, page_bytes=1 << 20)
    assert [r.problem for r in records] == ["too_large"] + [None] * 5
    assert not damage


def test_an_empty_archive_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(b"")
    assert read(tmp_path / "a.warc.gz") == ([], [])
