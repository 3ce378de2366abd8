"""Checks within one stage: its counts, its ids, its ledger against its tables."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.engine.ledger import Count, total
from corpus.verify.context import Context
from corpus.verify.gather import LEDGER
from corpus.verify.library import batches, names_of
from corpus.verify.report import Check, some
from corpus.verify.sets import missing, repeats, same

# Tables beside the main ones whose ids name one row each.
_UNIQUE = {("dedup", "index"): "id", ("match", "index"): "seed_id", ("match", "seed_hits"): "seed_id"}
_OUTCOMES = ("kept", "dropped", "failed")


def counts(context: Context) -> Check:
    """The conservation law, counted again from the ledger's rows."""
    said = context.found.counts
    tally = sorted(Count(*key, rows) for key, rows in context.gathered.ledger.items())
    problems = list(_unlike_counts(context, tally))
    kept, tables = total(tally, "kept"), context.main
    if tables:
        rows = sum(_records(context, table) for table in tables)
        if rows != kept:
            problems.append(f"the ledger keeps {kept:,} records, {some(tables)} hold {rows:,} rows")
    if context.found.stage == "filter" and context.has("files"):
        problems += _unlike_files(context)
    what = (
        f"{said.get('records_in', 0):,} records in = kept + dropped + failed, in ledger, tables and manifest"
    )
    return Check("counts", what, tuple(problems))


def _records(context: Context, table: str) -> int:
    """Rows of a table, copies of a row not counted."""
    if (table, "first") in context.gathered.keys:
        return context.gathered.of(table, "first").rows
    return sum(one.rows or 0 for one in context.gathered.scans[table])


def _unlike_counts(context: Context, tally: list[Count]) -> Iterator[str]:
    said = context.found.counts
    stated = {(row["outcome"], row["reason"]): row["rows"] for row in said.get("by_reason", ())}
    found = {(count.outcome, count.reason): count.rows for count in tally}
    for outcome, reason in sorted(set(stated) | set(found)):
        one, other = found.get((outcome, reason), 0), stated.get((outcome, reason), 0)
        if one != other:
            name = f"{outcome} {some([reason])}".strip()
            yield f"the ledger has {one:,} rows with '{name}', the manifest says {other:,}"
    for outcome in _OUTCOMES:
        if outcome in said and said[outcome] != total(tally, outcome):
            yield f"the ledger has {total(tally, outcome):,} {outcome}, the manifest says {said[outcome]:,}"
    if said.get("records_in") != total(tally):
        yield f"{said.get('records_in'):,} records came in, the ledger has {total(tally):,} rows"
    if strange := {count.outcome for count in tally} - set(_OUTCOMES):
        yield f"the ledger has unknown outcomes: {some(strange)}"


def _unlike_files(context: Context) -> Iterator[str]:
    """The filter's table of archives, which counts the same records."""
    names = ("responses", *_OUTCOMES)
    sums = dict.fromkeys(names, 0)
    for path in context.paths("files"):
        for batch in batches(path, names):
            for name in names:
                sums[name] += sum(batch.column(name).to_pylist())
    wanted = {
        "responses": context.found.counts.get("records_in"),
        **{n: context.found.counts.get(n) for n in _OUTCOMES},
    }
    for name in names:
        if sums[name] != wanted[name]:
            yield f"the archives in files/ have {sums[name]:,} {name}, the manifest says {wanted[name]:,}"


def ids(context: Context) -> Check:
    """Ids are 128-bit hashes: none is missing, none names two rows."""
    keyed = {(table, _row_key(context, table)) for table in context.main}
    keyed |= {
        (table, column) for (stage, table), column in _UNIQUE.items() if stage == context.found.stage
    } & set(context.gathered.keys)
    if not keyed:
        return Check(
            "ids", "", skipped=f"a {context.found.stage} stage has no table with one row for each id"
        )
    problems, notes, rows = [], [], 0
    for table, what in sorted(keyed):
        keys = context.gathered.of(table, what)
        column = what if what.endswith("id") else "id"
        rows += keys.rows
        if keys.nulls:
            problems.append(f"{table}: {keys.nulls:,} rows have no {column}")
        again = repeats(keys)
        names = names_of(context.paths(table), column, again.some) if again else {}
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            problems.append(f"{table}: {again.count:,} rows repeat an id: {some(twice)}")
        if (
            what == "row"
            and context.found.stage == "filter"
            and (copies := repeats(context.gathered.of(table)))
        ):
            notes.append(f"{copies.count:,} captures are in several archives")
    return Check(
        "ids",
        f"{rows:,} ids are unique in {some({t for t, _ in keyed}, 8)}",
        tuple(problems),
        notes=tuple(notes),
    )


def _row_key(context: Context, table: str) -> str:
    return "row" if (table, "row") in context.gathered.keys else "id"


def ledger(context: Context) -> Check:
    """The kept records of the ledger are the records of the tables."""
    tables = context.main
    if not tables or not context.has(LEDGER):
        return Check("ledger", "", skipped=f"a {context.found.stage} stage has no table of kept records")
    kept = context.gathered.of(LEDGER, "kept")
    firsts = [table for table in tables if (table, "first") in context.gathered.keys]
    mine = [context.gathered.of(table, "first" if table in firsts else "id") for table in tables]
    said = f"the {kept.rows:,} kept records are those of {some(tables, 8)}"
    problems = []
    for table in firsts:
        if alone := missing(context.gathered.of(table), [context.gathered.of(table, "first")]):
            names = context.named([table], alone)
            problems.append(f"{alone.count:,} ids of {table} are there as copies alone: {names}")
    if same([kept], mine):
        return Check("ledger", said, tuple(problems))
    if lost := missing(kept, mine):
        problems.append(
            f"{lost.count:,} ids that the ledger keeps are in no table: {context.named([LEDGER], lost)}"
        )
    for table, keys in zip(tables, mine):
        if strange := missing(keys, [kept]):
            names = context.named([table], strange)
            problems.append(f"{strange.count:,} ids of {table} are not kept in the ledger: {names}")
    return Check("ledger", said, tuple(problems))
