"""Lanes: the fixed lines that rows are read along. A lane is (source, slot); its cursor is all of its state.

A lane reads the pieces that it is dealt, one behind the other, and wraps into the next epoch by itself.
"""

from __future__ import annotations

from concurrent.futures import Executor, Future

from corpus.engine.errors import DataError
from training.data.arrays import Int64
from training.data.decks import FRUITLESS_EPOCHS, Deck
from training.data.pages import Part, Piece

# A cursor: epoch, place in the lane's hand, token in that piece.
EPOCH, PLACE, TOKEN = range(3)
CURSOR = 3


class Lane:
    """Reads one lane from a cursor on. With an executor, the next piece is prepared while one is read."""

    def __init__(self, deck: Deck, lane: int, cursor: Int64, ahead: Executor | None = None) -> None:
        self._deck, self._lane, self._ahead = deck, lane, ahead
        self._epoch, self._place, self._token = (int(value) for value in cursor)
        self._piece: Piece | None = None
        self._next: tuple[tuple[int, int], Future[Piece | None]] | None = None

    @property
    def cursor(self) -> tuple[int, int, int]:
        return self._epoch, self._place, self._token

    def take(self, tokens: int) -> list[Part]:
        """The next tokens of the lane."""
        parts = []
        while tokens:
            piece = self._current()
            start = self._token
            self._token = min(start + tokens, len(piece.ids))
            parts.append(Part(piece, start, self._token))
            tokens -= self._token - start
        return parts

    def _current(self) -> Piece:
        """The piece with the next token: past the end of a piece, a hand, or empty epochs."""
        if self._piece is not None:
            if self._token < len(self._piece.ids):
                return self._piece
            self._place, self._token = self._place + 1, 0
        until = self._epoch + FRUITLESS_EPOCHS * self._deck.lanes
        while True:
            self._piece = self._load()
            if self._piece is not None and self._token < len(self._piece.ids):
                self._prepare()
                return self._piece
            self._place, self._token = self._place + 1, 0
            if self._deck.is_hollow() or self._epoch > until:
                raise DataError(
                    f"the source '{self._deck.source.name}' holds no tokens; leave it out with weight 0."
                )

    def _load(self) -> Piece | None:
        self._epoch, self._place, number = self._found(self._epoch, self._place)
        prepared, self._next = self._next, None
        if prepared is not None and prepared[0] == (self._epoch, self._place):
            return prepared[1].result()
        return None if number is None else self._deck.piece(self._epoch, number)

    def _prepare(self) -> None:
        if self._ahead is not None:
            epoch, place, number = self._found(self._epoch, self._place + 1)
            if number is not None and (future := self._deck.prepare(epoch, number, self._ahead)):
                self._next = (epoch, place), future

    def _found(self, epoch: int, place: int) -> tuple[int, int, int | None]:
        """(epoch, place, number of the piece) at a place, or of the next hand that is not empty."""
        hand = self._deck.hand(epoch, self._lane)
        if place < len(hand):
            return epoch, place, int(hand[place])
        last = epoch + 1 + FRUITLESS_EPOCHS * self._deck.lanes
        for later in range(epoch + 1, last):
            hand = self._deck.hand(later, self._lane)
            if len(hand):
                return later, 0, int(hand[0])
        return last, 0, None
