"""How a dropped page begins, read from its archive with a bounded number of bytes and no parser of HTML.

These are the pages that the filter refused, those that crash or stall parsers among them. So nothing here
builds a tree: tags are cut out by patterns that take linear time, and the result is shown as text.
"""

from __future__ import annotations

import html
import re
import zlib

from corpus.crawl.rules import policy
from corpus.crawl.warc.headers import Headers, split_http
from corpus.engine import storage
from corpus.engine.errors import ForgeError
from corpus.hygiene.redaction import redact

LONGEST = 240  # characters of a snippet
_READ, _INFLATED = 1 << 16, 1 << 18  # bytes read from the archive, and bytes of them when decompressed
_UNSEEN = re.compile(r"<(script|style|head|svg|noscript|template)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]{0,200}>([^<]{1,300})", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,5000}>|<[^<>]*$")
_SPACE = re.compile(r"\s+")
# Encodings of the web. Python knows more, some of which take very long for what a hostile page can hold.
_CHARSET = re.compile(
    rb"(?i)charset=[\"' ]*(utf-?8|utf-?16(?:[lb]e)?|us-ascii|iso-8859-\d{1,2}|windows-\d{3,4}|koi8-[ru]|big5|"
    rb"gbk|gb2312|gb18030|euc-(?:jp|kr)|shift_jis|iso-2022-jp)\b"
)
_LEAST_TEXT = 0.9  # share of printable characters; what has fewer is no text


def beginning(text: str) -> str:
    """The first characters of a text, without secrets and personal data, runs of white space as one space."""
    flat = redact(_SPACE.sub(" ", text[: 8 * LONGEST]).strip()).text
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def from_archive(path: str, offset: int, url: str) -> str | None:
    """The beginning of the page whose record starts at that byte.

    None where the archive is not at hand, is neither plain nor gzip, holds another page there, or the record
    has no text. Nor is a page quoted that states any directive against its use, whatever it was dropped for
    and whatever the filter was told to honour.
    """
    if not path or storage.is_http(path):
        return None
    try:
        with storage.open_input(path) as stream:
            stream.seek(offset)
            raw = stream.read(_READ)
    except (OSError, ForgeError):
        return None
    record = _inflate(raw)
    if not _is_of(record, url):
        return None
    page = _page(record)
    if page is None:
        return None
    text = beginning(_words(page))
    printable = sum(char.isprintable() and char != "\ufffd" for char in text)
    return text if text and printable >= _LEAST_TEXT * len(text) else None


def _is_of(record: bytes, url: str) -> bool:
    """Whether the record is of that address: the archive may have been exchanged since it was filtered."""
    head = record.partition(b"\r\n\r\n")[0]
    found = re.search(rb"(?im)^warc-target-uri:[ \t]*<?(.*?)>?[ \t]*\r?$", head)
    return found is not None and found[1] == url.encode("utf-8", "surrogateescape")


def _inflate(raw: bytes) -> bytes:
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, _INFLATED)
    except zlib.error:
        return b""


def _page(record: bytes) -> str | None:
    """What stands behind the WARC and the HTTP header.

    None where it is compressed once more, or the header or the page says that it may not be used.
    """
    head, _, content = record.partition(b"\r\n\r\n")
    length = Headers(head).get(b"content-length")
    if length.isdecimal() and len(length) < 20:  # in an archive without compression the next record follows
        content = content[: int(length)]
    status, http, body = split_http(content)
    if status is None or ",".join(http.all(b"content-encoding")).lower() not in ("", "identity"):
        return None
    named = _CHARSET.search(content[: len(content) - len(body)]) or _CHARSET.search(body[:2048])
    try:
        page = body.decode(named[1].decode("ascii") if named else "utf-8", "replace")
    except LookupError:
        page = body.decode("utf-8", "replace")
    said = policy.opt_out(page, "\n".join(http.all(b"x-robots-tag")), http.get(b"tdm-reservation"))
    return None if said else page


def _words(page: str) -> str:
    """Title and text, entities resolved."""
    title = _TITLE.search(page)
    inner = _TAG.sub(" ", _seen(page))
    said = (
        f"{title[1].strip()} · {inner.strip()}" if title and inner.strip() else title[1] if title else inner
    )
    return html.unescape(said[: 16 * LONGEST])


def _seen(page: str) -> str:
    """The page without elements that no reader sees; one that is never closed takes the rest with it."""
    parts, at = [], 0
    while found := _UNSEEN.search(page, at):
        parts.append(page[at : found.start()])
        end = re.compile(f"</{found[1]}", re.IGNORECASE).search(page, found.end())
        if end is None:
            return " ".join(parts)
        at = end.start()
    return " ".join([*parts, page[at:]])
