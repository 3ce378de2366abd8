"""Spam of four kinds: stuffed keywords, link farms, repeated lines and texts spun from a list."""

from __future__ import annotations

import random

from corpus.demo.doc import Block, Doc
from corpus.demo.html import Site
from corpus.demo.page import Page, html_page
from corpus.demo.prose import load_yaml

_BANK: dict[str, list[str]] = load_yaml("spam")
_HOSTS, _GOODS, _PULL, _ODD = (_BANK[name] for name in ("hosts", "goods", "pull", "odd"))


def spam_pages(count: int, seed: str) -> list[Page]:
    """`count` spam pages; none is wanted."""
    pages = []
    for number in range(count):
        rng = random.Random(f"{seed}:spam:{number}")
        host = _HOSTS[number % len(_HOSTS)]
        split = "test" if host == _HOSTS[-1] else "train"
        site = Site(
            host, split, "Best Deals", "divs", "plain", ("Buy", "Win", "Join"), ("More", "Hot"), "Click now"
        )
        kind, blocks = _KINDS[number % len(_KINDS)](rng)
        title = (
            f"{rng.choice(_PULL)} {rng.choice(_GOODS)} {rng.choice(_GOODS)} {rng.randint(10, 999)}".title()
        )
        pages.append(html_page(site, Doc(title, tuple(blocks), kind), "spam"))
    return pages


def _stuffed(rng: random.Random) -> tuple[str, list[Block]]:
    phrase = f"{rng.choice(_PULL)} {rng.choice(_GOODS)}"
    text = " ".join(f"{phrase} {rng.choice(_PULL)} {rng.choice(_GOODS)}" for _ in range(rng.randint(60, 160)))
    return "keyword-stuffing", [Block("p", text)]


def _farm(rng: random.Random) -> tuple[str, list[Block]]:
    rows = [
        (f"{rng.choice(_PULL)} {rng.choice(_GOODS)} http://{rng.choice(_ODD)}{rng.randint(1, 999)}.example/",)
        for _ in range(120)
    ]
    return "link-farm", [Block("list", rows=tuple(rows))]


def _repeated(rng: random.Random) -> tuple[str, list[Block]]:
    line = f"Click here for {rng.choice(_PULL)} {rng.choice(_GOODS)} number {rng.randint(1, 99)}!!!"
    return "repeated-lines", [Block("p", line) for _ in range(rng.randint(40, 90))]


def _spun(rng: random.Random) -> tuple[str, list[Block]]:
    text = " ".join(rng.choice((*_ODD, *_GOODS, *_PULL)) for _ in range(rng.randint(150, 300)))
    return "word-salad", [Block("p", text.capitalize() + ".")]


_KINDS = (_stuffed, _farm, _repeated, _spun)
