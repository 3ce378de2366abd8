"""Pathological pages through the job's own path: nothing stops it, nothing fills the memory, nothing is lost.

The work is done in a process of its own, so that its memory and its child's can be measured.
"""

from __future__ import annotations

import ctypes
import gzip
import json
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import brotli
import pyarrow.parquet as pq
import pytest
import zstandard
from warcio.warcwriter import WARCWriter

from corpus.crawl.archive import Work, filter_archive, tools_of
from corpus.crawl.cascade import Rules
from corpus.crawl.inputs.sources import find_archives
from corpus.engine.ledger import KEPT
from corpus.hygiene.quality import Limits
from corpus.relevance.model import AgentClassifier
from tests.crawl.archives import html, pack, plain_records, read_bytes, record

GOOD_PAGES = 25
PAGE_SECONDS = 3.0
MEMORY_MB = 1024
MOST_MB = 1536  # of the worker, and of its child
TRAP = "segmentation fault please"
WANTED = " ".join(f"api{n}call" for n in range(60))
NO_LIMITS = Limits(**{limit.name: None for limit in fields(Limits)})
Headers = tuple[tuple[str, str], ...]


class Trap:
    """The real classifier, in a process that a certain page takes down as a bug in a parser would."""

    def __init__(self, folder: str) -> None:
        self.model = AgentClassifier.load(folder)

    def score(self, texts: list[str], urls: list[str]) -> list[float]:
        if any(TRAP in text for text in texts):
            ctypes.string_at(0)
        return self.model.score(texts, urls)

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)


def page(body: str, head: str = "") -> bytes:
    return f"<html><head>{head}</head><body><p>{WANTED}</p>{body}</body></html>".encode(
        "utf-8", "surrogatepass"
    )


# each is made when it is written, since together they would fill the memory of the test
PAGES: dict[str, Callable[[], bytes]] = {
    "nested": lambda: page("<div>" * 200_000 + "api"),
    "nested-tables": lambda: page("<table><tr><td>" * 30_000 + "api"),
    "nested-lists": lambda: page("<ul><li>" * 50_000 + "api"),
    "misnested": lambda: page("<a href=x><b><p>api" * 40_000),
    "attributes": lambda: page("<p " + " ".join(f"a{n}=v{n}" for n in range(300_000)) + ">api</p>"),
    "attribute": lambda: page(f'<p title="{"x" * (5 << 20)}">api</p>'),
    "paragraphs": lambda: page("<p>api call</p>" * 200_000),
    "links": lambda: page("".join(f"<a href='/{n}'>api {n}</a> " for n in range(100_000))),
    "text": lambda: page("<p>" + "api call " * (20_000_000 // 9)),
    "line": lambda: page("<pre>" + "x" * 15_000_000),
    "rows": lambda: page("<table>" + "<tr><td>api</td><td>x</td></tr>" * 20_000 + "</table>"),
    "colspan": lambda: page(
        f"<table><tr><td colspan={2**53} rowspan={2**53}>api</td></tr>" * 50 + "</table>"
    ),
    "nul": lambda: page("<p>api\0call\0" * 10_000),
    "surrogates": lambda: page("<p>\ud800api\udfff &#xD800; &#xDFFF; &#x110000; &#99999999999;" * 1000),
    "not-utf8": lambda: page("<p>api call</p>" * 500).replace(b"call", b"\xff\xfe\xc3\x28"),
    "utf16": lambda: page("<p>api", '<meta charset="utf-16">').decode().encode("utf-16")[:-1],
    "charset": lambda: page("<p>api", f'<meta charset="{"x" * 5000}">'),
    "entities": lambda: page("&amp;" * 500_000 + "&x" * 500_000),
    "comment": lambda: page("<!--" + "-" * 5_000_000),
    "scripts": lambda: page("<script>" * 100_000),
    "styles": lambda: page("<p style='" + "color:red;" * 300_000 + "'>api</p>"),
    "formatting": lambda: page("<b>x" * 1_000_000),
    "spaces": lambda: page("<p>" + " \t\n\u00a0" * 2_000_000 + "</p>"),
    "code": lambda: page("<pre><code>" + "<span class=l>f(x)\n</span>" * 60_000 + "</code></pre>"),
    "bytes": lambda: bytes(range(256)) * 20_000,
    "crash": lambda: page("api call " * 20_000 + TRAP),  # where no look at the first bytes meets it
    "empty": lambda: b"",
}
BOMB = 1500  # megabytes
ZEROS = bytes(1 << 20)


def deflated(head: bytes = b"") -> bytes:
    """`head` and the zeros as raw deflate: one block that stands for a megabyte of them, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * BOMB + packer.flush()


def gzipped(head: bytes = b"") -> bytes:
    checksum = zlib.crc32(head)
    for _ in range(BOMB):
        checksum = zlib.crc32(ZEROS, checksum)
    size = len(head) + (BOMB << 20)
    start = b"\x1f\x8b\x08" + bytes(7)
    return start + deflated(head) + checksum.to_bytes(4, "little") + size.to_bytes(4, "little")


def brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=1)
    return b"".join([*(packer.process(ZEROS) for _ in range(BOMB)), packer.finish()])


def zstd_bomb(head: bytes = b"") -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join([packer.compress(head), *(packer.compress(ZEROS) for _ in range(BOMB)), packer.flush()])


def bombs() -> Iterator[tuple[str, bytes, str]]:
    """Bodies of a few kilobytes to 1.5 MB that stand for 1.5 GB, under each Content-Encoding."""
    packed = gzipped()
    yield "gzip", packed, "gzip"
    yield "twice", gzip.compress(packed), "gzip, gzip"
    yield "deflate", deflated(), "deflate"
    yield "br", brotli_bomb(), "br"
    yield "zstd", zstd_bomb(), "zstd"
    yield "many", packed, ",".join(["gzip"] * 1000)


def write_archive(path: Path, pages: Iterator[tuple[str, bytes, Headers]]) -> int:
    """An archive of these pages with a good one between any two, and a last one. Returns how many it holds."""
    written = 0
    with open(path, "wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        for number, (url, body, headers) in enumerate(pages):
            good = html(60, "api1call").replace(b"w", b"w%d" % number)
            for address, content, more in (
                (f"http://good.org/{number}", good, ()),
                (f"http://hostile.org/{url}", body, headers),
                (f"http://good.org/behind/{number}", good, ()),
            ):
                fields = [("Content-Type", "text/html"), *more]
                writer.write_record(record(writer, address, content, headers=fields))
                written += 1
    return written


def run(folder: Path, classifier: str, seconds: float) -> dict[str, int]:
    """Filter the archive in `folder` in a process of its own; the peak of its memory and of its child's."""
    command = [sys.executable, "-m", "tests.crawl.test_hostile", str(folder), classifier]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def main(folder: str, classifier: str) -> None:
    work = Work(
        folder=f"{folder}/out",
        fingerprint="x",
        rules=Rules(0.5, opt_out=(), quality=NO_LIMITS),
        classifier=classifier,
        scorer="tests.crawl.test_hostile:Trap",
        source="test",
        page_seconds=PAGE_SECONDS,
        page_memory_mb=MEMORY_MB,
    )
    (archive,) = find_archives([f"{folder}/a.warc.gz"])
    commit = filter_archive(archive, work)
    tools_of(work).sandbox.close()
    peaks = (
        resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        json.dumps({"responses": commit.responses, **commit.counts, **dict(zip(("worker", "child"), peaks))})
    )


def outcomes(folder: Path) -> dict[str, tuple[str, str]]:
    """Outcome and reason of each address in the ledger."""
    rows = pq.read_table(folder / "out" / "ledger").to_pylist()
    found = {row["url"]: (row["outcome"], row["reason"]) for row in rows}
    assert len(found) == len(rows)
    return found


def hold(folder: Path, measured: dict[str, int], written: int) -> dict[str, tuple[str, str]]:
    """What holds whatever the pages are."""
    assert measured["worker"] < MOST_MB and measured["child"] < MOST_MB
    found = outcomes(folder)
    assert len(found) == measured["responses"] == written
    assert written == measured["kept"] + measured["dropped"] + measured["failed"]
    assert all((outcome == KEPT) == (not reason) for outcome, reason in found.values())
    good = {url: outcome for url, outcome in found.items() if url.startswith("http://good.org/")}
    assert good == dict.fromkeys(good, (KEPT, "")) and len(good) == 2 * written // 3
    kept = pq.read_table(folder / "out" / "pages", columns=["url"])["url"].to_pylist()
    assert sorted(kept) == sorted(url for url, (outcome, _) in found.items() if outcome == KEPT)
    return {url.rpartition("/")[2]: outcome for url, outcome in found.items() if "hostile" in url}


@pytest.mark.slow
def test_no_page_stops_the_job_or_costs_another_page(tmp_path: Path, classifier: str) -> None:
    pages = ((name, make(), ()) for name, make in PAGES.items())
    written = write_archive(tmp_path / "a.warc.gz", pages)
    # a page costs its own time and the start of a child at most
    measured = run(tmp_path, classifier, seconds=len(PAGES) * (PAGE_SECONDS + 15))
    found = hold(tmp_path, measured, written)
    assert found["crash"] == ("failed", "crash")
    assert found["empty"] == ("dropped", "empty")


def test_a_page_of_1500_megabytes_stays_small(tmp_path: Path, classifier: str) -> None:
    pages = ((name, body, (("Content-Encoding", encoding),)) for name, body, encoding in bombs())
    written = write_archive(tmp_path / "a.warc.gz", pages)
    found = hold(tmp_path, run(tmp_path, classifier, seconds=300), written)
    many = found.pop("many")
    assert set(found.values()) == {("dropped", "too_large")} and many == ("failed", "bad_encoding")


@pytest.mark.parametrize("container", ["gzip", "zstd"])
def test_a_record_of_1500_megabytes_stays_small(tmp_path: Path, classifier: str, container: str) -> None:
    """Here it is the archive's own member that is the bomb."""
    opening = b"HTTP/1.1 200 OK\r\n\r\n"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://hostile.org/member\r\n" + (
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n" % (len(opening) + (BOMB << 20))
    )
    bomb = (gzipped if container == "gzip" else zstd_bomb)(head + opening)
    good = plain_records([(f"http://good.org/{n}", html(60 + n, "api1call")) for n in range(2)])
    (first, last), _ = zip(*(pack([part], container) for part in good), strict=True)
    (tmp_path / "a.warc.gz").write_bytes(first + bomb + last)
    found = hold(tmp_path, run(tmp_path, classifier, seconds=200), 3)
    assert found == {"member": ("dropped", "too_large")}


def test_hostile_headers_are_records_all_the_same() -> None:
    """Addresses with line ends, paths that climb, megabytes of header, bytes that are no text."""
    for line in (
        b"WARC-Target-URI: http://e.org/\xff\xfe\xed\xa0\x80",
        b"WARC-Target-URI: file:///../../etc/passwd\0",
        b"WARC-Target-URI: http://e.org/" + b"x" * 60_000,
        b"WARC-Date: 9999999-99-99T99:99:99Z",
        b"WARC-Date: " + "٣".encode() * 20,
        b"X: 1\r\n" * 5000 + b"WARC-Target-URI: http://e.org/",
        b"WARC-Target-URI:" + b" " * 60_000,
        b": : :\r\n:::",
    ):
        spaces = b"Content-Type: text/html; charset=" + b" " * 400_000 + b";\r\n"
        content = (
            b"HTTP/1.1 200 OK\r\nX-Robots-Tag: \xff\0\r\n" + spaces + b"Link: <x>\r\n" * 9_000 + b"\r\n<p>x"
        )
        head = (
            b"WARC/1.0\r\nWARC-Type: response\r\n" + line + b"\r\nContent-Length: %d\r\n\r\n" % len(content)
        )
        (found,), damage = read_bytes(head + content + b"\r\n\r\n")
        assert (found.type, found.payload, found.http_status) == ("response", b"<p>x", 200) and not damage
        assert "\0" not in found.url + found.robots and len(found.id) == 32


if __name__ == "__main__":
    main(*sys.argv[1:])
