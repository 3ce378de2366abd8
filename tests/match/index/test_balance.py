import numpy as np
import pytest

from corpus.match.index.balance import NEAR, REPRESENTED, USED, choose, leaders


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def groups(sizes: list[int], noise: float, width: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around as many centres, shuffled, and the group of each."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(len(sizes), width)))
    of = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return unit(centres[of] + noise / np.sqrt(width) * rng.normal(size=(len(of), width))), of


@pytest.mark.parametrize("count", [1, 5, 1024, 2100])
def test_near_duplicates_follow_the_first_of_them(count):
    rng = np.random.default_rng(1)
    vectors = unit(rng.normal(size=(count, 24)))
    vectors[count // 2 :] = vectors[: count - count // 2]
    found = leaders(vectors, 0.97)
    alike = vectors @ vectors.T >= 0.97
    expected = np.arange(count)
    for row in range(count):  # by its definition: one row after the other
        before = [at for at in range(row) if expected[at] == at and alike[row, at]]
        expected[row] = before[0] if before else row
    assert np.array_equal(found, expected)


def test_each_cluster_keeps_a_medoid_however_large_one_of_them_is():
    vectors, of = groups([4000, 40, 40, 40], noise=0.4)
    by, roles, stands_for = choose(vectors, np.ones(len(vectors), np.int64), 12, near=1.01)
    used = np.flatnonzero(roles == USED)
    assert len(used) <= 12 and set(of[used]) == {0, 1, 2, 3}
    assert np.array_equal(of[by], of)
    assert stands_for.sum() == len(vectors) and np.array_equal(np.flatnonzero(stands_for), used)


def test_roles_say_who_stands_for_whom():
    vectors, _ = groups([200, 200], noise=0.5)
    vectors[1] = vectors[0]
    by, roles, stands_for = choose(vectors, np.ones(400, np.int64), 10, near=0.99)
    assert roles[1] == NEAR and by[1] == by[0]
    assert {*roles} == {USED, NEAR, REPRESENTED}
    assert all(roles[row] == USED and by[row] == row for row in by)
    assert np.array_equal(np.bincount(by, minlength=400), stands_for)


def test_few_seeds_are_all_used_and_weights_are_carried():
    vectors, _ = groups([1] * 6, noise=0.0)
    _, roles, stands_for = choose(vectors, np.arange(1, 7), 6, near=0.99)
    assert set(roles) == {USED} and stands_for.tolist() == [1, 2, 3, 4, 5, 6]


def test_the_same_rows_give_the_same_choice():
    vectors, _ = groups([500, 300], noise=0.6)
    weights = np.ones(800, np.int64)
    one, other = choose(vectors, weights, 20, 0.98), choose(vectors.copy(), weights, 20, 0.98)
    assert all(np.array_equal(a, b) for a, b in zip(one, other))
