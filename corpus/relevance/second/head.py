"""From layout and embedding to a logit: boosted trees, and with an encoder a linear head beside them.

The two are added. The trees are best at what is a reference and what a stub; the linear head on the embedding
is best at the rare page of another subject that is laid out like one.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.engine.errors import DataError
from corpus.relevance.second import boost, logistic
from corpus.relevance.second.boost import Forest
from corpus.relevance.second.logistic import Floats, Linear

_REACH = 4.0  # standard deviations that a standardised input is held within
_EMBEDDING = 0.3  # scale of the embedding's inputs beside the layout's: the less, the more they are shrunk
_L2 = 100.0
_ARRAYS = ("feature", "cut", "value", "base", "centre", "spread", "weights", "bias")


@dataclass(frozen=True)
class Head:
    """`centre` and `spread` standardise the inputs of `linear`; all three are empty without an encoder."""

    forest: Forest
    linear: Linear
    centre: Floats
    spread: Floats

    def logits(self, structure: Floats, embedding: Floats) -> Floats:
        """One logit for each row of structure [rows, numbers] and embedding [rows, dimensions or 0]."""
        found = self.forest.logits(structure)
        if len(self.linear.weights):
            found = found + self.linear.logits(_standard(structure, embedding, self.centre, self.spread))
        return found

    def to_bytes(self) -> bytes:
        """Plain arrays as npz; equal heads give equal bytes."""
        stream = io.BytesIO()
        np.savez(
            stream,
            feature=self.forest.feature,
            cut=self.forest.cut,
            value=self.forest.value,
            base=np.float64(self.forest.base),
            centre=self.centre,
            spread=self.spread,
            weights=self.linear.weights,
            bias=np.float64(self.linear.bias),
        )
        return stream.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Head:
        """Raises DataError for what `to_bytes` did not write. No pickled object is ever read."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as found:
                arrays = {name: found[name] for name in _ARRAYS}
        except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"the second scorer's file is damaged: {error}.") from error
        forest = Forest(arrays["feature"], arrays["cut"], arrays["value"], float(arrays["base"]))
        linear = Linear(arrays["weights"], float(arrays["bias"]))
        return Head(forest, linear, arrays["centre"], arrays["spread"])


def fit(
    structure: Floats, embedding: Floats, wanted: npt.NDArray[np.bool_], weight: Floats, seed: int
) -> Head:
    """Weights have a mean of 1; `embedding` has no columns where there is no encoder."""
    forest = boost.fit(structure, wanted, weight, boost.Settings(seed=seed))
    nothing = np.empty(0)
    if not embedding.shape[1]:
        return Head(forest, Linear(nothing, 0.0), nothing, nothing)
    both = np.concatenate([structure, embedding], 1)
    centre, spread = both.mean(0), both.std(0) + 1e-6
    spread[structure.shape[1] :] /= _EMBEDDING
    standard = _standard(structure, embedding, centre, spread)
    return Head(forest, logistic.fit(standard, wanted, weight, _L2), centre, spread)


def _standard(structure: Floats, embedding: Floats, centre: Floats, spread: Floats) -> Floats:
    both = np.concatenate([structure, embedding], 1)
    found: Floats = np.clip((both - centre) / spread, -_REACH, _REACH)
    return found
