"""What a page says of its own use: robots directives and licence links. Read as claims, not as facts."""

from __future__ import annotations

import html
import re

_META = re.compile(r"<meta\b[^>]{0,600}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""\b(name|content|property)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_LINK = re.compile(r"<(?:a|link)\b[^>]{0,1000}>", re.IGNORECASE)
_REL_LICENCE = re.compile(r"\brel\s*=\s*[\"']?[^\"'>]*\blicen[cs]e\b", re.IGNORECASE)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_COMMONS = re.compile(
    r"creativecommons\.org/(licenses|publicdomain)/([a-z0-9.+-]{2,20})(?:/(\d\.\d))?", re.IGNORECASE
)
_HEADER_LICENCE = re.compile(r"<([^>]{1,500})>\s*;[^,]*\brel\s*=\s*\"?[^\",;]*\blicense\b", re.IGNORECASE)
_AGENTS = ("robots", "googlebot", "ccbot", "gptbot")
DIRECTIVES = ("noai", "noimageai", "noindex", "none", "nosnippet", "noarchive", "nocache", "tdm-reservation")
OPT_OUTS = frozenset({"noai", "noindex", "none", "tdm-reservation"})  # those that are honoured by default
_HEAD = 64 << 10  # directives stand in the head


def opt_out(page: str, robots_header: str = "") -> str:
    """The robots directives that restrict use, from meta tags and X-Robots-Tag: sorted, joined by commas."""
    found = set(_directives(robots_header))
    for tag in _META.findall(page[:_HEAD]):
        attributes = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(tag)}
        name = (attributes.get("name") or attributes.get("property") or "").strip().lower()
        if name in _AGENTS:
            found.update(_directives(attributes.get("content", "")))
        elif name == "tdm-reservation" and attributes.get("content", "").strip() == "1":
            found.add("tdm-reservation")
    return ",".join(sorted(found))


def asks_to_be_left_out(directives: str) -> bool:
    return not OPT_OUTS.isdisjoint(directives.split(","))


def licence(page: str, link_header: str = "") -> str | None:
    """The licence that the page links to; None where there is none.

    It is named like `CC-BY-SA-4.0` for Creative Commons, else by the address of a link with rel=license.
    """
    said = _HEADER_LICENCE.search(link_header)
    candidates = [said.group(1)] if said else []
    mentions = "creativecommons.org" in page
    if mentions or "licen" in page:
        marked, loose = [], []
        for tag in _LINK.findall(page) if mentions or _REL_LICENCE.search(page) else ():
            target = _HREF.search(tag)
            if target:
                address = html.unescape(target.group(1) or target.group(2) or target.group(3) or "").strip()
                if _REL_LICENCE.search(tag):
                    marked.append(address)
                elif mentions and _COMMONS.search(address):
                    loose.append(address)
        candidates += marked + loose
    for address in candidates:
        if _COMMONS.search(address):
            return _commons_name(address)
    return candidates[0][:300] if candidates and candidates[0] else None


def _commons_name(address: str) -> str:
    found = _COMMONS.search(address)
    if found is None:
        return address
    kind, name, version = found.group(1).lower(), found.group(2).upper(), found.group(3)
    if kind == "publicdomain":
        name = {"ZERO": "CC0", "MARK": "PDM"}.get(name, name)
        return f"{name}-{version or '1.0'}"
    return f"CC-{name}-{version}" if version else f"CC-{name}"


def _directives(value: str) -> list[str]:
    """Known directives in `noindex, nofollow` or `googlebot: noai`."""
    tokens = re.split(r"[,\s]+", value.lower().replace(":", " "))
    return [token for token in tokens if token in DIRECTIVES]
