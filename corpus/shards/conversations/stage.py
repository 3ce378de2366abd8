"""Lengths of conversations under the tokenizer's chat template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from corpus.shards.config import SFT, ShardConfig
from corpus.shards.conversations.render import REFUSED, token_counter


def count_conversations(tokenised: DataFrame, folder: str, config: ShardConfig) -> DataFrame:
    """`num_tokens` of conversations as the chat template of the tokenizer in `folder` writes them.

    Without a template the count of the plain form stays. A conversation that the template refuses (some take
    no system turn, or one call at a time) gets 0 tokens and its reason.
    """
    names = sorted(name for name, source in config.input.items() if source.set == SFT)
    if not names or token_counter(folder) is None:
        return tokenised
    columns = tokenised.columns

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = zip(*(batch.column(key).to_pylist() for key in ("messages", "tools", "reason")))
            found = [length(*row) for row in rows]
            arrays = dict(zip(columns, batch.columns))
            arrays["num_tokens"] = pa.array([tokens for tokens, _ in found], pa.int32())
            arrays["reason"] = pa.array([reason for _, reason in found], pa.string())
            yield pa.RecordBatch.from_arrays([arrays[key] for key in columns], names=columns)

    def length(messages: Any, tools: str | None, reason: str) -> tuple[int, str]:
        counter = token_counter(folder)
        if reason or counter is None:
            return 0, reason
        tokens = counter(messages, tools)
        return (0, REFUSED) if tokens is None else (tokens, "")

    mine = tokenised.where(F.col("mix").isin(names)).mapInArrow(count, tokenised.schema)
    return tokenised.where(~F.col("mix").isin(names)).unionByName(mine)
