"""Vectors in two dimensions, for a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.engine.errors import UserError

TSNE, UMAP, PCA = "tsne", "umap", "pca"
METHODS = (TSNE, UMAP, PCA)
_PERPLEXITY, _NEIGHBOURS, _LEAST = 30.0, 15, 12  # below so many points only the plane makes sense
Plane = npt.NDArray[np.float64]


def project(vectors: npt.NDArray[np.float32], method: str, seed: int = 0) -> Plane:
    """Coordinates [rows, 2], rounded. The same vectors give the same picture on one machine.

    Raises UserError where the method's package is missing.
    """
    if method == PCA or len(vectors) < _LEAST:
        return principal_plane(vectors)
    found = _tsne(vectors, seed) if method == TSNE else _umap(vectors, seed)
    plane: Plane = np.asarray(found, np.float64).round(4) + 0.0
    return plane


def principal_plane(vectors: npt.NDArray[np.float32]) -> Plane:
    """Coordinates on the first two principal components.

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


def _tsne(vectors: npt.NDArray[np.float32], seed: int) -> Any:
    """Started from the plane, which keeps what is far apart (Kobak and Berens, 2019)."""
    try:
        from sklearn import manifold
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError("map_method=tsne needs scikit-learn; install it, or set map_method=pca.") from error
    start = principal_plane(vectors)
    start = start / max(float(start[:, 0].std()), 1e-9) * 1e-4
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    model = manifold.TSNE(
        n_components=2, init=start.astype(np.float32), perplexity=perplexity, random_state=seed
    )
    with threadpool_limits(limits=1):  # sums over threads would depend on how many there are
        return model.fit_transform(vectors.astype(np.float32))


def _umap(vectors: npt.NDArray[np.float32], seed: int) -> Any:
    try:
        import umap  # type: ignore[import-untyped]
    except ImportError as error:
        raise UserError("map_method=umap needs umap-learn; install it, or set map_method=tsne.") from error
    neighbours = min(_NEIGHBOURS, len(vectors) - 1)
    model = umap.UMAP(n_components=2, metric="cosine", n_neighbors=neighbours, random_state=seed, n_jobs=1)
    return model.fit_transform(vectors)
