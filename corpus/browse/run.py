"""Entry of `jobs/inspect.py`: rows of a table, or the story of a page."""

from __future__ import annotations

import sys

from corpus.browse import show, story
from corpus.browse.config import CSV, InspectConfig
from corpus.browse.road import road_of
from corpus.browse.terminal import Paper
from corpus.engine.errors import UserError


def run(config: InspectConfig) -> None:
    """Print what the config asks for, line by line as it is found."""
    check(config)
    paper = Paper(sys.stdout)
    for line in (story if config.url or config.id else show).lines_of(config, paper):
        print(line)


def plan(config: InspectConfig) -> str:
    """What --dry-run prints."""
    check(config)
    if config.url or config.id:
        road = road_of(config.input)
        return "\n".join(f"{stop.folder}: {stop.stage}" for stop in road)
    name, paths = show.find_table(config)
    return "\n".join([f"{name}: {len(paths):,} files", *paths])


def check(config: InspectConfig) -> None:
    """Raises UserError for keys that contradict each other."""
    if not config.input:
        raise UserError("nothing to look at: give input=FOLDER.")
    if config.url and config.id:
        raise UserError("the keys 'url' and 'id' exclude each other; give one of them.")
    if (config.url or config.id) and config.format == CSV:
        raise UserError("a story is written as text or json; give format=json.")
    if (config.url or config.id) and (config.where or config.table or config.columns):
        raise UserError("the keys where, table and columns choose rows of a table; a story has none of them.")
