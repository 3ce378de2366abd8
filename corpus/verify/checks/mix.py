"""Checks of a mix: tokens and shares against the manifest, sets that must share nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from corpus.verify.checks.heldout import split_groups
from corpus.verify.context import Context
from corpus.verify.report import Check, some
from corpus.verify.sets import common

TOLERANCE = 0.001  # of a set's tokens: what the mix promises
HELDOUT = "heldout"
_APART = "a mix is made by the shard stage"
_SEEDS = "seeds"  # value of overlap=: documents of stage2 may be in stage1, too
Sets = Mapping[str, Mapping[str, Any]]


def sets_of(context: Context) -> Sets:
    """The manifest's facts of the sets: {set: {tokens, sources: {name: {weight, tokens, rows}}}}."""
    if context.found.stage != "shard":
        return {}
    found = context.found.facts.get("sets", {})
    return {name: content for name, content in found.items() if isinstance(content, Mapping)}


def totals(context: Context) -> Check:
    """Rows and tokens of each set and source, added up again."""
    if not (sets := sets_of(context)):
        return Check("totals", "", skipped=_APART)
    problems, tokens = list[str](), 0
    for name, content in sorted(sets.items()):
        sums = 0
        for source, said in sorted(content["sources"].items()):
            table = f"{name}/{source}"
            rows = sum(one.rows or 0 for one in context.gathered.scans.get(table, ()))
            sums += context.gathered.tokens[table]
            problems += _unlike(table, "rows", rows, said.get("rows"))
            problems += _unlike(table, "tokens", context.gathered.tokens[table], said.get("tokens"))
        tokens += sums
        problems += _unlike(name, "tokens", sums, content.get("tokens"))
    named = {f"{name}/{source}" for name, content in sets.items() for source in content["sources"]}
    problems += [
        f"{table} is in the files and not in the facts" for table in context.main if table not in named
    ]
    return Check("totals", f"{tokens:,} tokens of {some(sets, 8)} are those of the manifest", tuple(problems))


def _unlike(name: str, what: str, found: int, said: object) -> Iterator[str]:
    if said is not None and found != said:
        yield f"{name} has {found:,} {what}, the manifest says {said:,}"


def shares(context: Context) -> Check:
    """The share of each source in the tokens of its set, against its weight."""
    sets = {name: content for name, content in sets_of(context).items() if name != HELDOUT}
    if not sets:
        return Check("shares", "", skipped=_APART)
    problems, furthest = list[str](), 0.0
    for name, content in sorted(sets.items()):
        weights = {source: float(said.get("weight") or 0) for source, said in content["sources"].items()}
        tokens = {source: context.gathered.tokens[f"{name}/{source}"] for source in weights}
        total, whole = sum(tokens.values()), sum(weights.values())
        for source in sorted(weights) if total and whole else ():
            share, wanted = tokens[source] / total, weights[source] / whole
            furthest = max(furthest, abs(share - wanted))
            if abs(share - wanted) > TOLERANCE:
                problems.append(
                    f"{name}/{source} is {share:.3%} of the tokens, its weight asks for {wanted:.3%}"
                )
    what = f"token shares are within {TOLERANCE:.1%} of the weights, furthest {furthest:.4%}"
    return Check("shares", what, tuple(problems))


def sets(context: Context) -> Check:
    """No document in two sources of a set, and none in two sets but where the mix allows it."""
    tables = context.main if context.found.stage == "shard" else []
    if not tables:
        return Check("sets", "", skipped=_APART)
    problems = list[str]()
    for one, other in combinations(tables, 2):
        if not _may_share(context, one.partition("/")[0], other.partition("/")[0]):
            found = common(context.gathered.of(one), context.gathered.of(other))
            if found:
                names = context.named([one], found)
                problems.append(f"{found.count:,} documents are in {one} and in {other}: {names}")
    split, notes = split_groups(context)
    rows = sum(context.gathered.of(table).rows for table in tables if table.startswith(f"{HELDOUT}/"))
    what = f"{rows:,} held-out documents and their hosts and files are in no other set, no set has one twice"
    return Check("sets", what, (*problems, *split), notes=tuple(notes))


def _may_share(context: Context, one: str, other: str) -> bool:
    """Whether a document may be in both sets, or in two sources of the same set."""
    if one == other:
        return one == HELDOUT  # what one source holds out is held out of all that have it
    overlap = context.found.config.get("overlap", _SEEDS)
    return overlap == _SEEDS and {one, other} == {"stage1", "stage2"}
