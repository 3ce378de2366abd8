"""From markup to text: parse once, leave out what is no content, find the main area, render it."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.crawl.extract import article, fidelity, layout, render, tree
from corpus.crawl.extract import vocabulary as v
from corpus.crawl.extract.area import main_area
from corpus.crawl.extract.prune import skipped
from corpus.crawl.extract.tree import Page
from corpus.crawl.extract.writer import Block


@dataclass(frozen=True)
class Document:
    """`fidelity`: share of the main area's code lines and table cells that `text` kept."""

    title: str
    text: str
    fidelity: float
    is_article: bool
    cut: bool
    page: Page
    area: int
    skip: list[bool]

    def fidelity_of(self, text: str) -> float:
        """The share that another reading of the page kept."""
        return fidelity.kept(self.page, self.area, self.skip, text)


def extract(markup: str, url: str) -> Document:
    """The text of a page's main area. Raises ValueError for a page without any element."""
    page = tree.flatten(tree.parse(markup))
    skip = skipped(page, url)
    area, titles, notes = main_area(page, skip)
    text = _render(page, titles, [area, *notes], skip)
    if not text and page.mass[0] and not _is_shell(page):  # nothing but navigation: that is the page
        area, skip = 0, [False] * len(skip)
        text = _render(page, [], [0], skip)
    return Document(
        title=page.title,
        text=text,
        fidelity=fidelity.kept(page, area, skip, text),
        is_article=article.is_article(markup, url, page, area),
        cut=page.cut,
        page=page,
        area=area,
        skip=skip,
    )


def _is_shell(page: Page) -> bool:
    """Whether the page's main area is there and empty: scripts would fill it."""
    return any(page.marks[i] & v.MAIN and not mass for i, mass in enumerate(page.mass))


def _render(page: Page, titles: list[int], areas: list[int], skip: list[bool]) -> str:
    blocks: list[Block] = []
    for i in (*titles, *areas):
        group = blocks[-1].group + 1 if blocks else 0
        for block in render.blocks(page, i, skip):
            block.group += group
            blocks.append(block)
        if i in titles and blocks and not any(block.kind == "heading" for block in blocks):
            blocks[0].kind = "heading"  # a title that is none by its tag
            blocks[0].text = f"# {blocks[0].text}"
    return layout.compose(layout.trim(blocks))
