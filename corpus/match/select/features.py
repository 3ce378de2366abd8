"""What is known of each page, from its hits: the seed that it resembles most, and its features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from corpus.match.select.combine import CLASSIFIERS, NAMES
from corpus.relevance.second import logistic

Batches = Iterator[pa.RecordBatch]
_REAL, _INT = pa.float32(), pa.int32()
# SCORED of corpus.match.score and what the pages bring: scores of classifiers (null where there is none) and
# `side`, 0 or 1 by a hash of the host.
GIVEN = ("id", "nearest", "agent_score", "second_score", "side")
JUDGED = pa.schema(
    [
        ("id", pa.string()),
        ("seed_row", _INT),
        ("match_score", _REAL),
        ("match_margin", _REAL),
        ("match_chunk", _INT),
        *((name, pa.float64()) for name in NAMES),
    ]
)


@dataclass(frozen=True)
class Judge:
    """`background` [2, seeds]: row s for pages of side s, measured on hosts of the other side, so that no
    page is held against itself.
    """

    background: npt.NDArray[np.float32]

    def __call__(self, batches: Batches) -> Batches:
        """GIVEN to JUDGED. Pages without hits have the scores of the classifiers and nulls."""
        for batch in batches:
            count = pc.fill_null(pc.list_value_length(batch.column("nearest")), 0).to_numpy(
                zero_copy_only=False
            )
            there, rest = np.flatnonzero(count > 0), np.flatnonzero(count == 0)
            if len(there):
                yield self._judge(batch.take(pa.array(there)))
            if len(rest):
                yield self._without_hits(batch.take(pa.array(rest)))

    def _judge(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        hits = batch.column("nearest")
        counts = pc.list_value_length(hits).to_numpy(zero_copy_only=False)
        flat = hits.flatten()
        rows, scores, chunks = (np.asarray(flat.field(name)) for name in ("seed_row", "score", "chunk"))
        page = np.repeat(np.arange(len(counts)), counts)
        side = np.asarray(batch.column("side"))
        margins = scores - self.background[side[page], rows]
        # highest margin first within each page; of equals the higher cosine, then the lower row
        order = np.lexsort((rows, -scores, -margins, page))
        best = order[np.cumsum(counts) - counts]
        numbers = [*_given(batch), scores[best].astype(np.float64), margins[best].astype(np.float64)]
        arrays = [
            batch.column("id"),
            pa.array(rows[best], _INT),
            pa.array(scores[best], _REAL),
            pa.array(margins[best], _REAL),
            pa.array(chunks[best], _INT),
            *(pa.array(column.round(6)) for column in numbers),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=JUDGED)

    def _without_hits(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = dict(zip(("id", *CLASSIFIERS), [batch.column("id"), *map(pa.array, _given(batch))]))
        arrays = [columns.get(field.name, pa.nulls(batch.num_rows, field.type)) for field in JUDGED]
        return pa.RecordBatch.from_arrays(arrays, schema=JUDGED)


def _given(batch: pa.RecordBatch) -> list[npt.NDArray[np.float64]]:
    return [_logits(batch, name).round(6) for name in ("agent_score", "second_score")]


def _logits(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """0 for a page that lacks the score: it says nothing either way."""
    column = batch.column(name)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    found: npt.NDArray[np.float64] = np.where(missing, 0.0, logistic.logits(column.fill_null(0.5).to_numpy()))
    return found
