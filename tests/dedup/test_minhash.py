import math

import numpy as np
import pytest
from datasketch import MinHash

from corpus.dedup.minhash import Banding, MinHasher

RANDOM = np.random.default_rng(7)


def pair(size: int, similarity: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Two random sets whose union has `size` elements, and their exact Jaccard similarity."""
    union = np.unique(RANDOM.integers(0, 1 << 63, size).astype(np.uint64) * np.uint64(2654435761))
    both = round(similarity * len(union))
    rest = RANDOM.permutation(union[both:])
    half = len(rest) // 2
    return (
        np.sort(np.append(union[:both], rest[:half])),
        np.sort(np.append(union[:both], rest[half:])),
        both / len(union),
    )


def test_bands_and_rows_reach_the_wanted_recall_with_few_false_candidates():
    for threshold in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0):
        for recall in (0.9, 0.99, 0.999):
            banding = Banding.derive(threshold, recall)
            assert banding.chance(threshold) >= recall
            assert banding.permutations <= 512
    assert Banding.derive(0.8, 0.99) == Banding(bands=16, rows=6)


@pytest.mark.parametrize("similarity", [0.5, 0.65, 0.8, 0.9])
@pytest.mark.parametrize("size", [40, 400])
def test_pairs_meet_as_often_as_the_curve_says(similarity, size):
    banding, trials = Banding(16, 6), 400
    met, expected, variance = 0, 0.0, 0.0
    for trial in range(trials):
        a, b, exact = pair(size, similarity)
        hasher = MinHasher(banding, trial)
        met += bool(np.any(hasher.bands(a) == hasher.bands(b)))
        chance = banding.chance(exact)
        expected, variance = expected + chance, variance + chance * (1 - chance)
    assert abs(met - expected) <= 4 * math.sqrt(variance) + 1


def test_estimates_are_as_good_as_those_of_datasketch():
    ours, theirs, trials, permutations = [], [], 150, 128
    for trial in range(trials):
        a, b, exact = pair(200, 0.7)
        hasher = MinHasher(Banding(16, 8), trial)
        ours.append(float(np.mean(hasher.signature(a) == hasher.signature(b))) - exact)
        reference = [MinHash(num_perm=permutations, seed=trial) for _ in range(2)]
        for sketch, values in zip(reference, (a, b)):
            sketch.update_batch([value.tobytes() for value in values])
        theirs.append(reference[0].jaccard(reference[1]) - exact)
    noise = math.sqrt(0.7 * 0.3 / permutations)
    assert abs(np.mean(ours)) < 4 * noise / math.sqrt(trials)
    assert abs(np.mean(ours) - np.mean(theirs)) < 6 * noise / math.sqrt(trials)
    assert 0.75 < np.std(ours) / noise < 1.25
    assert 0.75 < np.std(theirs) / noise < 1.25


def test_the_signature_is_the_minimum_whatever_the_block():
    shingles = np.unique(RANDOM.integers(0, 1 << 62, 5000).astype(np.uint64))
    hasher = MinHasher(Banding(4, 4), 3)
    parts = [hasher.signature(part) for part in np.array_split(shingles, 7)]
    assert np.array_equal(hasher.signature(shingles), np.min(parts, axis=0))


def test_equal_values_in_different_bands_are_different_buckets():
    bands = MinHasher(Banding(32, 1), 0).bands(np.array([5], np.uint64))
    assert len(set(bands.tolist())) == 32


def test_hashes_are_the_same_on_every_machine():
    assert MinHasher(Banding(2, 2), 1).bands(np.array([1, 2, 3], np.uint64)).tolist() == PINNED


PINNED = [901055472768529551, -6928755279895727365]
