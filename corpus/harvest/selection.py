"""What of an index can hold pages of the starts."""

from __future__ import annotations

from dataclasses import replace

from corpus.crawl.index.work import Index
from corpus.harvest.address import host_of_key
from corpus.harvest.starts import Starts

_HOST, _DOMAIN, _STATUS = "url_host_name", "url_host_registered_domain", "fetch_status"


def narrowed(index: Index, starts: Starts, levels: int) -> Index:
    """The index with a filter that passes the rows of the starts' sites, and no redirects and errors.

    Columns that the index lacks are not asked for; what passes for nothing is set aside row by row later.
    """
    there = set(index.schema.names)
    parts = [f"({index.where})"] if index.where else []
    if _STATUS in there:
        parts.append(f"{_STATUS} = 200")
    linked = [p for start in starts.all for p in start.follow]
    if _DOMAIN in there and all("." in host_of_key(name) for name in _prefixes(starts)):
        parts.append(f"{_DOMAIN} IN ({_listed(starts.domains())})")
    if _HOST in there and not levels and not linked:
        parts.append(f"{_HOST} IN ({_listed(starts.hosts())})")
    elif _HOST in there and _DOMAIN not in there:
        names = [f"{_HOST} = {_quoted(d)} OR {_HOST} LIKE {_quoted('%.' + d)}" for d in starts.domains()]
        parts.append(f"({' OR '.join(names)})")
    return replace(index, where=" AND ".join(parts))


def _prefixes(starts: Starts) -> list[str]:
    return [p for start in starts.all for p in (*start.prefixes, *start.follow)]


def _listed(names: list[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    """A literal of SQL; hosts hold no backslash, and a quote in one is taken out with it."""
    return "'" + "".join(sign for sign in name if sign not in "'\\") + "'"
