"""Sources of any format as one DataFrame with the columns of a shard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.shards.sources import DOCUMENT_COLUMNS, Location, without_text

_TYPES = {"agent_score": "float"}
_CORRUPT = "_corrupt_record"


def read_documents(spark: SparkSession, locations: Mapping[str, Sequence[Location]]) -> DataFrame:
    """All sources; beside the shard columns: `mix` (name of the source), `group`, `malformed`."""
    frames = [
        as_documents(read(spark, place), name) for name, places in locations.items() for place in places
    ]
    return reduce(DataFrame.unionByName, frames)


def read(spark: SparkSession, place: Location) -> DataFrame:
    """One location as it is. Lines that are no JSON are rows with the line in `_corrupt_record`."""
    files = [storage.spark_path(file) for file in place.files]
    if place.format == "parquet":
        df = spark.read.parquet(*files)
    else:
        df = spark.read.option("mode", "PERMISSIVE").option("columnNameOfCorruptRecord", _CORRUPT).json(files)
    if "text" not in df.columns:
        raise UserError(without_text(place.files[0], [name for name in df.columns if name != _CORRUPT]))
    return df


def as_documents(df: DataFrame, name: str) -> DataFrame:
    """Bring any frame with a text column to the shard columns; missing ones are null, a missing id a hash.

    `group` is what is held out together: the host, the file within the source, the address, or the document.
    """

    def column(key: str) -> Column:
        kind = _TYPES.get(key, "string")
        return F.col(key).cast(kind) if key in df.columns else F.lit(None).cast(kind)

    source = F.coalesce(column("source"), F.lit(name))
    path = F.when(column("path").isNotNull(), F.concat_ws(":", source, column("path")))
    made = F.md5(F.concat_ws("\n", source, column("url"), F.col("text").cast("string"), column(_CORRUPT)))
    identity = F.coalesce(column("id"), made)
    group = F.coalesce(column("host"), path, column("url"), identity)
    malformed = column(_CORRUPT).isNotNull()
    text = F.when(malformed, "").otherwise(F.coalesce(F.col("text").cast("string"), F.lit("")))
    columns = {key: column(key) for key in DOCUMENT_COLUMNS} | {
        "id": identity,
        "source": source,
        "text": text,
    }
    beside = {"mix": F.lit(name), "group": group, "malformed": malformed}
    return df.select(*[found.alias(key) for key, found in (columns | beside).items()])
