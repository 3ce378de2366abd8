"""The loader against a packer that does one token at a time, over documents of all shapes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.support import EOS, write_source
from training.data.decks import Deck
from training.data.documents import Reader
from training.data.loader import Batch, Loader, LoaderState
from training.data.shards import Source, open_set
from training.data.tokens import Tokenizer

PLAIN = Tokenizer(None, None, EOS, None)


@dataclass(frozen=True)
class Case:
    """Shards of one to three sources and how they are read."""

    documents: list[list[list[int]]]
    group: int
    files: int
    rows: int
    length: int
    seed: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sources = []
    for source in range(draw(st.integers(1, 3))):
        lengths = draw(st.lists(st.integers(0, 9) | st.integers(30, 90), min_size=1, max_size=25))
        # Token 2 + n says which document it is of; the first document is never empty, so there is something to read.
        lengths[0] = max(lengths[0], 1)
        sources.append(
            [[2 + n + 100 * source] * (size - 1) + [EOS] * (size > 0) for n, size in enumerate(lengths)]
        )
    return Case(
        sources,
        group=draw(st.integers(1, 8)),
        files=draw(st.integers(1, 3)),
        rows=draw(st.sampled_from([1, 2, 4, 6])),
        length=draw(st.sampled_from([4, 16, 32])),
        seed=draw(st.integers(0, 5)),
    )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("cases")


def written(case: Case, root: Path) -> Path:
    folder = root / str(len(list(root.iterdir())))
    for number, docs in enumerate(case.documents):
        write_source(folder / f"s{number}", docs, files=case.files, group=case.group)
    return folder


def naive_lane(source: Source, case: Case, lane: int, epochs: int) -> Iterator[tuple[int, bool, str, int]]:
    """(id, whether a document or the rest of one begins, file, row) of each token of a lane."""
    deck = Deck(source, case.rows, case.seed, case.length, Reader(PLAIN, None))
    for epoch in range(epochs):
        for number in deck.hand(epoch, lane).tolist():
            piece = deck.piece(epoch, number)
            for document in range(len(piece.rows) if piece else 0):
                start, stop = int(piece.offsets[document]), int(piece.offsets[document + 1])
                for at in range(start, stop):
                    yield int(piece.ids[at]), at == start, piece.file.name, int(piece.rows[document])


def naive_row(
    tokens: Iterator[tuple[int, bool, str, int]], length: int
) -> tuple[list[int], list[int], list[object]]:
    """Ids, positions and (file, row) of the next `length` tokens."""
    ids: list[int] = []
    positions: list[int] = []
    origins: list[object] = []
    for _ in range(length):
        token, begins, file, row = next(tokens)
        ids.append(token)
        positions.append(0 if begins or not positions else positions[-1] + 1)
        if not origins or origins[-1] != (file, row) or begins:
            origins.append((file, row))
    return ids, positions, origins


def loader(folder: Path, case: Case, **keys: object) -> Loader:
    values: dict[str, object] = {"rows": case.rows, "length": case.length, "seed": case.seed, **keys}
    return Loader(open_set(str(folder)), PLAIN, **values)  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases())
def test_rows_positions_and_origins_are_those_of_a_packer_that_goes_token_by_token(
    case: Case, scratch: Path
) -> None:
    folder = written(case, scratch)
    shards = open_set(str(folder))
    lanes = {
        (s, slot): naive_lane(source, case, slot, 400)
        for s, source in enumerate(shards.sources)
        for slot in range(case.rows)
    }
    batches = loader(folder, case)
    for _ in range(5):
        batch = batches.next()
        for slot in range(case.rows):
            ids, positions, origins = naive_row(lanes[int(batch.sources[slot]), slot], case.length)
            assert batch.ids[slot].tolist() == ids
            assert batch.positions[slot].tolist() == positions
            origin = batch.origin(slot)
            assert origin.source == shards.names[batch.sources[slot]]
            assert [(file, row) for file, rows in origin.parts for row in rows] == origins


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(), epoch=st.integers(0, 3))
def test_an_epoch_holds_each_token_of_each_document_once(case: Case, epoch: int, scratch: Path) -> None:
    folder = written(case, scratch)
    for source, docs in zip(open_set(str(folder)).sources, case.documents, strict=True):
        deck = Deck(source, case.rows, case.seed, case.length, Reader(PLAIN, None))
        numbers = sorted(n for lane in range(case.rows) for n in deck.hand(epoch, lane).tolist())
        assert numbers == list(range(len(numbers)))
        pieces = [piece for n in numbers if (piece := deck.piece(epoch, n))]
        read = Counter(int(token) for piece in pieces for token in piece.ids)
        assert read == Counter(token for doc in docs for token in doc)
        stored = {file.name: pq.read_table(file.path)["input_ids"].to_pylist() for file in source.files}
        for piece in pieces:
            for i, row in enumerate(piece.rows.tolist()):
                tokens = piece.ids[piece.offsets[i] : piece.offsets[i + 1]].tolist()
                document = stored[piece.file.name][row]
                assert tokens and tokens[0] in document
                # What is not cut is whole, and only a document longer than four rows may be cut.
                assert tokens == document or len(document) > 4 * case.length


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(), data=st.data())
def test_any_stop_any_workers_and_any_ranks_change_nothing(
    case: Case, data: st.DataObject, scratch: Path
) -> None:
    folder = written(case, scratch)
    with loader(folder, case) as whole:
        batches = [whole.next() for _ in range(8)]
    stop = data.draw(st.integers(0, 7))
    ranks = data.draw(st.sampled_from([n for n in (1, 2, 3, 4) if case.rows % n == 0]))
    state = LoaderState.from_json(json.loads(json.dumps(batches[stop - 1].state.to_json()))) if stop else None
    mine = case.rows // ranks
    parts = [
        loader(
            folder,
            case,
            state=state,
            slots=range(r * mine, (r + 1) * mine),
            workers=data.draw(st.integers(0, 2)),
        )
        for r in range(ranks)
    ]
    try:
        for batch in batches[stop:]:
            pieces = [part.next() for part in parts]
            assert np.array_equal(batch.ids, np.concatenate([piece.ids for piece in pieces]))
            assert np.array_equal(batch.positions, np.concatenate([piece.positions for piece in pieces]))
            assert_same_cursors(batch, pieces, mine)
    finally:
        for part in parts:
            part.close()


def assert_same_cursors(batch: Batch, pieces: list[Batch], mine: int) -> None:
    gathered = [piece.state.cursors[:, r * mine : (r + 1) * mine] for r, piece in enumerate(pieces)]
    assert np.array_equal(batch.state.cursors, np.concatenate(gathered, axis=1))
    assert all(np.array_equal(batch.state.counts, piece.state.counts) for piece in pieces)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_document_of_a_million_tokens_is_read_whole(tmp_path: Path, workers: int) -> None:
    rng = np.random.default_rng(1)
    long = [*rng.integers(2, 90, 1_000_000).tolist(), EOS]
    write_source(tmp_path / "only", [[5, EOS], long, [6, EOS]])
    case = Case([], 0, 0, rows=4, length=4096, seed=3)
    seen: Counter[int] = Counter()
    with loader(tmp_path, case, workers=workers) as batches:
        deck = Deck(open_set(str(tmp_path)).sources[0], 4, 3, 4096, Reader(PLAIN, None))
        for lane in range(4):
            for number in deck.hand(0, lane).tolist():
                piece = deck.piece(0, number)
                seen.update(piece.ids.tolist() if piece else [])
        assert batches.next().ids.shape == (4, 4096)
    assert seen == Counter([*long, 5, EOS, 6, EOS])
