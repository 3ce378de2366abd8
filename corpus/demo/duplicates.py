"""Planted duplicates: the same payload, the same text in another template, and edits of known similarity."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from corpus.demo.doc import Block, Doc, jaccard, plain_text, words
from corpus.demo.html import Site
from corpus.demo.page import Page, copy_of, html_page
from corpus.demo.prose import load_yaml

# Similarities to aim at, and how many pages of each; at the threshold 0.8 the last two are no duplicates.
NEAR_LEVELS = (0.95, 0.9, 0.85, 0.7, 0.6)
_EDITS: list[str] = load_yaml("edits")["words"]
_EDITABLE = ("p", "quote", "list", "steps", "code", "params")
_WORD = re.compile(r"[^\W\d_]{4,}")


def near_copy(doc: Doc, target: float, rng: random.Random) -> Doc:
    """`doc` with single words replaced, its Jaccard to the original as near to `target` as it gets."""
    spots = [(b, r, c, m.start()) for b, r, c, text in _cells(doc) for m in _WORD.finditer(text)]
    rng.shuffle(spots)
    swaps = [rng.choice(_EDITS) for _ in spots]
    original, low, high = plain_text(doc), 0, len(spots)
    while high - low > 1:  # more edits never make the texts more alike
        middle = (low + high) // 2
        edited = _edit(doc, spots[:middle], swaps)
        low, high = (middle, high) if jaccard(original, plain_text(edited)) >= target else (low, middle)
    tries = [_edit(doc, spots[:count], swaps) for count in (low, high)]
    return min(tries, key=lambda edited: abs(jaccard(original, plain_text(edited)) - target))


def plant(
    pages: Sequence[tuple[Page, Doc]], sites: Sequence[Site], *, near: int, same: int, seed: str
) -> list[Page]:
    """Duplicates of `pages`: `near` for each level, `same` of equal payload and of equal text each.

    An original gets one duplicate at most, and duplicates stay on sites of the original's split, so that the
    held-out sites stay unseen.
    """
    rng = random.Random(f"{seed}:duplicates")
    roomy = [pair for pair in pages if len(words(pair[0].text)) >= 170 and pair[0].charset == "utf-8"]
    rng.shuffle(roomy)
    planted: list[Page] = []
    for level in NEAR_LEVELS:
        planted += [_near(page, doc, level, rng) for page, doc in (roomy.pop() for _ in range(near))]
    for _ in range(same):
        page, _doc = roomy.pop()
        planted.append(
            copy_of(page, page.site, f"{page.url}?ref=mirror-{rng.randint(100, 999)}", "payload", 1.0)
        )
    for _ in range(same):
        page, doc = roomy.pop()
        others = [s for s in sites if s.split == page.site.split and s.skeleton != page.site.skeleton]
        # Another frame, but blocks drawn alike: some styles repeat a member's name as a heading.
        frame = replace(rng.choice(others), style=page.site.style)
        other = html_page(frame, doc, page.label, folder="mirror/")
        planted.append(copy_of(other, other.site, other.url, "text", 1.0))
        planted[-1] = replace(planted[-1], duplicate_of=page.url)
    return planted


def _near(page: Page, doc: Doc, level: float, rng: random.Random) -> Page:
    edited = near_copy(doc, level, rng)
    other = html_page(page.site, edited, page.label, folder="next/")
    similarity = jaccard(page.text, other.text)
    return replace(copy_of(other, page.site, other.url, "near", similarity), duplicate_of=page.url)


def _cells(doc: Doc) -> list[tuple[int, int, int, str]]:
    cells = []
    for number, block in enumerate(doc.blocks):
        if block.kind in _EDITABLE:
            cells += [(number, -1, 0, block.text)] if block.text else []
            cells += [(number, r, c, text) for r, row in enumerate(block.rows) for c, text in enumerate(row)]
    return cells


def _edit(doc: Doc, spots: Sequence[tuple[int, int, int, int]], swaps: Sequence[str]) -> Doc:
    by_cell: dict[tuple[int, int, int], list[tuple[int, str]]] = {}
    for (b, r, c, at), swap in zip(spots, swaps, strict=False):
        by_cell.setdefault((b, r, c), []).append((at, swap))
    blocks: list[Block] = list(doc.blocks)
    for (b, r, c), edits in by_cell.items():
        block = blocks[b]
        text = block.text if r < 0 else block.rows[r][c]
        for at, swap in sorted(edits, reverse=True):
            text = text[:at] + _WORD.sub(swap, text[at:], count=1)
        if r < 0:
            blocks[b] = replace(block, text=text)
        else:
            row = (*block.rows[r][:c], text, *block.rows[r][c + 1 :])
            blocks[b] = replace(block, rows=(*block.rows[:r], row, *block.rows[r + 1 :]))
    return replace(doc, blocks=tuple(blocks))
