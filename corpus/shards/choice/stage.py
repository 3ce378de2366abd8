"""The choice on DataFrames: held out, within the shares of tokens, or over them.

What is decided of a document follows from its own row wherever it can, so that texts are not shuffled: only
repeats, and documents that several sources share, are looked up in a table of exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpus.engine.errors import DataError
from corpus.shards.config import HELDOUT, SFT, STAGE1, STAGE2, ShardConfig
from corpus.shards.cuts.stage import (
    Cut,
    any_of,
    as_units,
    is_taken,
    position,
    take,
    taken,
    tokens_by_source,
)
from corpus.shards.mixing import token_targets, weights_of
from corpus.shards.sources.document import EMPTY

LOOKED_UP = 1_000_000  # exceptions that each executor may hold in its memory
DUPLICATE, OVER_SHARE, OTHER_SET = "duplicate_id", "over_share", "other_set"
# Sets in the order in which they take documents that they may not share.
_ORDER = (SFT, STAGE2, STAGE1)


@dataclass(frozen=True)
class Share:
    """What a set takes of a source: `whole` passes over it, and of one more pass what the cut says."""

    whole: int
    cut: Cut


def decide(tokenised: DataFrame, config: ShardConfig) -> DataFrame:
    """Add `set` (null where it is in none), `copies` (how often it is there) and `reason` to every document.

    `with_copies` makes the rows of the sets from it.
    """
    sets = F.create_map(*[F.lit(x) for name, s in sorted(config.input.items()) for x in (name, s.set)])
    ordered = tokenised.withColumn("set_of_source", sets[F.col("mix")])
    usable = (F.col("reason") == "") & (F.col("num_tokens") > 0)
    names = ("mix", "set_of_source", "id", "record", "group", "num_tokens")
    light = ordered.where(usable).select(*names, F.xxhash64("text").alias("digest"))
    copies = Window.partitionBy("set_of_source", "id").orderBy("mix", "digest", "record")
    numbered = light.withColumn("copy", F.row_number().over(copies)).persist()
    unique = numbered.where("copy = 1").drop("copy", "digest")
    rule = heldout_rule(unique, config)
    held = rule.mark(unique).where("own")
    shared = held_elsewhere(rule.mark(unique), held) if len(config.input) > 1 else None
    remaining = unique.join(held.select("id").distinct(), "id", "left_anti").persist()
    chosen, other_set = within_shares(remaining, config)
    found = [numbered.where("copy > 1").select("record", F.lit(DUPLICATE).alias("verdict")), *other_set]
    found += [] if shared is None else [shared]
    marked = rule.mark(look_up(ordered, reduce(DataFrame.unionByName, found)))
    remaining.unpersist()
    return with_reasons(marked, usable, number_of_copies(chosen, config.seed))


def with_reasons(marked: DataFrame, usable: Column, copies: Column) -> DataFrame:
    """The decision on each row, by what was found of it (`own`, `verdict`) and the copies in its set."""
    verdict = F.col("verdict")
    heldout = usable & ((F.col("own") & verdict.isNull()) | F.coalesce(verdict == HELDOUT, F.lit(False)))
    number = F.when(heldout, 1).when(usable & verdict.isNull(), copies).otherwise(0)
    reason = (
        F.when(F.col("reason") != "", F.col("reason"))
        .when(F.col("num_tokens") == 0, EMPTY)
        .when(number > 0, "")
        .otherwise(F.coalesce(verdict, F.lit(OVER_SHARE)))
    )
    set_name = F.when(heldout, HELDOUT).when(number > 0, F.col("set_of_source"))
    decided = marked.withColumn("copies", number.cast("int")).withColumn("set", set_name)
    return decided.withColumn("reason", reason).drop("verdict", "own", "set_of_source")


def with_copies(decided: DataFrame, config: ShardConfig) -> DataFrame:
    """The rows of the sets: each document as often as it is there, with `repetition` and `position`.

    Each pass over a source has an order of its own, and lies behind the one before in the order of the set.
    """
    numbers = F.explode(F.sequence(F.lit(0), F.col("copies") - 1)).alias("repetition")
    kept = decided.where(F.col("set").isNotNull()).select("*", numbers)
    salted = F.xxhash64("id", F.lit(config.seed), F.lit("repeat"), F.col("repetition"))
    place = F.when(F.col("repetition") == 0, position("id", config.seed)).otherwise(salted)
    repeated = sorted((name, s) for name, s in config.input.items() if s.repeat > 1)
    for name, source in repeated:
        bits = (max(int(-(-source.repeat // 1)), 2) - 1).bit_length()
        first = F.lit(-(2**63)).bitwiseXOR(F.shiftleft(F.col("repetition").cast("bigint"), 64 - bits))
        behind = F.shiftrightunsigned(place, bits).bitwiseOR(first)
        place = F.when((F.col("mix") == name) & (F.col("set") != HELDOUT), behind).otherwise(place)
    return kept.withColumn("position", place)


@dataclass(frozen=True)
class HeldoutRule:
    """Whether a document is held out by its own source: decided by its group, in large groups by itself."""

    seed: int
    cuts: Mapping[str, Cut]
    large: DataFrame  # mix, group: those with more tokens than a source holds out, a bounded number

    def mark(self, documents: DataFrame) -> DataFrame:
        """Add `own`: whether the document's own source holds it out."""
        keyed = with_units(documents, self.large, self.seed)
        return keyed.withColumn("own", taken(self.cuts, "unit", "rank")).drop("unit", "rank")


def with_units(documents: DataFrame, large: DataFrame, seed: int) -> DataFrame:
    keyed = documents.join(F.broadcast(large), ["mix", "group"], "left")
    keyed = keyed.withColumn("unit", F.when(F.col("large"), F.col("id")).otherwise(F.col("group"))).drop(
        "large"
    )
    return keyed.withColumn("rank", position("unit", seed, "heldout"))


def heldout_rule(light: DataFrame, config: ShardConfig) -> HeldoutRule:
    """Per source, whole groups in a seeded order, together at most the wanted share of tokens.

    A group with more tokens than that share is taken by document. A source of which nothing fits gives its
    shortest unit, if it has more than one.
    """
    groups = light.groupBy("mix", "group").agg(F.sum("num_tokens").alias("tokens"))
    totals = tokens_by_source(groups) if config.heldout_fraction else {}
    targets = {name: int(n * config.heldout_fraction) for name, n in totals.items()}
    over = any_of((F.col("mix") == name) & (F.col("tokens") > most) for name, most in targets.items())
    large = groups.where(over).select("mix", "group", F.lit(True).alias("large")).persist()
    if not targets:
        return HeldoutRule(config.seed, {}, large)
    of_unit = as_units(with_units(light, large, config.seed), "unit", "rank").groupBy("mix", "name", "place")
    units = of_unit.agg(F.sum("tokens").alias("tokens")).persist()
    cuts = take(units, targets)
    if without := [name for name, cut in cuts.items() if cut.is_empty]:
        shortest = F.min(F.struct("tokens", "place", "name")).alias("unit")
        mine = units.where(F.col("mix").isin(without)).groupBy("mix")
        for row in mine.agg(shortest, F.count("*").alias("n")).where("n > 1").collect():
            cuts[row["mix"]] = replace(cuts[row["mix"]], extra=(row["unit"]["name"],), is_empty=False)
    units.unpersist()
    return HeldoutRule(config.seed, cuts, large)


def held_elsewhere(marked: DataFrame, held: DataFrame) -> DataFrame:
    """Documents that another source holds out: no set sees what one source has held out."""
    ids = held.select("id").distinct()
    found = marked.where("not own").join(ids, "id")
    return found.select("record", F.lit(HELDOUT).alias("verdict"))


def within_shares(remaining: DataFrame, config: ShardConfig) -> tuple[dict[str, Share], list[DataFrame]]:
    """What is taken of each source so that each set's token shares equal the weights.

    Also the exceptions: documents of a set that an earlier one has, and that they may not share.
    """
    chosen: dict[str, Share] = {}
    other_set: list[DataFrame] = []
    weights = weights_of(config)
    for name in (name for name in _ORDER if name in weights):
        mine = remaining.where(F.col("mix").isin(sorted(weights[name])))
        earlier = [
            s for s in chosen if name == STAGE1 and (config.overlap == "none" or config.input[s].set == SFT)
        ]
        earlier += [s for s in chosen if name == STAGE2]
        if earlier:
            before = {s: chosen[s] for s in earlier}
            theirs = remaining.where(F.col("mix").isin(earlier) & (number_of_copies(before, config.seed) > 0))
            ids = theirs.select("id").distinct()
            other_set.append(mine.join(ids, "id").select("record", F.lit(OTHER_SET).alias("verdict")))
            mine = mine.join(ids, "id", "left_anti")
        chosen |= shares_of(mine, weights[name], config, config.tokens if name == STAGE1 else 0)
    return chosen, other_set


def shares_of(
    documents: DataFrame, weights: Mapping[str, float], config: ShardConfig, tokens: int
) -> dict[str, Share]:
    """Whole passes over each source, and the cut of the last one. Raises DataError for what cannot be met."""
    mine = documents.persist()
    available = tokens_by_source(mine.withColumnRenamed("num_tokens", "tokens"))
    repeat = {name: config.input[name].repeat for name in weights}
    targets = token_targets(available, weights, tokens, repeat)
    whole = {name: target // available[name] if target else 0 for name, target in targets.items()}
    placed = mine.withColumn("place", place_in_pass(whole, config.seed))
    rest = {name: target - whole[name] * available.get(name, 0) for name, target in targets.items()}
    cuts = take(as_units(placed, "id", "place"), {name: left for name, left in rest.items() if left})
    mine.unpersist()
    nothing = Cut(None, is_empty=True)
    for name, target in targets.items():
        if target and not whole[name] and cuts.get(name, nothing).is_empty:
            raise DataError(
                f"the source '{name}' gives nothing to its {target:,} tokens: each document is longer; "
                "raise tokens or its weight, or give it shorter documents."
            )
    return {name: Share(whole[name], cuts.get(name, nothing)) for name in weights}


def place_in_pass(whole: Mapping[str, int], seed: int) -> Column:
    """The place of a document in the pass behind the whole ones: each pass has an order of its own."""
    place = position("id", seed)
    for name, number in sorted(whole.items()):
        if number:
            salted = F.xxhash64("id", F.lit(seed), F.lit("repeat"), F.lit(number))
            place = F.when(F.col("mix") == name, salted).otherwise(place)
    return place


def number_of_copies(chosen: Mapping[str, Share], seed: int) -> Column:
    """How often a document is in its set, decided from its row alone."""
    number = F.lit(0)
    place = place_in_pass({name: share.whole for name, share in chosen.items()}, seed)
    for name, share in sorted(chosen.items()):
        last = (
            F.lit(0)
            if share.cut.is_empty
            else F.when(is_taken(share.cut, F.col("id"), place), 1).otherwise(0)
        )
        number = F.when(F.col("mix") == name, F.lit(share.whole) + last).otherwise(number)
    return number


def look_up(documents: DataFrame, exceptions: DataFrame) -> DataFrame:
    """Add `verdict`; a table of exceptions that is small goes to every executor, and no text is moved."""
    found = exceptions.groupBy("record").agg(F.min("verdict").alias("verdict")).persist()
    small = found.limit(LOOKED_UP + 1).count() <= LOOKED_UP
    return documents.join(F.broadcast(found) if small else found, "record", "left")
