"""Archives give a text or a reason for each response record, and the same text as the filter keeps."""

from __future__ import annotations

import io
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.crawl.html import full_extract
from corpus.crawl.inputs.sources import find_archives
from corpus.labels.pages import UNREADABLE, Page, read_pages

HTML = (
    "<html><body><main><h1>tool</h1><p>Calls the tool.</p><pre>tool --flag VALUE</pre></main></body></html>"
)


def archive(folder: Path, pages: list[tuple[str, str, bytes]]) -> str:
    path = folder / "pages.warc.gz"
    with open(path, "wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        for url, status, body in pages:
            headers = StatusAndHeaders(status, [("Content-Type", "text/html")], protocol="HTTP/1.1")
            record = writer.create_warc_record(
                url, "response", payload=io.BytesIO(body), http_headers=headers
            )
            writer.write_record(record)
    return str(path)


def read(path: str) -> list[Page]:
    (found,) = find_archives([path])
    return list(read_pages(found, seconds=20))


def test_each_response_is_a_text_or_has_a_reason(tmp_path: Path) -> None:
    pages = [
        ("https://a.org/1", "200 OK", HTML.encode()),
        ("https://a.org/2", "404 Not Found", HTML.encode()),
        ("https://a.org/3", "200 OK", b"<html><body></body></html>"),
    ]
    found = read(archive(tmp_path, pages))
    assert [(page.url[-1], page.reason) for page in found] == [
        ("1", ""),
        ("2", "http_status"),
        ("3", "empty"),
    ]
    assert found[0].text == full_extract(HTML, "https://a.org/1").text
    assert "tool --flag VALUE" in found[0].text and len({page.id for page in found}) == 3


def test_an_archive_that_goes_away_is_told_of(tmp_path: Path) -> None:
    path = archive(tmp_path, [("https://a.org/1", "200 OK", HTML.encode())])
    (found,) = find_archives([path])
    Path(path).unlink()
    assert [page.reason for page in read_pages(found, seconds=20)] == [UNREADABLE]
