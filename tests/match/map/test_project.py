"""Promises about the map."""

import numpy as np
import pyarrow as pa
import pytest

from corpus.match.map.points import map_points, nearest_similarity, spread
from corpus.match.map.project import principal_plane, project
from tests.match.vectors import around, unit


def groups() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.concatenate([around(random.standard_normal(24), 30, 0.4, random) for _ in range(3)])


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_the_same_vectors_give_the_same_picture_in_which_groups_stay_together(method):
    if method == "tsne":
        pytest.importorskip("sklearn")
    vectors = groups()
    plane = project(vectors, method)
    assert (plane == project(vectors, method)).all() and np.isfinite(plane).all()
    centres = plane.reshape(3, 30, 2).mean(axis=1)
    nearest = np.linalg.norm(plane[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == np.repeat(np.arange(3), 30)).mean() > 0.95


def test_the_plane_keeps_the_widest_directions_whatever_the_sign():
    points = np.random.default_rng(1).normal(size=(200, 12)) * np.array([9, 5, *[0.1] * 10])
    plane = principal_plane(points.astype(np.float32))
    assert np.std(plane, axis=0) == pytest.approx(np.std(points, axis=0)[:2], rel=0.05)
    assert np.array_equal(np.abs(principal_plane(-points.astype(np.float32))), np.abs(plane))
    assert np.all(plane[np.abs(plane).argmax(axis=0), [0, 1]] > 0)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_points_have_a_place_too(count):
    assert project(groups()[:count], "tsne").shape == (count, 2)


def test_a_seed_is_not_its_own_nearest_seed():
    seeds = unit([[1, 0], [0.8, 0.6], [0, 1]]).astype(np.float16)
    found = nearest_similarity(seeds.astype(np.float32), seeds, np.array([0, 1, 2]))
    assert found == pytest.approx([0.8, 0.8, 0.6], abs=1e-3)
    assert np.isnan(nearest_similarity(seeds[:1].astype(np.float32), seeds[:1], np.array([0]))).all()


def test_a_sample_is_spread_over_all_rows():
    assert spread(0, 5) == [] and spread(3, 5) == [0, 1, 2]
    taken = spread(1000, 10)
    assert len(taken) == 10 and taken[0] == 0 and taken[-1] == 999


def test_the_map_holds_seeds_and_pages_with_their_similarity():
    vectors = groups()
    seeds = pa.table({"seed_id": [f"s{n}" for n in range(30)], "source": ["x"] * 30})
    blobs = [v.astype(np.float16).tobytes() for v in vectors[30:]]
    ids = [f"p{n}" for n in range(60)]
    pages = pa.table(
        {"id": ids, "group": ["kept"] * 30 + ["general"] * 30, "source": [None] * 60, "vector": blobs}
    )
    found = map_points(seeds, vectors[:30].astype(np.float16), pages, 10, "pca")
    assert found["group"].to_pylist() == ["general"] * 30 + ["kept"] * 30 + ["seed"] * 10
    cosines = vectors[30:].astype(float) @ vectors[:30].T.astype(float)
    told = dict(zip(found["id"].to_pylist(), found["nearest_seed_similarity"].to_pylist()))
    assert [told[name] for name in ids] == pytest.approx(cosines.max(axis=1).tolist(), abs=2e-3)


def test_no_pages_leave_a_map_of_seeds():
    vectors = groups()[:20]
    seeds = pa.table({"seed_id": [f"s{n}" for n in range(20)], "source": ["x"] * 20})
    columns = [("id", pa.string()), ("group", pa.string()), ("source", pa.string()), ("vector", pa.binary())]
    nothing = pa.table({name: pa.array([], kind) for name, kind in columns})
    assert map_points(seeds, vectors.astype(np.float16), nothing, 8, "tsne").num_rows == 8
