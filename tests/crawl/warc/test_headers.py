from __future__ import annotations

from datetime import datetime, timezone

import pytest

from corpus.crawl.warc.headers import Headers, charset_of, parse_date, split_http

UTC = timezone.utc


@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r\r\n"])
def test_fields_are_found_whatever_their_case_and_line_ends(newline: bytes) -> None:
    block = newline.join(
        [
            b"HTTP/1.1 200 OK",
            b"content-TYPE : text/html ",
            b"X-A:1",
            b"x-a: 2",
            b"Empty:",
            b"Folded: a",
            b"\tb",
            b"",
        ]
    )
    headers = Headers(block)
    assert headers.get(b"content-type") == "text/html"
    assert (headers.get(b"x-a"), headers.all(b"x-a")) == ("1", ["1", "2"])
    assert (headers.get(b"empty"), headers.get(b"absent"), headers.all(b"absent")) == ("", "", [])
    assert headers.get(b"folded") == "a b"


def test_values_hold_no_nul_and_wrong_bytes_are_replaced() -> None:
    assert Headers(b"a: x\0y\xff").get(b"a") == "xy\ufffd"
    assert Headers(b"a: \xe4", "latin-1").get(b"a") == "ä"


@pytest.mark.parametrize(
    ("content", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n\r\nbody", 200, b"\r\nbody"),
        (b"HTTP/1.0 404\n\nbody", 404, b"body"),
        (b"HTTP/2 301 \r\n\r\n", 301, b""),
        (b"HTTP/1.1 200 OK\r\nA: b", 200, b""),
        (b"HTTP/1.1  500", 500, b""),
        (b"HTTP/1.1 2000 OK\r\n\r\nx", None, b"x"),
        (b"ICY 200 OK\r\n\r\nx", None, b"x"),
        (b"", None, b""),
    ],
)
def test_a_response_is_split_at_its_first_blank_line(content: bytes, status: int | None, body: bytes) -> None:
    found, _, rest = split_http(content)
    assert (found, rest) == (status, body)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-01T12:30:15Z", datetime(2024, 5, 1, 12, 30, 15, tzinfo=UTC)),
        ("2024-05-01T12:30:15.1234567Z", datetime(2024, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)),
        ("2024-05-01T12:30Z", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
        ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-05-01 12:30:15", datetime(2024, 5, 1, 12, 30, 15, tzinfo=UTC)),
        ("2024-05-01T12:30:15-05:30", datetime(2024, 5, 1, 18, 0, 15, tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", None),
        ("2024-13-01T12:30:15Z", None),
        ("2024-05-01T12:30:15ZZ", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_of_all_precisions_are_read_and_nothing_else(text: str, moment: datetime | None) -> None:
    assert parse_date(text) == moment


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/html; charset=UTF-8", "utf-8"),
        ('text/html;CHARSET = "Latin1"; x=y', "latin1"),
        ("text/html; charset='utf-8'", "utf-8"),
        ("text/html; charset=", ""),
        ("text/html", ""),
    ],
)
def test_the_charset_is_named_without_its_quotes(content_type: str, charset: str) -> None:
    assert charset_of(content_type) == charset
