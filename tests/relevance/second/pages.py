"""Made-up pages with layouts that differ by kind, for tests of the second scorer."""

from __future__ import annotations

import numpy as np

from corpus.relevance.labels import AGENT, GENERAL, STUB, Label
from corpus.relevance.second.structure import NAMES, vector
from corpus.relevance.views import Pages

REFERENCE = """# {name}.open_{n}

Opens the {name} and returns it.

```
{name}.open_{n}(path, mode='r', *, size={n})
```

## Parameters

path
    Where the {name} is. Required.

mode
    How it is opened, `r` or `w`.
"""
PROSE = "She thought of the {name} and of the long way home, and of what they had said that evening. " * 3
TEXTS = {
    AGENT: REFERENCE,
    GENERAL: "# The {name}\n\n" + PROSE + "\n\n" + PROSE,
    STUB: "# {name}\n\n- Up\n- Next {n}\n",
}
KINDS = (AGENT, GENERAL, STUB)
NOUNS = ("wren", "river", "stone", "lamp", "cloud", "table", "garden", "window")


def text_of(kind: str, site: int, number: int) -> str:
    name = NOUNS[(site + number) % len(NOUNS)]
    return TEXTS[kind].format(name=name, n=number) * (1 + number % 3)


def made(sites: int = 12, each: int = 12) -> tuple[Pages, np.ndarray, np.ndarray, np.ndarray]:
    """(pages, first scores, folds, structure): every site has one kind, and the first score is a poor one."""
    rows = [(KINDS[site % 3], site, number) for site in range(sites) for number in range(each)]
    random = np.random.default_rng(2)
    urls = [f"https://s{site}.example/{number}" for _, site, number in rows]
    names = [f"s{site}" for _, site, _ in rows]
    kinds = [kind for kind, _, _ in rows]
    labels = {url: Label(kind, name, read=kind == STUB) for url, kind, name in zip(urls, kinds, names)}
    pages = Pages.of(urls, names, kinds, labels, ())
    first = 1 / (1 + np.exp(-random.normal(np.where(pages.wanted, 1.0, -1.0), 1.0)))
    structure = np.array([vector(text_of(*row)) for row in rows])
    assert structure.shape[1] == len(NAMES)
    return pages, first, np.array([site // 3 % 4 for _, site, _ in rows]), structure
