"""Sites and prefixes of addresses: what is one site, and which addresses lie under a prefix.

All comparisons are made on normalised addresses (no scheme, no `www.`, no last slash; see
`corpus.dedup.address`) and by whole segments: `x.org/api` holds `x.org/api/a`, and not `x.org/api-news`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from tld import get_tld

from corpus.dedup.address import host, normalise_url

_PAGE = re.compile(r"/[^/]*\.(?:html?|xhtml|php\d?|aspx?|jsp|cgi|md|txt)$", re.IGNORECASE)
_DEEPEST = 64  # segments of an address that are looked at


@lru_cache(maxsize=1 << 16)
def registrable(name: str, private: bool = True) -> str:
    """The domain that somebody registered, of a host: `b.readthedocs.io` of `a.b.readthedocs.io`.

    By the public suffix list; with `private`, also where subdomains are given out to others. Without a known
    suffix, the last two labels; addresses of machines stand for themselves.
    """
    if _is_machine(name):
        return name
    try:
        found = get_tld(f"http://{name}", as_object=True, fail_silently=True, search_private=private)
    except (ValueError, UnicodeError):
        found = None
    own = str(getattr(found, "fld", "") or "")
    return own or ".".join(name.split(".")[-2:])


def site_of(url: str) -> str:
    """The registrable domain of an address; empty where it has no host."""
    name = host(url)
    return registrable(name.removeprefix("www.")) if name else ""


def host_of_key(key: str) -> str:
    """The host in a normalised address, without its port."""
    name = re.split(r"[/?]", key, maxsplit=1)[0]
    return name.rpartition(":")[0] or name if not name.endswith("]") else name


def site_of_key(key: str) -> str:
    """The registrable domain of a normalised address."""
    return registrable(host_of_key(key))


def prefix_of(url: str) -> str:
    """The normalised prefix that an address stands for; empty where it is no web address.

    `https://x.org/api/` and `https://x.org/api` hold what is below `/api`; `https://x.org/api/intro.html`
    stands for its folder. Query and fragment do not count.
    """
    bare = re.split(r"[?#]", url.strip(), maxsplit=1)[0]
    if _PAGE.search(bare.partition("://")[2]):
        bare = bare.rpartition("/")[0] + "/"
    return normalise_url(bare)


def is_under(key: str, prefix: str) -> bool:
    """Whether a normalised address lies under a normalised prefix."""
    return key.startswith(prefix) and key[len(prefix) : len(prefix) + 1] in ("", "/", "?")


def ancestors(key: str) -> Iterator[str]:
    """The prefixes that hold a normalised address, the longest first; the address itself among them."""
    yield key
    path = key.partition("?")[0]
    if path != key:
        yield path
    for _ in range(_DEEPEST):
        path, slash, _ = path.rpartition("/")
        if not slash:
            return
        yield path


class Prefixes:
    """A set of normalised prefixes, asked for the longest one that holds an address."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._known = frozenset(prefixes)

    def __bool__(self) -> bool:
        return bool(self._known)

    def longest(self, key: str) -> str:
        """Empty where no prefix holds the address."""
        return next((above for above in ancestors(key) if above in self._known), "") if key else ""


def _is_machine(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return "." not in name
    return True
