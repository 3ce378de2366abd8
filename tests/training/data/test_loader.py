from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from corpus.engine.errors import DataError, UserError
from tests.training.support import EOS, documents, write_source
from training.data.decks import Deck
from training.data.documents import Reader
from training.data.lanes import EPOCH, Lane
from training.data.loader import Batch, Loader, LoaderState
from training.data.shards import open_set
from training.data.tokens import Tokenizer

PLAIN = Tokenizer(None, None, EOS, None)


def loader(folder: Path, **keys: object) -> Loader:
    values: dict[str, object] = {"rows": 8, "length": 32, "seed": 5, **keys}
    return Loader(open_set(str(folder)), PLAIN, **values)  # type: ignore[arg-type]


def ids_of(batches: list[Batch]) -> list[bytes]:
    return [digest for batch in batches for digest in batch.digests()]


def read_epoch(folder: Path, lanes: int, epoch: int, *, length: int = 32) -> Counter[tuple[int, ...]]:
    """Whole documents that the lanes of the only source read while their cursors stand in one epoch."""
    source = open_set(str(folder)).sources[0]
    deck = Deck(source, lanes, 5, length, Reader(PLAIN, None))
    seen: Counter[tuple[int, ...]] = Counter()
    for number in range(lanes):
        lane = Lane(deck, number, np.array([epoch, 0, 0]))
        stream: list[int] = []
        while True:
            piece, start, stop = lane.take(1)[0]
            if lane.cursor[EPOCH] > epoch:
                break
            stream += piece.ids[start:stop].tolist()
        ends = [i + 1 for i, token in enumerate(stream) if token == EOS]
        seen.update(tuple(stream[start:stop]) for start, stop in zip([0, *ends], ends, strict=False))
    return seen


@pytest.mark.parametrize("lanes", [1, 3, 8, 64])
@pytest.mark.parametrize("epoch", [0, 1])
def test_each_document_is_read_once_per_epoch(tmp_path: Path, lanes: int, epoch: int) -> None:
    docs = documents(50, 9)
    write_source(tmp_path / "only", docs, files=3, group=7)
    assert read_epoch(tmp_path, lanes, epoch) == Counter(map(tuple, docs))


def test_two_epochs_have_different_orders(tmp_path: Path) -> None:
    write_source(tmp_path / "only", documents(50, 9))
    deck = Deck(open_set(str(tmp_path)).sources[0], 1, 5, 32, Reader(PLAIN, None))
    first, second = (deck.piece(epoch, 0) for epoch in (0, 1))
    assert first and second and first.rows.tolist() != second.rows.tolist()


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(shards: Path, workers: int) -> None:
    with loader(shards) as plain, loader(shards, workers=workers, prefetch=3) as threaded:
        for _ in range(30):
            one, other = plain.next(), threaded.next()
            assert ids_of([one]) == ids_of([other])
            assert one.state.to_json() == other.state.to_json()


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_ranks_together_read_the_global_batch_in_order(shards: Path, ranks: int) -> None:
    whole = loader(shards)
    mine = 8 // ranks
    parts = [loader(shards, slots=range(r * mine, (r + 1) * mine)) for r in range(ranks)]
    for _ in range(20):
        batch, pieces = whole.next(), [part.next() for part in parts]
        assert np.array_equal(batch.ids, np.concatenate([piece.ids for piece in pieces]))
        assert np.array_equal(batch.positions, np.concatenate([piece.positions for piece in pieces]))


def test_stopping_at_any_step_and_going_on_changes_nothing(shards: Path) -> None:
    whole = loader(shards)
    batches = [whole.next() for _ in range(25)]
    for stop in (1, 7, 8, 24):
        state = LoaderState.from_json(json.loads(json.dumps(batches[stop - 1].state.to_json())))
        with loader(shards, state=state, workers=2) as again:
            assert ids_of([again.next() for _ in range(stop, 25)]) == ids_of(batches[stop:])


def test_shares_hold_after_every_step(shards: Path) -> None:
    batches = loader(shards)
    for _ in range(40):
        counts = batches.next().state.counts
        assert abs(3 * counts[0] - counts.sum()) <= 3  # weights 1 : 2


def test_positions_restart_at_each_document_and_at_the_edge_of_a_row(shards: Path) -> None:
    batch = loader(shards).next()
    for ids, positions in zip(batch.ids, batch.positions, strict=True):
        starts = np.flatnonzero(positions == 0)
        assert starts.tolist() == [0, *(np.flatnonzero(ids[:-1] == EOS) + 1).tolist()]
        assert (np.diff(positions)[np.diff(positions) != 1] < 0).all()


def test_a_document_longer_than_a_row_loses_no_token(tmp_path: Path) -> None:
    long = [*range(1, 90), EOS]
    write_source(tmp_path / "only", [long])
    batches = loader(tmp_path, rows=1)
    stream = np.concatenate([batches.next().ids[0] for _ in range(6)])
    assert stream[:180].tolist() == long * 2


def test_a_source_with_fewer_documents_than_lanes_and_empty_ones_works(tmp_path: Path) -> None:
    write_source(tmp_path / "tiny", [[], [5, 6, EOS], []])
    write_source(tmp_path / "large", documents(40, 1))
    batches = loader(tmp_path, rows=16)
    assert batches.next().ids.shape == (16, 32)


def test_a_source_without_tokens_is_named(tmp_path: Path) -> None:
    write_source(tmp_path / "hollow", [[], []])
    with pytest.raises(DataError, match="hollow"):
        loader(tmp_path).next()


def test_a_missing_separator_is_named_with_its_file(tmp_path: Path) -> None:
    write_source(tmp_path / "only", [[1, 2, 3]])
    with pytest.raises(DataError, match=r"part-00000\.parquet row 0 .*separator"):
        loader(tmp_path).next()


def test_a_doubled_separator_is_refused(tmp_path: Path) -> None:
    write_source(tmp_path / "only", [[*doc, EOS] for doc in documents(400, 1)])
    with pytest.raises(DataError, match="twice"):
        loader(tmp_path, rows=1).next()


def test_ids_beyond_the_embedding_are_named_with_their_file(tmp_path: Path) -> None:
    write_source(tmp_path / "only", [[1, 500, EOS]])
    with pytest.raises(
        DataError, match=r"part-00000\.parquet row 0 holds the token id 500.*97 embedding rows"
    ):
        loader(tmp_path, vocabulary=97).next()


def test_an_unknown_source_in_the_weights_is_answered_with_the_nearest(shards: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'agent'"):
        open_set(str(shards), {"agnet": 1.0})


def test_weights_override_the_manifest_and_zero_leaves_out(shards: Path) -> None:
    assert [(s.name, s.weight) for s in open_set(str(shards)).sources] == [("agent", 1.0), ("code", 2.0)]
    assert open_set(str(shards), {"code": 0.0}).names == ["agent"]
