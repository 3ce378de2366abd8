"""Units of a source taken in a seeded order, up to a number of tokens, without a sort of the world.

Units in a seeded order are taken until the next one no longer fits into a number of
tokens, then those that fit into the rest. Running sums over a whole source would pass through one task. So
tokens are summed by slices of the order, the few sums are added up on the driver, and only the slice in which
the target lies is gone through row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpus.shards.mixing import Crossing, crossing, fill

SLICES_LOG2 = 10  # a source's order is cut into 1,024 slices of equal width
FILL_CANDIDATES = 20_000  # units that compete for the last gap of a source


@dataclass(frozen=True)
class Cut:
    """What is taken of a source: all in front of `place`, there the names up to `name`, and `extra` names."""

    place: int | None  # None: the whole source
    name: str | None = None
    extra: tuple[str, ...] = ()
    is_empty: bool = False


def position(column: str, seed: int, *salt: str) -> Column:
    """The place of a document in the seeded global order: a hash, so that no sort of the world is needed."""
    return F.xxhash64(column, F.lit(seed), *[F.lit(word) for word in salt])


def tokens_by_source(units: DataFrame) -> dict[str, int]:
    rows = units.groupBy("mix").agg(F.sum("tokens").alias("n")).collect()
    return {row["mix"]: int(row["n"]) for row in rows}


def as_units(documents: DataFrame, name: str, place: str) -> DataFrame:
    """The columns that `take` chooses by: mix, name, place (64 bits, sets the order) and tokens."""
    named = {"name": name, "place": place, "tokens": "num_tokens"}
    return documents.select("mix", *[F.col(old).alias(new) for new, old in named.items()])


def take(units: DataFrame, targets: Mapping[str, int]) -> dict[str, Cut]:
    """The longest prefix of each source, by (place, name), within its target, and what fills the rest."""
    if not targets:
        return {}
    slice_of = F.shiftright("place", 64 - SLICES_LOG2)  # keeps the sign, and so the order
    sliced = units.where(F.col("mix").isin(sorted(targets))).withColumn("slice", slice_of)
    sums: dict[str, list[tuple[int, int]]] = {name: [] for name in targets}
    for row in sliced.groupBy("mix", "slice").agg(F.sum("tokens").alias("n")).collect():
        sums[row["mix"]].append((row["slice"], int(row["n"])))
    crossings = {name: crossing(sums[name], target) for name, target in sorted(targets.items())}
    ends = ends_inside(sliced, {name: found for name, found in crossings.items() if found})
    cuts = {}
    for name, target in sorted(targets.items()):
        found = crossings[name]
        if found is None:
            cuts[name] = Cut(None)
            continue
        start = Cut(found.slice << (64 - SLICES_LOG2))
        cut, inside = ends.get(name, (start, 0))
        gap = target - found.before - inside
        extra = fill(gap, candidates(units, name, cut, gap)) if gap else []
        cuts[name] = replace(cut, extra=tuple(extra), is_empty=gap == target and not extra)
    return cuts


def ends_inside(sliced: DataFrame, crossings: Mapping[str, Crossing]) -> dict[str, tuple[Cut, int]]:
    """Where the prefix ends inside the slice that passes the target, and its tokens there, if it has any."""
    if not crossings:
        return {}
    here = [(F.col("mix") == name) & (F.col("slice") == found.slice) for name, found in crossings.items()]
    room = F.create_map(*[F.lit(x) for name, found in crossings.items() for x in (name, found.room)])
    order = Window.partitionBy("mix", "slice").orderBy("place", "name")
    running = sliced.where(any_of(here)).withColumn("running", F.sum("tokens").over(order))
    inside = running.where(F.col("running") <= room[F.col("mix")])
    last = F.max(F.struct("place", "name")).alias("last")
    rows = inside.groupBy("mix").agg(last, F.sum("tokens").alias("n")).collect()
    return {row["mix"]: (Cut(row["last"]["place"], row["last"]["name"]), int(row["n"])) for row in rows}


def candidates(units: DataFrame, name: str, cut: Cut, gap: int) -> list[tuple[str, int]]:
    """(name, tokens) of the first units behind the cut that fit into the gap."""
    behind = units.where((F.col("mix") == name) & (F.col("tokens") <= gap))
    behind = behind.where(~in_front(cut, F.col("name"), F.col("place")))
    rows = behind.orderBy("place", "name").select("name", "tokens").limit(FILL_CANDIDATES).collect()
    return [(row["name"], row["tokens"]) for row in rows]


def in_front(cut: Cut, name: Column, place: Column) -> Column:
    if cut.place is None:
        return F.lit(True)
    edge = F.lit(cut.place).cast("bigint")
    if cut.name is None:
        return place < edge
    return (place < edge) | ((place == edge) & (name <= F.lit(cut.name)))


def is_taken(cut: Cut, name: Column, place: Column) -> Column:
    found = in_front(cut, name, place)
    return found | name.isin(list(cut.extra)) if cut.extra else found


def taken(cuts: Mapping[str, Cut], name: str, place: str) -> Column:
    """Whether a row is taken, decided from the row alone: no join."""

    mine = {source: is_taken(cut, F.col(name), F.col(place)) for source, cut in cuts.items()}
    return any_of((F.col("mix") == source) & mine[source] for source in sorted(mine))


def any_of(conditions: Iterable[Column]) -> Column:
    return reduce(or_, conditions, F.lit(False))
