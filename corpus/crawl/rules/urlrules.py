"""Addresses that no page is read for: blocklists, words, and suffixes of files that are no pages.

An address on an allow-list passes the blocklists and the words. Reasons are `url_blocklist`, `url_words` and
`url_suffix`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

from corpus.crawl.rules.urllists import AddressSet, identities, load, parts
from corpus.engine.config import option

BLOCKLIST, WORDS, SUFFIX = "url_blocklist", "url_words", "url_suffix"
# files that a server may give out as HTML by mistake. Endings that pages about a file or a package have in
# their names (manifest.json, chart.js, setup.py) are not among them.
_NO_PAGES = (
    "jpg jpeg png gif bmp webp ico svg tif tiff avif heic psd mp3 mp4 m4a m4v avi mov mkv webm wav flac "
    "ogg ogv wmv swf zip gz tgz bz2 xz 7z rar tar iso dmg msi deb rpm apk jar whl pdf ps doc docx xls xlsx "
    "ppt pptx odt ods epub mobi woff woff2 ttf otf eot"
)
NO_PAGES = tuple(_NO_PAGES.split(" "))
_PACKAGES = frozenset({"zip", "jar", "tar", "doc", "ps", "pdf", "mov"})  # java.util.zip is a page
_PACKAGE = re.compile(r"[a-z_]+(?:\.[a-z_]+)+")
_PACKED = (".html", ".htm")  # changelog.html.gz
_SOFT_WORDS = 2
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class UrlConfig:
    """The keys `urls.*` of the filter."""

    block: tuple[str, ...] = option(
        "lists of blocked hosts, domains and addresses, one to a line: files, globs, folders (as of UT1), "
        "plain or gzip",
        (),
    )
    allow: tuple[str, ...] = option("lists of the same kind; what they hold is never blocked", ())
    spam_words: bool = option("drop addresses with words of adult and spam sites (urlwords.yaml)", True)
    words: tuple[str, ...] = option("further words that no wanted address has", ())
    suffixes: tuple[str, ...] = option("endings of files that are no pages; empty: any", NO_PAGES)

    def identities(self) -> list[dict[str, Any]]:
        """The lists as inputs of the stage, by content."""
        return identities((*self.block, *self.allow))


@dataclass(frozen=True)
class SpamWords:
    """Words in lower case: see `urlwords.yaml`."""

    anywhere: frozenset[str] = frozenset()
    host: frozenset[str] = frozenset()
    soft: frozenset[str] = frozenset()

    def holds(self, host: str, path: str) -> bool:
        in_host, in_path = set(_WORD.findall(host)), set(_WORD.findall(path))
        if not self.host.isdisjoint(in_host):
            return True
        every = in_host | in_path
        return not self.anywhere.isdisjoint(every) or len(self.soft & every) >= _SOFT_WORDS


@dataclass(frozen=True)
class UrlRules:
    """What `reason` holds an address against."""

    block: AddressSet = field(default_factory=lambda: AddressSet(np.empty(0, dtype=np.uint64)))
    allow: AddressSet = field(default_factory=lambda: AddressSet(np.empty(0, dtype=np.uint64)))
    words: SpamWords = field(default_factory=SpamWords)
    suffixes: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: UrlConfig) -> UrlRules:
        """Read the lists, once in a process. UserError names a list that cannot be read."""
        return _loaded(config)

    def reason(self, url: str) -> str | None:
        """`url_<rule>` for an address that a rule blocks, else None."""
        host, path = parts(url)
        if not self.allow.holds(host, path):
            if self.block.holds(host, path):
                return BLOCKLIST
            if self.words.holds(host, path.lower()):
                return WORDS
        return SUFFIX if self.is_file(path) else None

    def is_file(self, path: str) -> bool:
        name = path.rpartition("/")[2].lower()
        stem, dot, suffix = name.rpartition(".")
        if not dot or suffix not in self.suffixes or ":" in name:  # a wiki's page about a file has a colon
            return False
        return not (stem.endswith(_PACKED) or (suffix in _PACKAGES and _PACKAGE.fullmatch(stem)))


@lru_cache(maxsize=4)
def _loaded(config: UrlConfig) -> UrlRules:
    more = frozenset(word.lower() for word in config.words)
    known = _own_words() if config.spam_words else SpamWords()
    words = SpamWords(known.anywhere | more, known.host, known.soft)
    suffixes = frozenset(suffix.lower().lstrip(".") for suffix in config.suffixes)
    return UrlRules(load(config.block), load(config.allow), words, suffixes)


def _own_words() -> SpamWords:
    text = resources.files("corpus.crawl.rules").joinpath("urlwords.yaml").read_text(encoding="utf-8")
    return SpamWords(**{name: frozenset(words) for name, words in yaml.safe_load(text).items()})
