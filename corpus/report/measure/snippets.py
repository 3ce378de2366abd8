"""How a dropped page begins, read from its archive with a bounded number of bytes and no parser of HTML.

These are the pages that the filter refused, those that crash or stall parsers among them. So nothing here
builds a tree: tags are cut out by patterns that take linear time, and the result is shown as text.
"""

from __future__ import annotations

import html
import re
import zlib

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
    has no text.
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
    text = beginning(_words(_decoded(record)))
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


def _decoded(record: bytes) -> str:
    """What stands behind the WARC and the HTTP header; nothing where it is compressed once more."""
    _, _, http = record.partition(b"\r\n\r\n")
    head, _, body = http.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/") or re.search(rb"(?im)^content-encoding:\s*(?!identity)\S", head):
        return ""
    named = _CHARSET.search(head) or _CHARSET.search(body[:2048])
    try:
        return body.decode(named[1].decode("ascii") if named else "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


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
