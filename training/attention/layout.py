"""Where the documents of packed rows begin and end, made on the host: no kernel waits for a length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.data.arrays import Int32


@dataclass(frozen=True)
class Layout:
    """The documents of rows [rows, length] laid end to end; document i lies from edges[i] to edges[i + 1]."""

    edges: Int32
    rows: int
    length: int

    @classmethod
    def of(cls, positions: Int32) -> Layout:
        """A document begins where its position is 0, and at the edge of a row in any case."""
        starts = positions == 0
        starts[:, 0] = True
        rows, length = positions.shape
        return cls(np.append(np.flatnonzero(starts), rows * length).astype(np.int32), rows, length)

    @property
    def lengths(self) -> Int32:
        return np.diff(self.edges)

    @property
    def attended(self) -> int:
        """Pairs of a token and one that it sees, itself included: what attention really costs."""
        lengths = self.lengths.astype(np.int64)
        return int((lengths * (lengths + 1) // 2).sum())

    def padded_edges(self) -> Int32:
        """The edges, with empty documents behind them up to a power of two: few shapes, few compilations."""
        room = 1 << max(len(self.edges) - 1, 16).bit_length()
        return np.pad(self.edges, (0, max(room - len(self.edges), 0)), mode="edge")

    def padded_longest(self) -> int:
        """A bound of the longest document: the next power of two, at most the row."""
        return min(1 << (int(self.lengths.max(initial=1)) - 1).bit_length(), self.length)
