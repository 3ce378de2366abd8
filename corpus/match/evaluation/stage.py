"""Spark's part of calibration: general pages to hold against the seeds, labelled pages to the driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from corpus.engine.errors import UserError
from corpus.engine.stage import read_table, stage_input
from corpus.match.config import MatchConfig
from corpus.match.evaluation.labelled import Fitted, evaluate
from corpus.match.evaluation.labels import known_pages
from corpus.match.index.exact import Vectors
from corpus.match.neardup.cells import unpack
from corpus.match.select.background import LEAST_GENERAL, backgrounds
from corpus.match.select.combine import NAMES, PACKAGED, Weights
from corpus.relevance.labels import Label, identities, merge, read_file

_GRAIN = 1000  # steps of agent_score in which the lower half is found
_PREVALENCE = 0.01  # of wanted pages on the web


@dataclass(frozen=True)
class General:
    """Pages that seeds are held against. `background` [2, seeds]: see corpus.match.select.features.Judge."""

    vectors: Vectors
    background: npt.NDArray[np.float32]


def general_pages(fair: DataFrame, seeds: npt.NDArray[np.float16], most: int) -> General:
    """`fair`: id, vector, agent_score, side of a fair sample. Drawn by a hash from the half with the lower
    scores. Where no page has a score, none is known to be general, as in corpus.match.coarse.shortlist.
    """
    there = fair.where("vector is not null and agent_score is not null")
    step = F.floor(F.col("agent_score") * _GRAIN).alias("step")
    counts = sorted((row["step"], row["count"]) for row in there.groupBy(step).count().collect())
    limit, above = -1, sum(count for _, count in counts) / 2
    for value, count in counts:
        limit, above = value, above - count
        if above <= 0:
            break
    low = there.where(step <= limit)
    drawn = (
        low.orderBy(F.xxhash64("id"), "id").limit(most).select("vector", "side").toArrow() if most else None
    )
    if drawn is None or not drawn.num_rows:
        return General(np.empty((0, seeds.shape[1]), np.float32), np.zeros((2, len(seeds)), np.float32))
    vectors = unpack(drawn.column("vector").to_pylist())
    side = drawn.column("side").to_numpy()
    # those of one side for the pages of the other; where one side has too few, all for both
    halves = [vectors[side != number] for number in (0, 1)]
    if min(len(half) for half in halves) < LEAST_GENERAL:
        halves = [vectors, vectors]
    return General(vectors, np.stack([backgrounds(seeds, half) for half in halves]))


def labels_of(config: MatchConfig) -> dict[str, Label] | None:
    """Raises UserError for a file that is not as it must be."""
    return merge([read_file(path) for path in config.labels])[0] if config.labels else None


def labels_inputs(config: MatchConfig) -> list[dict[str, Any]]:
    """The labels and the classifier's scores as inputs of the stage."""
    found: list[dict[str, Any]] = list(identities(config.labels)) if config.labels else []
    if config.classifier:
        if not config.labels:
            raise UserError(
                "classifier= is for measuring on labelled pages; give labels= as well, or leave it out."
            )
        found.append(stage_input(config.classifier, "scores"))
    return found


def fit_labels(rows: DataFrame, labels: Mapping[str, Label], config: MatchConfig) -> Fitted | None:
    """Weights, threshold and figures from the labelled pages of `rows` (url, host, scores and NAMES).

    None where they are too few to leave sites out.
    """
    spark = rows.sparkSession
    wanted = spark.createDataFrame(pa.table({"url": sorted(labels)}))
    found = rows.where("coarse_score is not null or match_score is not null").join(wanted, "url", "left_semi")
    given = Weights.of(config.weights) if config.weights else None
    known = known_pages(
        found.select("id", "url", "host", *NAMES).toArrow(),
        labels,
        _held_out(spark, config),
        mixed_genres=config.mixed_genres,
        folds=config.folds,
        max_per_site=config.max_per_site,
    )
    if not known.usable:
        return None
    return evaluate(
        known, host=config.host_weight, target_fpr=config.target_fpr, given=given, prevalence=_PREVALENCE
    )


def default_weights(config: MatchConfig, lacking: list[str]) -> Weights:
    return (Weights.of(config.weights) if config.weights else PACKAGED).for_pages(lacking)


def wanted_margins(rows: DataFrame, labels: Mapping[str, Label]) -> tuple[list[str], npt.NDArray[np.float64]]:
    """(kinds, margins) of the labelled pages that are wanted; `rows`: url, match_kind, match_margin."""
    wanted = sorted(url for url, label in labels.items() if label.label == "agent")
    named = rows.sparkSession.createDataFrame(pa.table({"url": pa.array(wanted, pa.string())}))
    found = rows.where("match_margin is not null").join(named, "url", "left_semi")
    table = found.select("match_kind", "match_margin").toArrow()
    return table.column(0).to_pylist(), table.column(1).to_numpy().astype(np.float64)


def _held_out(spark: SparkSession, config: MatchConfig) -> dict[str, tuple[float, float | None, int]] | None:
    if not config.classifier:
        return None
    table = read_table(spark, config.classifier, "scores").select(
        "url", "agent_score", "second_score", "fold"
    )
    return {row[0]: (float(row[1]), row[2], int(row[3])) for row in table.collect()}
