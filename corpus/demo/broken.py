"""Records that go wrong in known ways: some are no page at all, some hold a good page in a bad wrapping."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from corpus.demo.doc import Doc
from corpus.demo.html import Site
from corpus.demo.page import Page, html_page

_HTML = ("Content-Type", "text/html; charset=utf-8")
# Deep enough to upset a recursive reader; resiliparse 2.0.1 takes about 0.2 s for it.
NESTED_LEVELS = 3_000


def useless_pages(site: Site, rng: random.Random) -> Iterator[Page]:
    """Responses that hold no page: errors, redirects, other media types, empty or unreadable bodies."""
    for number in range(6):
        body = (
            b"<html><head><title>Not found</title></head><body><h1>404</h1><p>No such page.</p></body></html>"
        )
        yield _useless(site, f"gone-{number}", "http-404", body, status="404 Not Found")
        moved = (_HTML, ("Location", f"https://{site.host}/new-{number}.html"))
        yield _useless(site, f"old-{number}", "http-301", b"", status="301 Moved Permanently", headers=moved)
        data = json.dumps({"id": number, "items": [rng.randint(1, 99) for _ in range(40)]}).encode()
        yield _useless(
            site, f"data-{number}.json", "json", data, headers=(("Content-Type", "application/json"),)
        )
    for number in range(4):
        pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + rng.randbytes(900) + b"\n%%EOF\n"
        yield _useless(
            site, f"paper-{number}.pdf", "pdf", pdf, headers=(("Content-Type", "application/pdf"),)
        )
        image = b"\x89PNG\r\n\x1a\n" + rng.randbytes(700)
        yield _useless(site, f"photo-{number}.png", "image", image, headers=(("Content-Type", "image/png"),))
        yield _useless(site, f"blank-{number}", "empty-body", b"")
        yield _useless(
            site, f"busy-{number}", "http-503", b"<html><body>Try later</body></html>", status="503 Busy"
        )
    zipped = zlib.compress(rng.randbytes(2_000))
    noise = _useless(site, "noise", "binary-as-html", zipped, note="random bytes that are declared as HTML")
    yield replace(noise, expected="failed")
    yield _useless(
        site, "bare-frame", "no-text", b"<html><head><title></title></head><body><div></div></body></html>"
    )


def unreadable_pages(site: Site, doc: Doc) -> Iterator[Page]:
    """Responses that a reader must report as failed: the page cannot be recovered from its bytes."""
    good = html_page(site, doc, "agent", folder="unreadable/")
    squeezed = bytearray(gzip.compress(good.body, mtime=0))
    squeezed[12:60] = b"\xff" * 48
    coded = (_HTML, ("Content-Encoding", "gzip"))
    lost = replace(good, label="broken", expected="failed", text="")
    yield replace(lost, url=good.url + "?gzip", body=bytes(squeezed), headers=coded, genre="bad-gzip-body",
                  note="Content-Encoding gzip, the stream is corrupt from its start")  # fmt: skip
    yield replace(lost, url=good.url + "?status", genre="bad-http-header",
                  raw_http=b"\x00\x01garbage with no status line\r\n\r\n",
                  note="no HTTP status line")  # fmt: skip


def damaged_wrappings(pages: list[Page]) -> list[Page]:
    """Good pages, each sent in a way that readers trip over but that leaves it readable: all are wanted."""
    return [_WRAPPINGS[i % len(_WRAPPINGS)](page) for i, page in enumerate(pages)]


def nested_page(site: Site) -> Page:
    """A page of `NESTED_LEVELS` nested elements: it must end in a ledger row, not in a hang."""
    text = "A short note at the bottom of a very deep pile of boxes."
    body = (
        "<html><body>"
        + "<div>" * NESTED_LEVELS
        + f"<p>{text}</p>"
        + "</div>" * NESTED_LEVELS
        + "</body></html>"
    )
    return _useless(site, "deep", "deep-nesting", body.encode(), note=f"{NESTED_LEVELS} nested elements")


def _useless(
    site: Site,
    path: str,
    genre: str,
    body: bytes,
    *,
    status: str = "200 OK",
    headers: tuple[tuple[str, str], ...] = (_HTML,),
    note: str = "",
) -> Page:
    url = f"https://{site.host}/{path}"
    return Page(url, site, "broken", genre, body, "dropped", status=status, headers=headers, note=note)


def _invalid_bytes(page: Page) -> Page:
    cut = page.body.find(b"</p>")
    return replace(
        page, body=page.body[:cut] + b" \xc3\x28 \xff\xfe" + page.body[cut:], note="a few invalid UTF-8 bytes"
    )


def _nuls(page: Page) -> Page:
    return replace(page, body=page.body.replace(b"</p>", b"\x00\x00</p>"), note="NUL bytes in the text")


def _long_length(page: Page) -> Page:
    headers = (*page.headers, ("Content-Length", str(len(page.body) + 5_000)))
    return replace(page, headers=headers, note="Content-Length is 5,000 too large")


def _gzip_body(page: Page) -> Page:
    headers = (*page.headers, ("Content-Encoding", "gzip"))
    return replace(
        page, body=gzip.compress(page.body, mtime=0), headers=headers, note="Content-Encoding gzip"
    )


def _chunked(page: Page) -> Page:
    parts = [page.body[i : i + 1_000] for i in range(0, len(page.body), 1_000)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])
    return replace(
        page, body=body, headers=(*page.headers, ("Transfer-Encoding", "chunked")), note="chunked body"
    )


def _not_chunked(page: Page) -> Page:
    headers = (*page.headers, ("Transfer-Encoding", "chunked"))
    return replace(page, headers=headers, note="declared as chunked, but is not")


def _odd_header(page: Page) -> Page:
    odd = page.http().replace(b"Server: demo\r\n", b"Server demo without a colon\r\nX-Odd: \xe9\xff\r\n", 1)
    return replace(
        page, raw_http=odd, note="a header line without a colon, another with bytes that are not ASCII"
    )


_WRAPPINGS: tuple[Callable[[Page], Page], ...] = (
    _invalid_bytes, _nuls, _long_length, _gzip_body, _chunked, _not_chunked, _odd_header,
)  # fmt: skip
