"""The choice on DataFrames: held out, within the shares of tokens, or over them.

Both choices are one: units in a seeded order are taken until the next one no longer fits into a number of
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

from corpus.shards.config import ShardConfig
from corpus.shards.mixing import Crossing, crossing, fill, token_targets

SLICES_LOG2 = 10  # a source's order is cut into 1,024 slices of equal width
FILL_CANDIDATES = 20_000  # units that compete for the last gap of a source


def position(column: str, seed: int, *salt: str) -> Column:
    """The place of a document in the seeded global order: a hash, so that no sort of the world is needed."""
    return F.xxhash64(column, F.lit(seed), *[F.lit(word) for word in salt])


def decide(tokenised: DataFrame, config: ShardConfig) -> DataFrame:
    """Add `position`, `set` (stage1, stage2, heldout or null) and `reason` to every document."""
    copies = Window.partitionBy("set_of_source", "id").orderBy("mix", "source", "url", F.md5("text"))
    set_of = F.create_map(*[F.lit(x) for name, s in sorted(config.input.items()) for x in (name, s.set)])
    ordered = tokenised.withColumn("position", position("id", config.seed))
    ordered = ordered.withColumn("set_of_source", set_of[F.col("mix")])
    ordered = ordered.withColumn("copy", F.row_number().over(copies))
    usable = ordered.where((F.col("num_tokens") > 0) & (F.col("copy") == 1))
    light = usable.select("mix", "id", "group", "position", "num_tokens").persist()
    heldout = heldout_ids(light, config).persist()
    remaining = as_units(light.join(heldout, "id", "left_anti"), "id", "position").persist()
    chosen = within_shares(remaining, config)
    remaining.unpersist()
    light.unpersist()
    marked = ordered.join(heldout.withColumn("held", F.lit(True)), "id", "left")
    reason = (
        F.when(F.col("malformed"), "malformed")
        .when(F.col("num_tokens") == 0, "empty")
        .when(F.col("copy") > 1, "duplicate_id")
        .when(F.col("held") | taken(chosen, "id", "position"), "")
        .otherwise("over_share")
    )
    name = F.when(F.col("held"), "heldout").otherwise(F.col("set_of_source"))
    return marked.withColumn("reason", reason).withColumn("set", F.when(F.col("reason") == "", name))


def heldout_ids(light: DataFrame, config: ShardConfig) -> DataFrame:
    """Ids held out: per source, whole groups in a seeded order, together at most the wanted share of tokens.

    A group with more tokens than that share is taken by document. A source of which nothing fits gives its
    shortest unit. A document is held out everywhere if it is held out in one source, so that no set sees it;
    sources that share documents can so pass the share, by what only the other one chose.
    """
    if not config.heldout_fraction:
        return light.select("id").limit(0)
    totals = tokens_by_source(as_units(light, "id", "position"))
    targets = {name: int(n * config.heldout_fraction) for name, n in totals.items()}
    groups = light.groupBy("mix", "group").agg(F.sum("num_tokens").alias("tokens"))
    over = any_of((F.col("mix") == name) & (F.col("tokens") > most) for name, most in targets.items())
    large = groups.where(over).select("mix", "group", F.lit(True).alias("large"))
    keyed = light.join(large, ["mix", "group"], "left")
    keyed = keyed.withColumn("unit", F.when(F.col("large"), F.col("id")).otherwise(F.col("group")))
    keyed = keyed.withColumn("rank", position("unit", config.seed, "heldout"))
    of_unit = as_units(keyed, "unit", "rank").groupBy("mix", "name", "place")
    units = of_unit.agg(F.sum("tokens").alias("tokens")).persist()
    cuts = take(units, targets)
    if without := [name for name, cut in cuts.items() if cut.is_empty]:
        shortest = F.min(F.struct("tokens", "place", "name")).alias("unit")
        rows = units.where(F.col("mix").isin(without)).groupBy("mix").agg(shortest).collect()
        cuts |= {row["mix"]: replace(cuts[row["mix"]], extra=(row["unit"]["name"],)) for row in rows}
    units.unpersist()
    return keyed.where(taken(cuts, "unit", "rank")).select("id").distinct()


def within_shares(remaining: DataFrame, config: ShardConfig) -> dict[str, Cut]:
    """What is taken of each source so that each set's token shares equal the weights."""
    available = tokens_by_source(remaining)
    targets: dict[str, int] = {}
    for set_name in sorted({source.set for source in config.input.values()}):
        weights = {name: s.weight for name, s in sorted(config.input.items()) if s.set == set_name}
        targets |= token_targets(available, weights, config.tokens if set_name == "stage1" else 0)
    return take(remaining, targets)


def tokens_by_source(units: DataFrame) -> dict[str, int]:
    rows = units.groupBy("mix").agg(F.sum("tokens").alias("n")).collect()
    return {row["mix"]: int(row["n"]) for row in rows}


def as_units(documents: DataFrame, name: str, place: str) -> DataFrame:
    """The columns that `take` chooses by: mix, name, place (64 bits, sets the order) and tokens."""
    named = {"name": name, "place": place, "tokens": "num_tokens"}
    return documents.select("mix", *[F.col(old).alias(new) for new, old in named.items()])


@dataclass(frozen=True)
class Cut:
    """What is taken of a source: all in front of `place`, there the names up to `name`, and `extra` names."""

    place: int | None  # None: the whole source
    name: str | None = None
    extra: tuple[str, ...] = ()
    is_empty: bool = False


def take(units: DataFrame, targets: Mapping[str, int]) -> dict[str, Cut]:
    """The longest prefix of each source, by (place, name), within its target, and what fills the rest."""
    slice_of = F.shiftright("place", 64 - SLICES_LOG2)  # keeps the sign, and so the order
    sliced = units.withColumn("slice", slice_of)
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
    behind = units.where((F.col("mix") == name) & (F.col("tokens") <= gap) & ~in_front(cut, "name", "place"))
    rows = behind.orderBy("place", "name").select("name", "tokens").limit(FILL_CANDIDATES).collect()
    return [(row["name"], row["tokens"]) for row in rows]


def in_front(cut: Cut, name: str, place: str) -> Column:
    if cut.place is None:
        return F.lit(True)
    edge = F.lit(cut.place).cast("bigint")
    if cut.name is None:
        return F.col(place) < edge
    return (F.col(place) < edge) | ((F.col(place) == edge) & (F.col(name) <= F.lit(cut.name)))


def taken(cuts: Mapping[str, Cut], name: str, place: str) -> Column:
    """Whether a row is taken, decided from the row alone: no join."""

    def of_source(source: str, cut: Cut) -> Column:
        found = in_front(cut, name, place)
        found = found | F.col(name).isin(list(cut.extra)) if cut.extra else found
        return (F.col("mix") == source) & found

    return any_of(of_source(source, cut) for source, cut in sorted(cuts.items()))


def any_of(conditions: Iterable[Column]) -> Column:
    return reduce(or_, conditions, F.lit(False))
