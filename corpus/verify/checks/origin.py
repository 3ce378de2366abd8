"""Checks between stages: what came in is what the stages before have, and every id leads back to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from corpus.engine import manifest, storage
from corpus.verify.checks.captures import look_up
from corpus.verify.context import Context
from corpus.verify.gather import LEDGER
from corpus.verify.library import batches, columns_of, names_of, paths_of
from corpus.verify.links import CHANGED, UNREACHED, Link, links_of, record_links
from corpus.verify.report import Check, plain, some
from corpus.verify.scan import reason_of, scan
from corpus.verify.sets import Found, KeySet, missing

_TEXTLESS = frozenset({"empty", "no_text", "text_not_string"})
_DEPTH = 8  # stages that are gone back
_HASH = re.compile("[0-9a-f]{32}")


def chain(context: Context) -> Check:
    """Each input is what its stage has now: one that was made again since is named."""
    links = context.links
    reached = [link for link in links if link.state != UNREACHED]
    problems = [plain(link.problem, 400) for link in links if link.state == CHANGED]
    problems += [plain(problem, 400) for link in reached for problem in _upstream(link, _DEPTH, set())]
    if context.config.deep:
        problems += [problem for link in reached if link.table for problem in _changed_files(link)]
    unreached = {link.name for link in links if link.state == UNREACHED}
    notes = (f"not reached: {some(unreached)}",) if unreached else ()
    if not reached:
        return Check("chain", "", skipped=f"none of the {len(links):,} inputs can be reached", notes=notes)
    return Check("chain", f"{len(reached):,} inputs are what came in", tuple(problems), notes=notes)


def _upstream(link: Link, depth: int, seen: set[str]) -> Iterator[str]:
    """What no longer fits further up: stages whose own inputs were made again since."""
    if depth <= 0 or not link.folder or link.folder in seen:
        return
    seen.add(link.folder)
    before = manifest.read(link.folder)
    for inner in links_of(before):
        if inner.state == CHANGED:
            yield f"of {storage.redact(link.folder)}: {inner.problem}"
        yield from _upstream(inner, depth - 1, seen)


def _changed_files(link: Link) -> Iterator[str]:
    found = manifest.read(link.folder)
    scans = scan(link.folder, {link.table: found.tables[link.table]}, {})
    for one in scans[link.table]:
        if one.sha256 != one.file.sha256:
            yield f"{storage.redact(storage.join(link.folder, one.file.path))} has changed since"


def origin(context: Context) -> Check:
    """Every record of the ledger is one of the inputs', and every one of the inputs' is in the ledger."""
    if context.found.stage == "filter":
        return look_up(context)
    came = reach(context, record_links(context.found, context.links))
    if not came.places:
        return Check("origin", "", skipped=f"no ids to compare with: {came.said or 'no inputs'}")
    ledger = context.gathered.of(LEDGER)
    nameless = _nameless(context)
    problems = [
        f"{lost.count:,} records of {place.name} are not in the ledger: {_ids(place.paths, lost)}"
        for place in came.places
        if (lost := missing(place.keys, [ledger])).count > nameless
    ]
    if context.found.stage == "shard":
        problems += _strangers_by_source(context, came)
    elif not came.without and (strange := missing(ledger, came.keys)):
        names = context.named([LEDGER], strange)
        problems.append(f"{strange.count:,} ids of the ledger are in no input: {names}")
    notes = (f"not compared: {came.said}",) if came.without else ()
    names = some({place.name for place in came.places})
    what = f"the ledger's {ledger.rows:,} records are those of {names}"
    if came.without:
        what = f"the records of {names} are in the ledger"
    return Check("origin", what, tuple(problems), notes=notes)


def _strangers_by_source(context: Context, came: Came) -> Iterator[str]:
    """Ids of a source of the mix that are in none of its inputs; of sources whose inputs all have ids."""
    for source in sorted({place.source for place in came.places} - came.sources_without):
        tables = [table for table in context.main if table.partition("/")[2] == source]
        keys = [place.keys for place in came.places if place.source == source]
        for table in tables:
            if strange := missing(context.gathered.of(table), keys):
                names = context.named([table], strange)
                yield f"{strange.count:,} ids of {table} are in no input of '{source}': {names}"


def _ids(paths: Sequence[str], found: Found) -> str:
    return some(names_of(paths, "id", found.some[:10]))


def _nameless(context: Context) -> int:
    """Records of a mix that have no text: they stand in its ledger under an id of their place."""
    if context.found.stage != "shard":
        return 0
    return sum(rows for (_, reason), rows in context.gathered.ledger.items() if reason in _TEXTLESS)


@dataclass(frozen=True)
class Place:
    """An input with ids. `source` is the source of a mix that it belongs to."""

    name: str
    source: str
    paths: tuple[str, ...]
    keys: KeySet


@dataclass
class Came:
    """The inputs with ids, and by reason those that have none, or that cannot be reached."""

    places: list[Place] = field(default_factory=list)
    without: dict[str, list[str]] = field(default_factory=dict)
    sources_without: set[str] = field(default_factory=set)

    @property
    def said(self) -> str:
        """The inputs that are not compared, by reason."""
        return "; ".join(f"{reason}: {some(names)}" for reason, names in sorted(self.without.items()))

    @property
    def keys(self) -> list[KeySet]:
        return [place.keys for place in self.places]


def reach(context: Context, links: Sequence[Link]) -> Came:
    came = Came()
    for link in links:
        reason = _add(context, link, came)
        if reason:
            came.without.setdefault(reason, []).append(link.name)
            came.sources_without.add(link.source)
    return came


def _add(context: Context, link: Link, came: Came) -> str:
    """Add the ids of one input; returns why it has none."""
    if link.state == UNREACHED:
        return "not reached"
    paths = tuple(paths_of(link.folder, link.table)) if link.table else (link.path,)
    try:
        if not all(path.endswith(".parquet") and "id" in columns_of(path) for path in paths):
            return "without ids"
        if not link.table and context.found.stage == "shard" and not _are_hashes(paths):
            return "ids are hashed with other columns"
        keys = context.library.ids(link.folder, link.table) if link.table else context.library.ids_of(paths)
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"cannot be read: {reason_of(error)}"
    if keys.nulls:
        return "rows without id"
    name = storage.redact(link.folder or link.path)
    came.places.append(Place(name, link.source, paths, keys))
    return ""


def _are_hashes(paths: Sequence[str]) -> bool:
    """Whether a mix takes the ids of foreign files as they are: 32 hexadecimal digits."""
    for path in paths:
        first = next(batches(path, ["id"], 1000), None)
        if first is not None and not all(_HASH.fullmatch(str(one)) for one in first.column(0).to_pylist()):
            return False
    return True


def references(context: Context) -> Check:
    """Rows that name rows of other tables name some that are there."""
    compared, problems, without = 0, list[str](), list[str]()
    for (table, what), keys in sorted(context.gathered.keys.items()):
        column, _, index = what.partition("@")
        if column not in ("kept_id", "match_seed_id", "seed_id") or not keys.rows:
            continue
        targets = list(_targets(context, table, column, index))
        if not targets:
            without.append(f"{column} of {table}" + (f" in {index}" if index else ""))
        for name, among in targets:
            compared += keys.rows
            if lost := missing(keys, among):
                names = context.named([table], lost, column)
                problems.append(f"{lost.count:,} values of {column} in {table} are not in {name}: {names}")
    if context.found.stage == "hygiene" and context.has("contamination"):
        compared += context.gathered.of("contamination").rows
        if lost := missing(context.gathered.of("contamination"), [context.gathered.of(LEDGER)]):
            problems.append(f"{lost.count:,} ids of contamination are not in the ledger")
    if not compared and not problems:
        return Check(
            "references", "", skipped=f"no rows that name others{': ' if without else ''}{some(without)}"
        )
    notes = (f"not reached: {some(without)}",) if without else ()
    return Check("references", f"{compared:,} rows name rows that are there", tuple(problems), notes=notes)


def _targets(context: Context, table: str, column: str, index: str) -> Iterator[tuple[str, list[KeySet]]]:
    """The tables that a column names rows of, as far as they can be reached; of several, one must have it."""
    stage = context.found.stage
    if (stage, column, index) == ("dedup", "kept_id", ""):
        yield "pages", [context.gathered.of("pages")]
    elif (stage, column) == ("dedup", "kept_id"):
        known = [link for link in context.links if link.is_index and link.state != UNREACHED]
        mine = [link for link in known if _last(link.folder or link.path) == _last(index)] or known
        came = reach(context, mine)
        if len(came.places) == 1:
            yield came.places[0].name, came.keys
    elif stage == "match":
        if table not in ("index", "seed_hits"):  # hits are told of every seed, used or not
            yield "index", [context.gathered.of("index", "seed_id")]
        seeds = [link for link in context.links if str(link.entry.get("table", "")).endswith("/seeds")]
        came = reach(context, seeds)
        if came.places and not came.without:
            yield " and ".join(place.name for place in came.places), came.keys


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
