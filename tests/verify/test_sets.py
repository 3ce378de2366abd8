from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.verify import sets
from corpus.verify.keys import joined, keys_of
from corpus.verify.sets import KeySet, Spill, common, missing, repeats, same

IDS = st.lists(
    st.one_of(st.integers(0, 40).map(lambda n: hashlib.md5(str(n).encode()).hexdigest()), st.text(max_size=5))
)


def key_set(ids: list[str], spill: Spill, *, at_once: int = 7) -> KeySet:
    found = KeySet(spill)
    for start in range(0, len(ids), at_once):
        found.add(keys_of(pa.array(ids[start : start + at_once], pa.string())))
    return found


@given(one=IDS, other=IDS)
def test_questions_about_sets_are_answered_as_by_pythons_own(one: list[str], other: list[str]) -> None:
    with Spill() as spill:
        first, second = key_set(one, spill), key_set(other, spill)
        assert repeats(first).count == len(one) - len(set(one))
        assert missing(first, [second]).count == len(set(one) - set(other))
        assert common(first, second).count == len(set(one) & set(other))
        assert same([first], [second]) == (sorted(one) == sorted(other))


@given(one=IDS, other=IDS)
def test_answers_do_not_depend_on_where_the_runs_lie(one: list[str], other: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch, Spill(memory=0) as spill:
        patch.setattr(sets, "RUN", 3)
        patch.setattr(sets, "RANGE", 4)
        first, second = key_set(one, spill), key_set(other, spill)
        assert repeats(first).count == len(one) - len(set(one))
        assert missing(first, [second]).count == len(set(one) - set(other))
        assert common(first, second).count == len(set(one) & set(other))


def test_runs_beyond_the_memory_lie_in_a_folder_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sets, "RUN", 1000)
    with Spill(memory=16_000) as spill:
        found = KeySet(spill)
        for start in range(0, 10_000, 500):
            found.add(np.arange(start, start + 500, dtype=np.uint64))
        written = sum(path.stat().st_size for path in tmp_path.rglob("*.keys"))
        assert written == 10_000 * 8 - 16_000
        assert not repeats(found) and found.rows == 10_000
    assert not list(tmp_path.iterdir())


def test_ids_may_be_added_from_several_threads() -> None:
    with Spill() as spill:
        found = KeySet(spill)
        work = [
            threading.Thread(
                target=lambda n=n: [found.add(keys_of(pa.array([f"{n}-{i}"]))) for i in range(200)]
            )
            for n in range(8)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
        assert found.rows == 1600 and not repeats(found)


def test_the_hash_of_an_id_does_not_depend_on_its_neighbours() -> None:
    ids = [hashlib.md5(str(n).encode()).hexdigest() for n in range(100)]
    whole = keys_of(pa.array(ids))
    mixed = keys_of(pa.array(["short", *ids, None, ""]))
    assert mixed[1:101].tolist() == whole.tolist()
    assert keys_of(pa.array(["x", *ids]).slice(1)).tolist() == whole.tolist()
    assert keys_of(pa.chunked_array([ids[:40], ids[40:]])).tolist() == whole.tolist()
    assert keys_of(pa.array(ids).dictionary_encode()).tolist() == whole.tolist()
    assert mixed[101] == mixed[102]  # null counts as empty


def test_similar_ids_have_different_hashes() -> None:
    ids = [f"{n:032x}" for n in range(50_000)] + [f"{n:x}".ljust(32, "0") for n in range(50_000)]
    assert len(np.unique(keys_of(pa.array(ids)))) == len(set(ids))


def test_pairs_are_told_apart_by_both_halves() -> None:
    one = np.arange(300, dtype=np.uint64)
    pairs = {int(joined(one[a : a + 1], one[b : b + 1])[0]) for a in range(300) for b in range(300)}
    assert len(pairs) == 300 * 300
