"""Conversations as rows of batches: whole, beside each other, with labels where the assistant speaks."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.engine.errors import DataError
from corpus.shards.conversations.schema import MESSAGES_TYPE, message
from tests.training.data.chat.conftest import DIFFERENCED, MARKED, Make
from tests.training.support import documents, write_source
from training.data.arrays import IGNORE, bounds
from training.data.decks import Deck
from training.data.documents import Documents, Reader
from training.data.loader import Loader, LoaderState
from training.data.pages import in_rows
from training.data.shards import ShardFile, open_set
from training.data.tokens import Tokenizer

FILE = ShardFile("x", "x", 0, "", (1,), (1,), ("messages",))


@settings(max_examples=150, deadline=None)
@given(lengths=st.lists(st.integers(0, 16), max_size=30))
def test_documents_are_packed_whole_once_and_closely(lengths: list[int]) -> None:
    ids = np.concatenate(
        [np.full(n, 10 + i, np.int32) for i, n in enumerate(lengths)] or [np.zeros(0, np.int32)]
    )
    found = Documents(ids, bounds(lengths), np.ones(len(ids), np.bool_))
    piece = in_rows(found, np.arange(len(lengths)), FILE, 16, 3)
    assert len(piece.ids) % 16 == 0
    assert Counter(piece.ids.tolist()) - Counter({3: len(piece.ids)}) == Counter(ids.tolist())
    for i, row in enumerate(piece.rows.tolist()):
        start, stop = piece.offsets[i : i + 2].tolist()
        assert start // 16 == (stop - 1) // 16  # within one row
        assert set(piece.ids[start:stop].tolist()) == {3 if row < 0 else 10 + row}
        assert row < 0 or stop - start == lengths[row]
        assert piece.loss is not None and piece.loss[start:stop].all() == (row >= 0)
    fill = [16 - list(piece.ids[at : at + 16]).count(3) for at in range(0, len(piece.ids), 16)]
    assert sum(2 * used <= 16 for used in fill) <= 1  # no two rows could be one


def talk(number: int, turns: int) -> list[dict[str, Any]]:
    pairs = [
        (message("user", f"q{number} {i} " + "x" * (number % 17)), message("assistant", f"a{number}"))
        for i in range(turns)
    ]
    return [m for pair in pairs for m in pair]


@pytest.fixture(scope="module", params=[MARKED, DIFFERENCED, None])
def tokenizer(request: pytest.FixtureRequest, make: Make) -> Tokenizer:
    return make(request.param)


@pytest.fixture(scope="module")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sft")
    (root / "talks").mkdir()
    talks = [talk(number, 1 + number % 4) for number in range(80)]
    table = pa.table(
        {"messages": pa.array(talks, MESSAGES_TYPE), "tools": pa.array([None] * 80, pa.string())}
    )
    pq.write_table(table, root / "talks" / "a.parquet", row_group_size=25)
    return root


def loader(folder: Path, tokenizer: Tokenizer, **keys: object) -> Loader:
    values: dict[str, object] = {"rows": 4, "length": 192, "seed": 2, **keys}
    return Loader(open_set(str(folder)), tokenizer, **values)  # type: ignore[arg-type]


def test_each_conversation_is_whole_and_answers_alone_have_labels(
    conversations: Path, tokenizer: Tokenizer
) -> None:
    with loader(conversations, tokenizer) as batches:
        for _ in range(6):
            batch = batches.next()
            assert batch.labels is not None and batch.targets() == (batch.labels != IGNORE).sum() > 0
            for ids, positions, labels in zip(batch.ids, batch.positions, batch.labels, strict=True):
                starts = [*np.flatnonzero(positions == 0).tolist(), len(ids)]
                for start, stop in pairwise(starts):
                    text = tokenizer.loaded.decode(ids[start:stop])
                    learnt = labels[start:stop]
                    if (learnt == IGNORE).all():
                        assert set(ids[start:stop].tolist()) == {0}  # what fills the row up
                        continue
                    assert (
                        learnt[0] == IGNORE
                        and (learnt[learnt != IGNORE] == ids[start:stop][learnt != IGNORE]).all()
                    )
                    number = text.split("q", 1)[1].split(" ", 1)[0]
                    said = tokenizer.loaded.decode(learnt[learnt != IGNORE])
                    assert said.count(f"a{number}") == 1 + int(number) % 4 and "q" not in said


def test_an_epoch_holds_each_conversation_once(conversations: Path, tokenizer: Tokenizer) -> None:
    source = open_set(str(conversations)).sources[0]
    deck = Deck(source, 4, 2, 192, Reader(tokenizer, None, None, 192))
    for epoch in (0, 1):
        numbers = [n for lane in range(4) for n in deck.hand(epoch, lane).tolist()]
        rows = [
            row for n in numbers if (piece := deck.piece(epoch, n)) for row in piece.rows.tolist() if row >= 0
        ]
        assert sorted(rows) == list(range(80))


def test_workers_ranks_and_stops_change_nothing(conversations: Path, tokenizer: Tokenizer) -> None:
    with loader(conversations, tokenizer) as whole:
        batches = [whole.next() for _ in range(8)]
    state = LoaderState.from_json(json.loads(json.dumps(batches[3].state.to_json())))
    parts = [
        loader(conversations, tokenizer, state=state, slots=range(2 * r, 2 * r + 2), workers=r)
        for r in range(2)
    ]
    for batch in batches[4:]:
        pieces = [part.next() for part in parts]
        for name in ("ids", "positions", "labels"):
            assert np.array_equal(
                getattr(batch, name), np.concatenate([getattr(piece, name) for piece in pieces])
            )
    for part in parts:
        part.close()


def test_conversations_and_documents_mix(conversations: Path, tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "talks").symlink_to(conversations / "talks")
    write_source(tmp_path / "plain", documents(60, 1))
    with loader(tmp_path, tokenizer) as batches:
        for _ in range(4):
            batch = batches.next()
            assert batch.labels is not None
            mine = batch.sources == 0
            expected = np.where(batch.positions[mine] == 0, IGNORE, batch.ids[mine])
            assert np.array_equal(batch.labels[mine], expected)


def test_rows_too_short_for_any_conversation_are_one_clear_error(
    conversations: Path, tokenizer: Tokenizer
) -> None:
    with loader(conversations, tokenizer, length=4) as batches:
        with pytest.raises(DataError, match="the source 'talks' holds no tokens"):
            batches.next()
        assert batches.left_out["too_long"] >= 80
