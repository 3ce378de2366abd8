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
