"""Balance on Arrow tables: of the seeds of one source and kind those that stand for the rest."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpus.match.index.balance import choose

# One row for each seed with a vector. `seed_id` is represented by `by`; `stands_for` is 0 where that is
# another.
CHOSEN = pa.schema(
    [("seed_id", pa.string()), ("by", pa.string()), ("role", pa.string()), ("stands_for", pa.int64())]
)


def chosen(table: pa.Table, near: float) -> pa.Table:
    """`table`: seed_id, vector, weight, most (the same in all rows). Rows come in any order."""
    table = table.sort_by("seed_id")
    ids = table.column("seed_id").to_pylist()
    vectors = np.stack([np.frombuffer(vector, np.float16) for vector in table.column("vector").to_pylist()])
    weights = table.column("weight").to_numpy().astype(np.int64)
    by, roles, stands_for = choose(
        vectors.astype(np.float32), weights, int(table.column("most")[0].as_py()), near
    )
    columns = [ids, [ids[row] for row in by], roles.tolist(), stands_for]
    return pa.Table.from_arrays([pa.array(column) for column in columns], names=CHOSEN.names).cast(CHOSEN)
