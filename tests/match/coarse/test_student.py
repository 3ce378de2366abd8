import numpy as np
import pytest

from corpus.match.coarse.student import Student, teach, unit


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Static vectors, and an encoder that bends and turns them."""
    rng = np.random.default_rng(seed)
    turn = np.random.default_rng(0).normal(size=(12, 20))
    static = unit(rng.normal(size=(count, 12)).astype(np.float32))
    return static, unit(np.tanh(2 * static @ turn).astype(np.float32))


def test_a_student_guesses_what_it_has_not_seen_better_the_more_it_was_taught():
    static, encoded = pairs(400, 5)
    agreement = []
    for count in (50, 1500):
        student, _ = teach(*pairs(count, 1))
        agreement.append(float((student.vectors(static) * encoded).sum(axis=1).mean()))
    assert 0.5 < agreement[0] < agreement[1] > 0.95


def test_leaving_one_out_equals_teaching_without_it():
    static, encoded = pairs(60, 2)
    _, without = teach(static, encoded)
    mean = encoded.mean(axis=0)
    for at in (0, 17, 59):
        rest = np.arange(60) != at
        # the same centre as with all texts: it is no part of what is left out
        kernel = np.exp(-((static[rest][:, None] - static[rest][None]) ** 2).sum(-1))
        weights = np.linalg.solve(kernel + 0.03 * np.eye(59), encoded[rest] - mean)
        alone = np.exp(-((static[at] - static[rest]) ** 2).sum(-1)) @ weights + mean
        assert np.allclose(unit(alone[None])[0], without[at], atol=1e-3)


def test_a_student_is_read_as_written():
    student, _ = teach(*pairs(80, 3))
    static, _ = pairs(9, 4)
    again = Student.from_bytes(student.to_bytes())
    assert np.array_equal(again.vectors(static), student.vectors(static))
    assert student.vectors(static[:0]).shape == (0, 20)


def test_a_guess_does_not_depend_on_the_texts_beside_it():
    student, _ = teach(*pairs(700, 3))
    static, _ = pairs(150, 4)
    together = student.vectors(static)
    for size in (1, 3, 64, 65):
        parts = [student.vectors(static[at : at + size]) for at in range(0, 150, size)]
        assert np.array_equal(np.concatenate(parts), together)


def test_texts_without_a_token_are_taught_and_guessed_too():
    static, encoded = pairs(80, 3)
    static[:2] = 0
    student, without = teach(static, encoded)
    assert np.isfinite(without).all()
    assert np.linalg.norm(student.vectors(static[:1])) == pytest.approx(1, abs=1e-5)
