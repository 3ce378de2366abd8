"""Losses of one benchmark over many runs, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.engine.errors import UserError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Losses:
    """`shares` is (runs, sources), each row sums to 1; `sizes` in parameters, `tokens` trained on and the
    losses `values` are (runs,). Repeated seeds are rows of their own."""

    sources: tuple[str, ...]
    shares: Floats
    sizes: Floats
    tokens: Floats
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def where(self, chosen: Mask | Sequence[int] | npt.NDArray[np.intp]) -> Losses:
        at = np.asarray(chosen)
        return Losses(self.sources, self.shares[at], self.sizes[at], self.tokens[at], self.values[at])

    def groups(self) -> list[npt.NDArray[np.intp]]:
        """Rows that differ in nothing but their seed, in order of first appearance."""
        keys = np.column_stack([np.round(self.shares, 9), self.sizes, self.tokens])
        found: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            found.setdefault(key.tobytes(), []).append(row)
        return [np.array(rows) for rows in found.values()]

    def noise(self) -> float:
        """Standard deviation of a loss over seeds, as a share of it; NaN where no run was repeated."""
        spread, degrees = 0.0, 0
        for rows in self.groups():
            logs = np.log(self.values[rows])
            spread += float(((logs - logs.mean()) ** 2).sum())
            degrees += len(rows) - 1
        return float(np.sqrt(spread / degrees)) if degrees else float("nan")


def from_rows(rows: Iterable[Mapping[str, Any]], sources: Sequence[str]) -> Losses:
    """From mappings with `shares` (by source), `size`, `tokens` and `loss`.

    Raises UserError for a loss that is not positive, or shares that do not sum to 1.
    """
    table = list(rows)
    shares = np.array([[row["shares"].get(name, 0.0) for name in sources] for row in table], dtype=np.float64)
    values = np.array([row["loss"] for row in table], dtype=np.float64)
    if not len(values):
        raise UserError("no losses to fit a law to.")
    wrong = ~(np.isfinite(values) & (values > 0)) | (np.abs(shares.sum(1) - 1) > 1e-3)
    if wrong.any():
        first = table[int(np.argmax(wrong))]
        raise UserError(
            f"run {first.get('run', '?')}: loss {first['loss']} with shares {dict(first['shares'])}; "
            "a law is fitted to positive losses and shares that sum to 1."
        )
    sizes, tokens = (np.array([float(row[name]) for row in table]) for name in ("size", "tokens"))
    return Losses(tuple(sources), shares / shares.sum(1, keepdims=True), sizes, tokens, values)


def free_sources(shares: Floats) -> list[int]:
    """The sources whose shares tell the mixes apart: the others follow from them and from the sum.

    A sweep over one share with the rest split in a fixed ratio has one; a free design has all but one.
    """
    chosen: list[int] = []
    basis = np.ones((len(shares), 1))
    for source in range(shares.shape[1]):
        wider = np.column_stack([basis, shares[:, source]])
        if np.linalg.matrix_rank(wider, tol=1e-6) > basis.shape[1]:
            chosen.append(source)
            basis = wider
    return chosen
