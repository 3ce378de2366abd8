"""Addresses: the host of a page, and the form of a URL under which two captures are the same page."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import xxhash

_DEFAULT_PORTS = {"http": 80, "https": 443}
# Parameters that say who sent the visitor or which visit this is, never which page it is.
_VISIT = re.compile(
    r"utm_\w+|gclid|dclid|fbclid|msclkid|yclid|mc_[ce]id|igshid|_ga|_gl|ref_src"
    r"|sid|phpsessid|jsessionid|aspsessionid\w*|session_?id",
    re.IGNORECASE,
)
_SESSION_PATH = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_INDEX = re.compile(r"/(index|default)\.(html?|php|aspx?|jsp)$", re.IGNORECASE)
_UNRESERVED_KEPT = "/:@!$&'()*+,;=~-._"


def host(url: str) -> str:
    """The lower-case host without port and user; empty where the URL has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def normalise_url(url: str) -> str:
    """The URL without what does not decide which page it is; empty where there is no host.

    Scheme, `www.`, default port, fragment, index file, last slash and parameters of the visit are left out,
    the other parameters are sorted, and percent-encoding has one form.
    """
    try:
        parts = urlsplit(url.strip())
        name, port = host(url.strip()), parts.port
    except ValueError:
        return ""
    if not name or parts.scheme not in _DEFAULT_PORTS:
        return ""
    site = name.removeprefix("www.") + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")
    path = _INDEX.sub("/", _SESSION_PATH.sub("", parts.path)).rstrip("/")
    path = quote(unquote(path, errors="replace"), safe=_UNRESERVED_KEPT, errors="surrogatepass")
    pairs = parse_qsl(parts.query, keep_blank_values=True, errors="replace")
    wanted = sorted(pair for pair in pairs if not _VISIT.fullmatch(pair[0]))
    query = urlencode(wanted, errors="surrogatepass")
    return f"{site}{path}?{query}" if query else site + path


def url_key(url: str) -> int | None:
    """Signed 64-bit hash of the normalised URL, or None where there is none."""
    normalised = normalise_url(url)
    return (
        signed(xxhash.xxh64_intdigest(f"url {normalised}".encode("utf-8", "surrogatepass")))
        if normalised
        else None
    )


def payload_key(digest: str | None) -> int | None:
    """Signed 64-bit hash of a payload's digest, as a bucket of pages that are always compared."""
    return (
        signed(xxhash.xxh64_intdigest(f"payload {digest}".encode("utf-8", "surrogatepass")))
        if digest
        else None
    )


def signed(value: int) -> int:
    """An unsigned 64-bit number as the signed one with the same bits: Spark knows no unsigned numbers."""
    return value - (1 << 64) if value >= 1 << 63 else value
