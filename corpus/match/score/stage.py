"""Pages on DataFrames: to their nearest seeds, with a coarse pass before the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.stage import SCRATCH, Stage, read_table
from corpus.match.config import MatchConfig
from corpus.match.encoding.encoder import EncoderSettings
from corpus.match.encoding.texts import reach
from corpus.match.index.stage import tasks
from corpus.match.score import batches
from corpus.match.score.batches import WORK, Coarse, Scoring
from corpus.match.score.coarse import Learned, Sample, learn
from corpus.match.score.schema import EMBEDDINGS, SCORED
from corpus.match.score.settings import identity, resolved

_GRAIN = 1 << 20  # steps in which the share of the sample is drawn


@dataclass(frozen=True)
class Scores:
    """SCORED, a row for each page; those of a fair sample of the pages, all of them encoded that have text;
    EMBEDDINGS of the encoded ones; and what was measured.
    """

    rows: DataFrame
    fair: DataFrame
    embeddings: DataFrame
    facts: dict[str, Any]


def score(pages: DataFrame, config: MatchConfig, stage: Stage, threads: int) -> Scores:
    """The nearest seeds of each page (id, url, text; title and agent_score where there are such columns).

    The index must have been built in the folder of the stage. Raises UserError for `embeddings` that do not
    fit.
    """
    encoder = resolved(config, threads)
    scoring = Scoring(encoder, stage.folder, config.max_chunks, config.seeds_per_page)
    narrow = pages.select(
        "id",
        "url",
        F.xxhash64("text", or_null(pages, "title", "string")).alias("text_hash"),  # both are encoded
        or_null(pages, "title", "string"),
        or_null(pages, "agent_score", "double"),
        F.substring("text", 1, reach(config.max_tokens, config.max_chunks)).alias("text"),
    )
    made: list[DataFrame] = []
    facts: dict[str, Any] = {}
    if config.embeddings:
        known = stage.scratch(_known(narrow, config, encoder), "known_pieces")
        found = known.repartition(tasks(pages, stage.parts), "id").mapInArrow(
            batches.score_known(scoring), from_arrow_schema(WORK)
        )
        made.append(stage.scratch(found, "scored_known"))
        narrow = narrow.join(known.select("id"), "id", "left_anti")
        facts["embeddings_taken"] = made[0].count()
    work, drawn, measured = _encoded(narrow, config, stage, scoring)
    everything = reduce(DataFrame.unionByName, [*made, *work])
    embeddings = everything.where("pieces is not null").select(
        "id", "text_hash", F.explode("pieces").alias("p")
    )
    columns = [name if name in ("id", "text_hash") else f"p.{name}" for name in EMBEDDINGS.names]
    rows = everything.select(*SCORED.names)
    fair = rows if drawn is None else rows.where(drawn)  # what the coarse pass let through is no fair sample
    return Scores(rows, fair, embeddings.select(*columns), facts | measured)


def _encoded(
    narrow: DataFrame, config: MatchConfig, stage: Stage, scoring: Scoring
) -> tuple[list[DataFrame], Column | None, dict[str, Any]]:
    """WORK of all pages in disjoint tables, which ids were drawn (None: all), and what the coarse pass lost.

    A sample is encoded in full; from it the coarse pass learns, and on it its loss is measured.
    """
    count = narrow.count() if config.coarse_sample else 0
    wanted = min(config.coarse_sample, count // 10)
    if wanted < Sample.FEWEST:
        why = "coarse_sample=0" if not config.coarse_sample else f"{count} pages are too few"
        return [_run(narrow, scoring, stage, "scored")], None, {"coarse": {"encoded_all": why}}
    steps = max(int(wanted / count * _GRAIN), 1)
    drawn = F.pmod(F.xxhash64("id", F.lit(_GRAIN)), F.lit(_GRAIN)) < steps
    sample, rest = _run(narrow.where(drawn), scoring, stage, "scored_sample"), narrow.where(~drawn)
    table = _sample(narrow.where(drawn), sample)
    if table.num_rows < Sample.FEWEST // 2:
        why = f"only {table.num_rows} pages of the sample have text"
        return [sample, _run(rest, scoring, stage, "scored")], None, {"coarse": {"encoded_all": why}}
    learned = learn(table, config, scoring, storage.join(stage.folder, SCRATCH))
    parts, facts = _shortlisted(
        rest, learned, scoring, stage, rate=steps / _GRAIN, most_lost=config.coarse_loss
    )
    work = [stage.scratch(_with_guess(sample, learned.coarse), "scored_sample_guessed"), *parts]
    encoded = sum(df.where("shortlisted").count() for df in work)
    facts |= {"pages": count, "encoded": encoded, "share_encoded": round(encoded / count, 4)}
    return work, drawn, {"coarse": learned.facts | facts}


def _shortlisted(
    rest: DataFrame, learned: Learned, scoring: Scoring, stage: Stage, *, rate: float, most_lost: float
) -> tuple[list[DataFrame], dict[str, Any]]:
    """WORK of the pages outside the sample; more are encoded until no more than `most_lost` are lost."""
    parts: list[DataFrame] = []
    found = 0
    for number, threshold in enumerate(learned.thresholds):
        coarse = Coarse(learned.folder, learned.sha256, threshold.least)
        part = _run(rest, replace(scoring, coarse=coarse), stage, f"scored_{number}")
        found += part.where("selected").count()
        lost = learned.loss(threshold, rate, found)
        if lost <= most_lost or number + 1 == len(learned.thresholds):
            parts.append(part)
            break
        left = "not shortlisted and coarse_score is not null"
        parts.append(part.where(f"not ({left})"))
        rest = rest.join(part.where(left).select("id"), "id", "left_semi")
    return parts, {
        "sample": learned.pages,
        "least_score": round(threshold.least, 4),
        "loss": round(lost, 4),
        "widened": number,
    }


def _run(df: DataFrame, scoring: Scoring, stage: Stage, name: str) -> DataFrame:
    spread = df.drop("agent_score").repartition(tasks(df, stage.parts), "id")
    return stage.scratch(spread.mapInArrow(batches.score_pages(scoring), from_arrow_schema(WORK)), name)


def _sample(narrow: DataFrame, sample: DataFrame) -> pa.Table:
    """What the driver learns from: as many pages as `coarse_sample` allows."""
    there = sample.where("pieces is not null").select("id", "pieces", "nearest")
    return narrow.select("id", "title", "text", "agent_score").join(there, "id").orderBy("id").toArrow()


def _with_guess(sample: DataFrame, coarse: Mapping[str, float]) -> DataFrame:
    """The sample with what the coarse pass says of its pages, had it not seen them."""
    table = pa.table({"id": list(coarse), "guess": pa.array(coarse.values(), pa.float32())})
    known = sample.sparkSession.createDataFrame(table)
    joined = sample.drop("coarse_score").join(F.broadcast(known), "id", "left")
    return joined.withColumnRenamed("guess", "coarse_score").select(*WORK.names)


def _known(narrow: DataFrame, config: MatchConfig, encoder: EncoderSettings) -> DataFrame:
    """(id, url, text_hash, pieces) of the pages whose text an earlier run encoded with this encoder."""
    wanted = identity(encoder, config)
    frames = []
    for folder in config.embeddings:
        there = manifest.read(folder).facts.get("encoder")
        if there != wanted:
            raise UserError(
                f"the embeddings in {storage.redact(folder)} were made with another encoder, length or "
                "number of chunks; leave them out of embeddings=."
            )
        frames.append(read_table(narrow.sparkSession, folder, "embeddings"))
    stored = reduce(DataFrame.unionByName, frames).dropDuplicates(["id", "text_hash", "chunk"])
    piece = F.struct(*(name for name in EMBEDDINGS.names if name not in ("id", "text_hash")))
    pieces = stored.groupBy("id", "text_hash").agg(F.sort_array(F.collect_list(piece)).alias("pieces"))
    return narrow.select("id", "url", "text_hash").join(pieces, ["id", "text_hash"])


def or_null(df: DataFrame, name: str, kind: str) -> Column:
    return (F.col(name) if name in df.columns else F.lit(None)).cast(kind).alias(name)
