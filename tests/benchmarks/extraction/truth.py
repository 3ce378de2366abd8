"""What a page holds: the measure against which any extraction is held."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from tests.benchmarks.extraction.normal import Shingle, Squeezed, item, segments, shingles, squeeze, words


@dataclass
class Truth:
    """The content of a page's main area, each text under the one kind that it is."""

    code: list[list[str]] = field(default_factory=list)  # lines of each <pre>
    headings: list[tuple[str, str]] = field(default_factory=list)  # without and with its anchors
    terms: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    paragraphs: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)  # cells, empty ones left out
    lone_cells: list[str] = field(default_factory=list)  # of rows that cannot stand on one line
    inside: list[str] = field(default_factory=list)  # all text of the main area, run by run
    outside: list[str] = field(default_factory=list)  # all other text that a browser shows, and the title

    @cached_property
    def squeezed(self) -> tuple[Squeezed, Squeezed]:
        """The text inside and the text outside."""
        return squeeze("\n".join(self.inside)), squeeze("\n".join(self.outside))

    @cached_property
    def shingles(self) -> tuple[frozenset[Shingle], frozenset[Shingle]]:
        """Neighbouring words inside and outside, across runs too: an extractor may join them."""
        inside, outside = (
            frozenset(shingles(words("\n".join(runs)))) for runs in (self.inside, self.outside)
        )
        return inside, outside

    @cached_property
    def outside_runs(self) -> Counter[str]:
        """Canonical lines of the text outside."""
        return Counter(filter(None, (item(part) for text in self.outside for part in segments(text))))
