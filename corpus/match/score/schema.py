"""The columns that scoring gives: what the rest of the stage is written against."""

from __future__ import annotations

import pyarrow as pa

_TEXT, _REAL, _INT, _BYTES = pa.string(), pa.float32(), pa.int32(), pa.binary()

# One hit of a page: the row of the seed in SEED_ROWS, the cosine of the page's best chunk with it, and which
# chunk.
HIT = pa.struct([("seed_row", _INT), ("score", _REAL), ("chunk", _INT)])

# One row for each page that came in. `nearest` is sorted by score, highest first, of equals the lower
# seed_row first; each seed is named once. It is null where the page was not shortlisted or has no text, and
# so are the columns behind it: start and end (characters of `text`) and vector (float16, unit length) of the
# best chunk. `coarse_score`: how far the coarse pass guesses the page's best hit to lie above what selection
# asks of that seed; null without a coarse pass, for a page without text and for one whose embedding was taken
# from an earlier run.
SCORED = pa.schema(
    [
        ("id", _TEXT),
        ("url", _TEXT),
        ("coarse_score", _REAL),
        ("shortlisted", pa.bool_()),
        ("nearest", pa.list_(HIT)),
        ("chunk_start", _INT),
        ("chunk_end", _INT),
        ("vector", _BYTES),
    ]
)

# Every encoded chunk of every encoded page. Chunk 0 is the start of the text; sorted by (id, chunk).
# `text_hash` is Spark's xxhash64 of text and title, which are encoded together: the vectors of a page where
# one of them has changed are not taken for its own.
EMBEDDINGS = pa.schema(
    [
        ("id", _TEXT),
        ("chunk", _INT),
        ("start", _INT),
        ("end", _INT),
        ("text_hash", pa.int64()),
        ("vector", _BYTES),
    ]
)

# The seeds of the index, in the order of `seed_row` (0, 1, 2, ...): `index/seeds.parquet`.
# `stands_for`: how many seeds of the input it represents, itself among them.
SEED_ROWS = pa.schema(
    [
        ("seed_row", _INT),
        ("seed_id", _TEXT),
        ("source", _TEXT),
        ("kind", _TEXT),
        ("title", _TEXT),
        ("stands_for", _INT),
    ]
)

# What became of every seed of the input. role: used | empty | same_text | near | represented (by a medoid of
# its source and kind). `seed_row`: the seed of the index that stands for it, null for an empty one.
SEED_ROLES = pa.schema(
    [("seed_id", _TEXT), ("source", _TEXT), ("kind", _TEXT), ("role", _TEXT), ("seed_row", _INT)]
)
