"""Bytes to text: what the page says of its encoding is believed where it fits the bytes."""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(
    rb"<(?:meta|\?xml)[^>]{0,400}?(?:charset|encoding)\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_.:-]{2,40})",
    re.IGNORECASE,
)
_META_BYTES = 4096
_ENCODINGS = (
    *("utf-8", "utf-16", "utf-32", "cp", "iso8859", "iso2022", "koi8", "mac", "tis-620"),
    *("gb", "hz", "big5", "euc", "shift_jis", "johab", "kz1048", "ptcp154"),
)
_UNWANTED = re.compile("[\0\ud800-\udfff]")
_MAX_REPLACED = 0.05  # above this share of undecodable characters a page is no text in that encoding


def decode(payload: bytes, declared: str = "") -> tuple[str, str]:
    """The text of a page and the encoding it was read with.

    In this order: byte order mark; strict UTF-8 (no other encoding's text passes for it by chance); the HTTP
    header; the page's meta tag; detection. Raises UnicodeError where the bytes are no text in any of them.
    The result holds no NUL and no lone surrogate, so that Arrow takes it.
    """
    for bom, name in _BOMS:
        if payload.startswith(bom):
            return clean(payload[len(bom) :].decode(name, "replace")), name
    if not payload[:64].count(0):
        try:
            return clean(payload.decode("utf-8")), "utf-8"
        except UnicodeDecodeError:
            pass
    for label in (declared, meta_charset(payload)):
        text = _try(payload, label)
        if text is not None:
            return text, _known(label) or label
    detected = detect_encoding(payload) or "windows-1252"
    text = _try(payload, detected)
    if text is None:
        raise UnicodeError(f"no text in {detected}")
    return text, _known(detected) or detected


def meta_charset(payload: bytes) -> str:
    """The encoding that a meta tag or XML declaration names; empty where there is none."""
    found = _META.search(payload[:_META_BYTES])
    return found.group(1).decode("ascii") if found else ""


def clean(text: str) -> str:
    """The text without NUL and lone surrogates."""
    try:
        text.encode("utf-8")  # many times faster than the search, and refuses lone surrogates
    except UnicodeEncodeError:
        return _UNWANTED.sub("\ufffd", text)
    return text.replace("\0", "\ufffd")


def _known(label: str) -> str | None:
    """Python's codec for a label, read as browsers read it; None for what is no encoding of web pages.

    Python also has codecs such as punycode and unicode_escape, which a page must not choose.
    """
    mapped = map_encoding_to_html5(label)
    try:
        name = codecs.lookup(label if mapped in (None, "utf-8") else mapped).name
    except (LookupError, ValueError):
        return None
    name = {"iso8859-1": "cp1252", "ascii": "cp1252"}.get(name, name)  # as browsers do
    return name if name.startswith(_ENCODINGS) else None


def _try(payload: bytes, label: str) -> str | None:
    """The text, with what cannot be decoded replaced; None if that is too much to be the right encoding."""
    name = _known(label) if label else None
    if name is None:
        return None
    text = payload.decode(name, "replace")
    wrong = text.count("\ufffd") + text.count("\0")
    return clean(text) if wrong <= _MAX_REPLACED * len(text) else None
