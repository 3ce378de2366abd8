"""Ordinary pages from small grammars: sentences with slots, drawn by a seeded generator.

A grammar is a YAML file under `texts/`. A slot `{town}` is drawn anew each time, `{town!}` stays the same
for the whole page, `{3-90}` is a whole number; what a slot yields may hold slots itself.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from corpus.demo.doc import Block, Doc

TEXTS = Path(__file__).parent / "texts"
_SLOT = re.compile(r"\{(?:(\d+)-(\d+)|(\w+)(!?))\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeio]\w)(?!one|eu)")
_MOST_DEPTH = 6


@dataclass(frozen=True)
class Grammar:
    """One genre in one language: its words, titles, page plan and pools of sentences."""

    genre: str
    language: str
    words: dict[str, list[str]]
    titles: list[str]
    body: list[dict[str, Any]]
    pools: dict[str, list[str]]


@cache
def load_yaml(name: str) -> Any:
    """The content of `texts/<name>.yaml`."""
    return yaml.safe_load((TEXTS / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def grammar(name: str) -> Grammar:
    """The grammar `texts/<name>.yaml`; English ones share the words of `words_en.yaml`."""
    data = load_yaml(name)
    shared = load_yaml("words_en") if data["language"] == "en" else {}
    return Grammar(
        genre=data["genre"],
        language=data["language"],
        words={**shared, **data.get("words", {})},
        titles=data["titles"],
        body=data["body"],
        pools=data["pools"],
    )


class Writer:
    """Writes one page: remembers the slots that stay the same, and draws each sentence of a pool once."""

    def __init__(self, source: Grammar, rng: random.Random) -> None:
        self.source, self.rng = source, rng
        self.fixed: dict[str, str] = {}
        self.unused: dict[str, list[str]] = {}

    def fill(self, template: str, depth: int = 0) -> str:
        """The template with its slots filled. Raises KeyError for a slot that the grammar does not know."""

        def one(match: re.Match[str]) -> str:
            low, high, name, stays = match.groups()
            if low is not None:
                return str(self.rng.randint(int(low), int(high)))
            if stays and name in self.fixed:
                return self.fixed[name]
            if depth >= _MOST_DEPTH:
                raise ValueError(f"the slots of {self.source.genre} go round in a circle at {name}")
            value = self.fill(str(self.rng.choice(self.source.words[name])), depth + 1)
            if stays:
                self.fixed[name] = value
            return value

        return _SLOT.sub(one, template)

    def sentence(self, template: str) -> str:
        """A filled template with its first letter large and, in English, a or an as it should be."""
        text = self.fill(template)
        if self.source.language == "en":
            text = _ARTICLE.sub(r"\1n ", text)
        return text[:1].upper() + text[1:]

    def draw(self, pool: str, count: int) -> list[str]:
        """`count` sentences of a pool; none comes twice before all have come."""
        drawn = []
        for _ in range(count):
            if not self.unused.get(pool):
                self.unused[pool] = list(self.source.pools[pool])
                self.rng.shuffle(self.unused[pool])
            drawn.append(self.sentence(self.unused[pool].pop()))
        return drawn

    def block(self, plan: dict[str, Any]) -> Block:
        """One block of the page plan."""
        low, high = plan["n"]
        texts = self.draw(plan["from"], self.rng.randint(low, high))
        kind = plan["kind"]
        if kind == "params":
            return Block(kind, rows=tuple(tuple(text.split(" | ")) for text in texts))
        if kind in ("list", "steps"):
            return Block(kind, rows=tuple((text,) for text in texts))
        wide = self.source.language in ("ja", "zh")
        return Block(kind, ("" if wide else " ").join(texts))


def documents(name: str, seed: str) -> Iterator[Doc]:
    """Endless pages of one grammar. Equal seeds give equal pages; each page has its own generator."""
    source = grammar(name)
    for number in range(1_000_000):
        writer = Writer(source, random.Random(f"{seed}:{name}:{number}"))
        title = writer.sentence(writer.rng.choice(source.titles))
        blocks = tuple(writer.block(plan) for plan in source.body)
        yield Doc(title, blocks, source.genre, source.language)
