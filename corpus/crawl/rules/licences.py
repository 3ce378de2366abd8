"""The licence that a page links to, under the identifier that SPDX gives it where it is a known one.

Claims rank by how plainly they are made: the Link header, then links and fields marked as a licence, then
JSON-LD, then mere links to the text of a known licence, as footers have them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from corpus.crawl.rules.tags import attributes, is_hidden

HEADER, MARKED, JSON_LD, LINKED = range(4)
_MOST_LOOKED_AT = 80  # mentions of a licence in a page
_MOST_LINKED = 3  # different ones that a page is under; one that links to more is about licences
_SCANNED = 2 << 20  # characters of a page
# every address and attribute that is looked for holds one of these, and a search for a constant is cheap
_HINTS = ("licen", "org/publicdomain/", "/copyleft/", "/MPL/")
_MARKS = (
    "license",
    "licence",
    "dct:license",
    "dc:rights",
    "dcterms.license",
    "dcterms:license",
    "cc:license",
)
_HEADER_LINK = re.compile(r"<([^>]{1,500})>\s*;[^,]*\brel\s*=\s*\"?[^\",;]*\blicense\b", re.IGNORECASE)
_JSON_FIELD = re.compile(
    r'"license"\s*:\s*(?:\[\s*)?(?:\{[^{}]{0,300}?"(?:@id|url)"\s*:\s*)?"((?:[^"\\]|\\/){1,300})"'
)
_COMMONS = re.compile(r"creativecommons\.org/(licen[cs]es|publicdomain)/([a-z0-9.+-]{2,20})(?:/(\d\.\d))?")
_GNU = re.compile(r"gnu\.org/(?:licen[cs]es|copyleft)/(?:old-licenses/)?(a?l?gpl|fdl)(?:-(\d(?:\.\d)?))?")
_APACHE = re.compile(r"apache\.org/licenses/license-(\d\.\d)")
_MOZILLA = re.compile(r"mozilla\.org/(?:[a-z]{2}(?:-[a-z]{2})?/)?mpl(?:/(\d\.\d))?")
_LISTED = re.compile(
    r"(?:opensource\.org/licen[cs]es?|spdx\.org/licenses|choosealicense\.com/licenses)/"
    r"([a-z0-9][a-z0-9.+-]{1,40}?)(?:\.(?:html|php|json|txt))?/?(?:[?#].*)?$"
)
_DATA_COMMONS = re.compile(r"opendatacommons\.org/licenses/(odbl|by|pddl)")
_W3C = re.compile(r"w3\.org/(?:consortium/legal|copyright)/[^ ]{0,40}software")
_CROWN = re.compile(r"nationalarchives\.gov\.uk/doc/open-government-licence(?:/version/(\d))?")
_UNLICENSE = re.compile(r"//unlicense\.org")
_SPDX = (
    "MIT MIT-0 ISC Zlib Unlicense 0BSD BSL-1.0 Artistic-2.0 WTFPL PostgreSQL Python-2.0 PSF-2.0 OFL-1.1 "
    "BSD-2-Clause BSD-3-Clause Apache-1.1 Apache-2.0 MPL-1.1 MPL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2 CDDL-1.0 "
    "GPL-2.0 GPL-3.0 LGPL-2.1 LGPL-3.0 AGPL-3.0 GFDL-1.2 GFDL-1.3 CC0-1.0 CC-BY-4.0 CC-BY-SA-4.0 ODbL-1.0"
)
_BY_ID = {name.lower(): name for name in _SPDX.split(" ")}
_COMMONS_TERMS = frozenset({"by", "sa", "nd", "nc", "sampling+", "devnations"})
# words of a link that is marked as the licence: the pattern, and the name that goes before what it found
_SAID = (
    (re.compile(r"\bcc0\b"), "CC0-1.0"),
    (re.compile(r"\bcc[ -]by((?:-(?:nc|sa|nd))*)(?:[ -]v?(\d\.\d))?"), "CC-BY"),
    (re.compile(r"\bapache (?:software )?licen[cs]e,? (?:version )?v?(\d\.\d)"), "Apache"),
    (re.compile(r"\bapache[ -](2\.0)\b"), "Apache"),
    (re.compile(r"\bmozilla public licen[cs]e,? (?:version )?v?(\d\.\d)"), "MPL"),
    (re.compile(r"\bgnu free documentation licen[cs]e(?:,? (?:version )?v?(\d\.\d))?"), "GFDL"),
    (re.compile(r"\bmit[ -]licen[cs]e|^(?:the )?mit$"), "MIT"),
    (re.compile(r"\bbsd[ -]([23])[ -]clause|\b([23])[ -]clause bsd"), "BSD"),
    (re.compile(r"\bpublic domain\b"), "public-domain"),
)


@dataclass(frozen=True)
class Licence:
    """`name`: as SPDX has it, such as CC-BY-SA-4.0, without a version where none is said; for an unknown
    licence its address. `address` is empty where the page names a licence without linking to it.
    """

    name: str
    address: str


def licence(page: str, link_header: str = "") -> str | None:
    """The name of the page's licence, None where none is claimed."""
    found = licence_link(page, link_header)
    return found.name if found else None


def licence_link(page: str, link_header: str = "") -> Licence | None:
    """The licence that the page claims most plainly; several that it claims alike are joined by ` AND `."""
    claims: dict[int, list[Licence]] = {}
    said = _HEADER_LINK.search(link_header[:4_000])
    if said:
        claims[HEADER] = [of_address(said.group(1))]
    else:
        for rank, found in _claims(page[:_SCANNED]):
            claims.setdefault(rank, []).append(found)
    for rank in sorted(claims):
        different = _different(claims[rank])
        if rank == LINKED and len(different) > _MOST_LINKED:
            return None
        known = [one for one in different if one.name != one.address] or different[:1]
        names = " AND ".join(one.name for one in known[:_MOST_LINKED])
        return Licence(names, known[0].address)
    return None


def of_address(address: str, words: str = "") -> Licence:
    """The licence at an address, told by the address or else by the words of the link to it."""
    address = address.strip()[:300]
    return Licence(name_of(address) or name_said(words) or address, address)


def name_of(address: str) -> str | None:
    """The identifier of a licence whose text stands at an address; None for an address that is not known."""
    where = address.lower()
    for pattern, called in _ADDRESSES:
        if found := pattern.search(where):
            return called(*found.groups())
    return None


def name_said(words: str) -> str | None:
    """The identifier of a licence that is called by its name."""
    lower = " ".join(words.lower().split())
    for pattern, name in _SAID:
        found = pattern.search(lower)
        if found is None:
            continue
        parts = [part for part in found.groups() if part] if pattern.groups else []
        if name == "CC-BY":
            return _with_version(name + (found.group(1) or "").upper(), found.group(2))
        if name == "BSD":
            return f"BSD-{parts[0]}-Clause"
        return _with_version(name, parts[0] if parts else None)
    return None


def _claims(page: str) -> Iterator[tuple[int, Licence]]:
    """All claims of a page with their rank, in its order."""
    seen: set[int] = set()
    for place in _mentions(page):
        start = page.rfind("<", max(0, place - 2_000), place)
        if start < 0 or start in seen:
            continue
        closed = page.find(">", start, place) >= 0
        claim = _in_json(page, place) if closed else _in_tag(page, start)
        if not closed:
            seen.add(start)
        if claim and not (claim[0] != JSON_LD and is_hidden(page, start)):
            yield claim


def _mentions(page: str) -> list[int]:
    places: list[int] = []
    for hint in _HINTS:
        place = page.find(hint)
        while place >= 0 and len(places) < _MOST_LOOKED_AT:
            places.append(place)
            place = page.find(hint, place + len(hint))
    return sorted(places)


def _in_tag(page: str, start: int) -> tuple[int, Licence] | None:
    name = re.match(r"<([a-zA-Z0-9]{1,10})", page[start : start + 12])
    if name is None:
        return None
    tag = attributes(page, start + name.end())
    address = tag.get("href") or tag.get("resource") or tag.get("content") or ""
    marks = f"{tag.get('rel', '')} {tag.get('itemprop', '')} {tag.get('property', '')} {tag.get('name', '')}"
    if any(mark in marks.lower().split() for mark in _MARKS):
        words = _words_behind(page, start) if name.group(1).lower() == "a" else ""
        return (MARKED, of_address(address, words)) if address or words.strip() else None
    if name.group(1).lower() in ("a", "link", "area") and name_of(address):
        return LINKED, of_address(address)
    return None


def _in_json(page: str, place: int) -> tuple[int, Licence] | None:
    """The field `license` of a JSON-LD block (schema.org)."""
    if page[place - 1] != '"' or (found := _JSON_FIELD.match(page, place - 1)) is None:
        return None
    script = page.rfind("<script", 0, place)
    if script < 0 or "ld+json" not in page[script : page.find(">", script, place) + 1]:
        return None
    address = html.unescape(found.group(1).replace("\\/", "/"))
    return JSON_LD, of_address(address, address)


def _words_behind(page: str, start: int) -> str:
    """The words of the link whose tag starts at `start`."""
    end = page.find("</a", start, start + 2_000)
    return re.sub(r"<[^>]*>", " ", page[start:end])[:200] if end >= 0 else ""


def _different(claims: list[Licence]) -> list[Licence]:
    """Each licence once, in order; one without a version only where no other is more exact."""
    names = dict.fromkeys(claim.name for claim in claims)
    exact = [n for n in names if not any(other != n and other.startswith(n + "-") for other in names)]
    return [next(claim for claim in claims if claim.name == name) for name in exact]


def _with_version(name: str, version: str | None) -> str:
    return f"{name}-{version}" if version else name


def _commons_name(kind: str, name: str, version: str | None) -> str | None:
    if kind == "publicdomain":
        return {"zero": "CC0-1.0", "mark": "CC-PDM-1.0"}.get(name)
    if name == "publicdomain":
        return "CC-PDDC"
    if not _COMMONS_TERMS.issuperset(name.split("-")):
        return None
    return _with_version(f"CC-{name.upper()}", version)


def _gnu_name(name: str, version: str | None) -> str:
    full = version if not version or "." in version else f"{version}.0"
    return _with_version("GFDL" if name == "fdl" else name.upper(), full)


def _listed_name(name: str) -> str:
    return _BY_ID.get(name.removesuffix("-license"), name.upper())


_Namer = Callable[..., "str | None"]
# addresses in lower case, and what a licence is called by the groups of the pattern
_ADDRESSES: tuple[tuple[re.Pattern[str], _Namer], ...] = (
    (_COMMONS, _commons_name),
    (_GNU, _gnu_name),
    (_APACHE, partial(_with_version, "Apache")),
    (_MOZILLA, partial(_with_version, "MPL")),
    (_DATA_COMMONS, {"odbl": "ODbL-1.0", "by": "ODC-By-1.0", "pddl": "PDDL-1.0"}.__getitem__),
    (_CROWN, lambda version: _with_version("OGL-UK", f"{version}.0" if version else None)),
    (_LISTED, _listed_name),
    (_W3C, lambda: "W3C"),
    (_UNLICENSE, lambda: "Unlicense"),
)
