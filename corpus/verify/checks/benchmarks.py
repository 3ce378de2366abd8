"""Decontamination checked again: texts are searched once more for the items of the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from corpus.browse.rows import Row, draw
from corpus.engine import storage
from corpus.engine.errors import ForgeError
from corpus.verify.against import Against, Cleaning, cleanings_of, prepare
from corpus.verify.context import Context
from corpus.verify.report import Check, plain, some

_COLUMNS = ("id", "text")
_MOST_GROUPS = 4
_BEFORE = frozenset({"seeds", "classifier", "filter", "dedup"})


@dataclass
class _Told:
    """What the search has found so far; `ready` holds the searches by the folder of their hygiene stage."""

    texts: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ready: dict[str, Against | None] = field(default_factory=dict)


def contamination(context: Context) -> Check:
    """A sample of the texts (`deep`: all) against the benchmarks that hygiene's manifest names."""
    if context.found.stage in _BEFORE or not context.main:
        return Check("contamination", "", skipped="texts meet the benchmarks in hygiene, behind this stage")
    told = _Told()
    for table, cleaning in cleanings_of(context.found, context.links, context.main).items():
        try:
            searches = _searches(cleaning, told, deep=context.config.deep)
        except (ForgeError, OSError, ValueError) as error:
            told.notes.append(
                f"{table} not checked: benchmarks not reachable: {plain(storage.reason_of(error))}"
            )
            continue
        if searches:
            _search(context, table, cleaning, searches, told)
        elif cleaning.stages:
            told.notes.append(f"{table} was given no benchmarks, or keeps what it finds")
        else:
            told.notes.append(f"{table} has not been through hygiene that can be reached")
    doubtful = sum(search.doubtful for search in told.ready.values() if search)
    if doubtful:
        told.notes.append(f"{doubtful:,} texts rest on n-grams that may be common; deep=true counts them")
    if not told.texts:
        return Check("contamination", "", skipped="; ".join(told.notes) or "there are no texts")
    said = f"{told.texts:,} texts hold no benchmark item"
    return Check("contamination", said, tuple(told.problems), notes=tuple(told.notes))


def _searches(cleaning: Cleaning, told: _Told, *, deep: bool) -> list[Against]:
    """One search for each set of benchmarks and settings, however many stages used them."""
    found: dict[str, Against] = {}
    for stage in cleaning.stages:
        if stage.folder not in told.ready:
            told.ready[stage.folder] = prepare(stage, deep=deep)
        if search := told.ready[stage.folder]:
            found[search.identity] = search
    return list(found.values())


def _search(
    context: Context, table: str, cleaning: Cleaning, searches: Sequence[Against], told: _Told
) -> None:
    held = 0
    for row in _sample(context, table):
        told.texts += 1
        items = {item for search in searches for item in search.items(row.values["text"] or "")}
        held += bool(items)
        if items and cleaning.whole:
            told.problems.append(f"{plain(str(row.values['id']))} in {table} holds {some(items)}")
    if held and not cleaning.whole:
        told.notes.append(f"{held:,} texts of {table} hold items; not all of it has been through hygiene")


def _sample(context: Context, table: str) -> Iterator[Row]:
    count = sum(one.rows or 0 for one in context.gathered.scans[table])
    if not context.config.deep:
        count = min(count, context.config.sample)
    groups = 0 if context.config.deep else _MOST_GROUPS
    return draw(context.paths(table), count, context.config.seed, _COLUMNS, most_groups=groups)
