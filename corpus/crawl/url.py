"""Hosts, and the identity of pages."""

from __future__ import annotations

import hashlib
from datetime import datetime
from urllib.parse import urlsplit


def host(url: str) -> str:
    """The lower-case host without port and user; empty where the URL has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def normalise(url: str) -> str:
    """The URL with lower-case scheme and host, no default port and no fragment: one spelling per address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    if not parts.hostname:
        return url
    default = {"http": 80, "https": 443}.get(parts.scheme)
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.rstrip(".")
    place = name if port in (None, default) else f"{name}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{place}{parts.path or '/'}{query}"


def page_id(record_id: str, url: str, date: datetime | None) -> str:
    """The identity of a capture: 128 bits as hex.

    It does not depend on the archive that holds the record, so the same capture has the same id however a
    crawl is split into files.
    """
    when = date.isoformat() if date else ""
    return hashlib.blake2b(
        "\n".join((record_id, url, when)).encode("utf-8", "replace"), digest_size=16
    ).hexdigest()


def payload_digest(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()
