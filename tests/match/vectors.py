"""Planted unit vectors for tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


def unit(vectors: npt.ArrayLike) -> Vectors:
    """Rows of length 1, as they are after they were stored as float16."""
    rows = np.atleast_2d(np.asarray(vectors, np.float64))
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def around(centre: npt.ArrayLike, count: int, spread: float, random: np.random.Generator) -> Vectors:
    """`count` unit vectors near to a direction."""
    middle = np.asarray(centre, np.float64)
    return unit(middle + spread * random.standard_normal((count, len(middle))) / np.sqrt(len(middle)))
