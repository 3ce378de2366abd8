"""What the page is made of. Words in these are plain text; page.py and grids.py escape them.

The page, the CSV and LaTeX files and the files of the figures are all made from these objects, and these from
the numbers of stats.json: a number has one source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from corpus.report.figures.chart import Chart
from corpus.report.figures.style import LIGHT, PAGE
from corpus.report.grids import Grid

SETS = {"stage1": "stage I", "stage2": "stage II", "heldout": "the held-out slice", "sft": "the tuning set"}
_STAGES_OF_TRAINING = {"stage1": "stage I", "stage2": "stage II", "stage3": "stage III"}
_PLAIN = re.compile(r"[a-z0-9-]{1,40}")


def run_title(run: str) -> str:
    """What a training run is called: its stage, or the name of its folder."""
    return _STAGES_OF_TRAINING.get(run, run)


def is_stage(run: str) -> bool:
    """Whether the run goes on from the one before."""
    return run in _STAGES_OF_TRAINING


def run_slug(run: str) -> str:
    """A training run within the names of files and places, which no folder's name may choose freely."""
    if _PLAIN.fullmatch(run):
        return run
    return f"run-{blake2b(run.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


@dataclass(frozen=True)
class Figure:
    """A picture with its numbers.

    `question` is the title, `answer` what the picture shows; `table` holds the same numbers for those who
    cannot or will not read a picture.
    """

    name: str
    question: str
    answer: str
    chart: Chart
    table: Grid

    @property
    def title(self) -> str:
        return self.question

    @property
    def alt(self) -> str:
        """What is said to a reader who does not see the picture."""
        return f"{self.question} {self.answer}"

    def svg(self, theme: str = PAGE) -> str:
        """One `<svg>` element; theme `page` for within the page, `light` or `dark` for a file of its own."""
        return self.chart.svg(self.alt, theme)

    def png(self, theme: str = LIGHT) -> bytes:
        return self.chart.png(theme)


@dataclass(frozen=True)
class Example:
    """A document of the corpus, cut short, shown as it is: the format of its kind."""

    title: str
    origin: str
    text: str


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    lead: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Grid] = ()
    examples: Sequence[Example] = ()


def empty(name: str, title: str, stage: str) -> Section:
    """The section of a stage that is not there."""
    return Section(
        name, title, f"Nothing to show: the stage {stage} has no finished result in this workspace."
    )


def figures_of(sections: Iterable[Section]) -> Iterator[Figure]:
    """All figures in the order of the page; their names are unique."""
    return (figure for section in sections for figure in section.figures)


def tables_of(sections: Iterable[Section]) -> Iterator[Grid]:
    """All tables in the order of the page, those of figures included; their names are unique."""
    for section in sections:
        yield from section.tables
        yield from (figure.table for figure in section.figures)
