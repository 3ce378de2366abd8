"""Beginnings of dropped pages: read from real records, bounded, harmless, and silent about what is private."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.report.measure.snippets import LONGEST, beginning, from_archive

URL = "https://site.example/page"
PAGE = b"<html><head><title>A &amp; B</title><style>x{}</style></head><body><script>no()</script><p>Hello <b>world</b>"


def archive(
    folder: Path, body: bytes, *, zipped: bool = True, headers: tuple[tuple[str, str], ...] = ()
) -> str:
    """A WARC with one record that begins at byte 0."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=zipped)
    head = StatusAndHeaders("200 OK", [("Content-Type", "text/html"), *headers], protocol="HTTP/1.1")
    writer.write_record(
        writer.create_warc_record(URL, "response", payload=io.BytesIO(body), http_headers=head)
    )
    path = folder / "a.warc.gz"
    path.write_bytes(stream.getvalue())
    return str(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_title_and_text_are_read_from_the_record(tmp_path: Path, zipped: bool) -> None:
    assert from_archive(archive(tmp_path, PAGE, zipped=zipped), 0, URL) == "A & B · Hello world"


def test_the_encoding_is_the_pages_own(tmp_path: Path) -> None:
    body = "<p>Köln и Москва</p>".encode("windows-1251", "ignore")
    path = archive(tmp_path, body, headers=(("Content-Type", "text/html; charset=windows-1251"),))
    assert from_archive(path, 0, URL) == "Kln и Москва"
    assert from_archive(archive(tmp_path, b"<p>x<meta charset=punycode>" + b"-a" * 60_000), 0, URL)


def test_another_record_and_a_missing_archive_give_nothing(tmp_path: Path) -> None:
    path = archive(tmp_path, PAGE)
    assert from_archive(path, 0, "https://site.example/other") is None
    assert from_archive(path, 7, URL) is None
    assert from_archive(str(tmp_path / "gone.warc.gz"), 0, URL) is None
    assert from_archive("https://crawl.example/a.warc.gz", 0, URL) is None


def test_what_is_no_text_gives_nothing(tmp_path: Path) -> None:
    assert from_archive(archive(tmp_path, bytes(range(256)) * 40), 0, URL) is None
    squeezed = archive(tmp_path, gzip.compress(PAGE), headers=(("Content-Encoding", "gzip"),))
    assert from_archive(squeezed, 0, URL) is None
    assert from_archive(archive(tmp_path, b""), 0, URL) is None


@pytest.mark.parametrize(
    "part",
    [
        b"<script>",
        b"<",
        b"<title",
        b"</script><script ",
        b"<p ",
        b"&#",
        b"charset=",
        b"<meta ",
        b"<meta name=robots>",
    ],
)
def test_a_hostile_page_takes_no_longer_than_its_bytes(tmp_path: Path, part: bytes) -> None:
    found = from_archive(archive(tmp_path, part * (4_000_000 // len(part))), 0, URL)
    assert found is None or len(found) <= LONGEST


@pytest.mark.parametrize(
    ("headers", "tag"),
    [
        ((("X-Robots-Tag", "nofollow"), ("x-robots-tag", "otherbot: noai")), b""),
        ((("TDM-Reservation", "1"),), b""),
        ((), b"<META content='index, noai' name=robots>"),
        ((), b'<meta name="robots" content="nosnippet">'),
    ],
)
def test_a_page_that_states_a_directive_against_its_use_is_not_quoted(
    tmp_path: Path, headers: tuple[tuple[str, str], ...], tag: bytes
) -> None:
    silent = archive(tmp_path, PAGE, headers=(("X-Robots-Tag", "all"), ("TDM-Reservation", "0")))
    assert from_archive(silent, 0, URL)
    assert (
        from_archive(archive(tmp_path, PAGE.replace(b"<title>", tag + b"<title>"), headers=headers), 0, URL)
        is None
    )


def test_the_record_behind_is_not_quoted(tmp_path: Path) -> None:
    path = Path(archive(tmp_path, PAGE, zipped=False))
    path.write_bytes(path.read_bytes() * 2)
    assert from_archive(str(path), 0, URL) == "A & B · Hello world"


def test_secrets_and_personal_data_are_not_shown(tmp_path: Path) -> None:
    body = b"<p>Write to katrin.berg@seaside-mail.org soon</p>"
    said = from_archive(archive(tmp_path, body), 0, URL) or ""
    assert "<EMAIL_ADDRESS>" in said and "katrin" not in said


@settings(max_examples=60)
@given(st.text(max_size=3000))
def test_a_beginning_is_one_short_line(text: str) -> None:
    said = beginning(text)
    assert len(said) <= LONGEST and "\n" not in said and said == said.strip()
