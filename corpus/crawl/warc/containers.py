"""Which container and which record format a file has; told by its bytes, since names are often wrong."""

from __future__ import annotations

import re

from corpus.crawl.warc.arc import ArcSyntax
from corpus.crawl.warc.frames import Syntax, WarcSyntax
from corpus.crawl.warc.gzip_lz4 import GzipCodec, Lz4Codec
from corpus.crawl.warc.members import OPENING_BYTES, Blocks, Codec, next_member
from corpus.crawl.warc.window import Window
from corpus.crawl.warc.zstd import DICTIONARY_MAGIC, ZstdCodec, is_skippable, read_dictionary, skip_frame

WARC, ARC = WarcSyntax(), ArcSyntax()
_SYNTAXES: tuple[Syntax, ...] = (WARC, ARC)
_WARC_HEADER = re.compile(rb"WARC/[01]\.\d{1,2}\r{0,2}\n[A-Za-z][A-Za-z0-9_-]{1,60}:[^\r\n]{0,2000}\r{0,2}\n")
# formats that are told apart from damage and not read
_REFUSED = {
    b"BZh": "unsupported_bzip2",
    b"\xfd7zXZ": "unsupported_xz",
    b"\x02\x21\x4c\x18": "unsupported_lz4",  # the legacy frame format, which no crawler writes
    b"PK\x03\x04": "unsupported_zip",
    b"7z\xbc\xaf\x27\x1c": "unsupported_7z",
}


def refusal(blocks: Blocks) -> str | None:
    """Why a file is not even tried; None for archives and for what may be a damaged one."""
    head = blocks.peek(0, 8)
    return next((reason for magic, reason in _REFUSED.items() if head.startswith(magic)), None)


def find_format(blocks: Blocks) -> tuple[Codec | None, Syntax]:
    """The container of an archive (None for uncompressed ones) and the format of its records.

    The first record decides, wherever damage may have left it. Without any, the first bytes do. Raises
    StreamDamageError where the dictionary that the archive needs cannot be read.
    """
    dictionary = read_dictionary(blocks) if blocks.peek(0, 4) == DICTIONARY_MAGIC else b""
    codecs: list[Codec] = [GzipCodec(), ZstdCodec(dictionary), Lz4Codec()]
    start = skip_frame(blocks, 0) if is_skippable(blocks, 0) else 0
    if syntax := syntax_of(blocks.peek(start, OPENING_BYTES)):
        return None, syntax
    for codec in codecs:
        if codec.begins(blocks, start) and (syntax := syntax_of(codec.opening(blocks, start, OPENING_BYTES))):
            return codec, syntax
    return _behind_damage(blocks, codecs, start)


def syntax_of(data: bytes) -> Syntax | None:
    """The format of the record that data, which may be cut, begins with; None if it begins with none."""
    data = data.lstrip(b"\r\n")
    for syntax in _SYNTAXES:
        if syntax.next_record.match(data) or syntax.next_record.match(b"\n" + data):
            return syntax
    return None


def opens_record(data: bytes) -> bool:
    return syntax_of(data) is not None


def next_record_member(codec: Codec, blocks: Blocks, position: int) -> int:
    """Where the next member that opens a record begins, at or behind `position`; else the file's end."""
    return next_member(codec, blocks, position, opens_record)


def _behind_damage(blocks: Blocks, codecs: list[Codec], start: int) -> tuple[Codec | None, Syntax]:
    """As `find_format` where the first record is damaged. A container that begins at the file's start goes
    before what lies open, since parts of compressed records do so too."""
    found: list[tuple[bool, int, Codec | None, Syntax]] = []
    for codec in codecs:
        at = next_record_member(codec, blocks, start)
        if syntax := syntax_of(codec.opening(blocks, at, OPENING_BYTES)):
            found.append((not codec.begins(blocks, start), at, codec, syntax))
    for syntax, pattern in ((WARC, _WARC_HEADER), (ARC, ARC.next_record)):
        window = Window(blocks.chunks)
        if window.skip_to(pattern, OPENING_BYTES):
            found.append((True, window.position, None, syntax))
    if found:
        return min(found, key=lambda candidate: candidate[:2])[2:]
    head = blocks.peek(start, 4)
    cut = [c for c in codecs if head and (head.startswith(c.magic) or c.magic.startswith(head))]
    return (cut[0] if cut else None), WARC
