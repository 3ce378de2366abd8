"""Vectors in two dimensions, for a picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def principal_plane(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Coordinates [rows, 2] on the first two principal components, rounded to 4 places.

    The sign of a component is free; it is set so that the largest coordinate in absolute value is positive.
    """
    if not len(vectors):
        return np.empty((0, 2))
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(vectors), 2))
    found = centred @ components[:2].T
    plane[:, : found.shape[1]] = found
    largest = plane[np.abs(plane).argmax(axis=0), (0, 1)]
    return (plane * np.where(largest < 0, -1.0, 1.0)).round(4) + 0.0
