"""What a section of the page is made of. Words in these are plain text; page.py escapes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.report.grids import Grid

SETS = {"stage1": "stage I", "stage2": "stage II", "heldout": "the held-out slice", "sft": "the tuning set"}


@dataclass(frozen=True)
class Figure:
    """A picture with its numbers.

    `question` is the title, `answer` what the picture shows; `table` holds the same numbers for those who
    cannot or will not read a picture.
    """

    name: str
    question: str
    answer: str
    svg: str
    table: Grid


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    lead: str
    figures: Sequence[Figure] = ()
    tables: Sequence[Grid] = ()


def empty(name: str, title: str, stage: str) -> Section:
    """The section of a stage that is not there."""
    return Section(
        name, title, f"Nothing to show: the stage {stage} has no finished result in this workspace."
    )
