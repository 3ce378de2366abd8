"""Static vectors: a table with one vector for each token of the encoder's vocabulary, distilled from the
encoder.

As in model2vec (Tulkens and van Dongen, 2024): every token goes through the encoder alone, the vectors are
turned onto their principal components, and frequent tokens are weighed down by their rank. A text is the mean
of its tokens. The table depends on the encoder alone and is kept in the local cache under its hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.match.encoding import cache
from corpus.match.encoding.encoder import Encoder, Vectors, readable

VERSION = 1
DIMENSIONS = 384
TABLE, TOKENIZER = "table.npy", "tokenizer.json"
_SIF = 1e-4  # smooth inverse frequency; token frequencies follow from ranks by Zipf's law
_BATCH = 512


@dataclass(frozen=True)
class StaticModel:
    """`table` [tokens, dimensions] float16, and a tokenizer without padding and special tokens."""

    table: npt.NDArray[np.float16]
    tokenizer: Any
    max_tokens: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 [texts, dimensions]; zeros for a text without any token."""
        found = np.zeros((len(texts), self.table.shape[1]), np.float32)
        encoded = self.tokenizer.encode_batch_fast(
            [readable(text) for text in texts], add_special_tokens=False
        )
        for row, one in enumerate(encoded):
            if ids := one.ids[: self.max_tokens]:
                found[row] = self.table[ids].mean(axis=0, dtype=np.float32)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(lengths > 0, lengths, 1), np.float32)


def distilled(encoder: Encoder) -> Path:
    """The folder with the table and the tokenizer; made where the cache does not hold it."""
    key = hashlib.sha256(f"{encoder.sha256} {VERSION} {DIMENSIONS}".encode()).hexdigest()
    return cache.built("static", key, partial(_distil, encoder))


def load_static(folder: Path, max_tokens: int) -> StaticModel:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    table = np.load(folder / TABLE, mmap_mode="r", allow_pickle=False)
    return StaticModel(table, tokenizer, max_tokens)


def _distil(encoder: Encoder, folder: Path) -> None:
    tokens = token_vectors(encoder).astype(np.float64)
    centred = tokens - tokens.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    directions = directions[:, ::-1][:, : min(DIMENSIONS, tokens.shape[1])]
    zipf = 1 / (np.arange(len(tokens)) + 2)
    weights = _SIF / (_SIF + zipf / zipf.sum())
    np.save(folder / TABLE, (centred @ directions * weights[:, None]).astype(np.float16), allow_pickle=False)
    encoder.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))


def token_vectors(encoder: Encoder) -> Vectors:
    """What the encoder makes of each token alone, in the order of their numbers [tokens, dimensions]."""
    tokenizer = encoder.tokenizer
    special, given = set(tokenizer.all_special_ids), tokenizer("a")["input_ids"]
    inner = [at for at, token in enumerate(given) if token not in special]
    before, after = given[: inner[0]], given[inner[-1] + 1 :]
    found, count = [], len(tokenizer)
    for start in range(0, count, _BATCH):
        tokens = np.arange(start, min(start + _BATCH, count))
        around = [np.tile(np.array(part, np.int64), (len(tokens), 1)) for part in (before, after)]
        found.append(encoder.embed_ids(np.concatenate([around[0], tokens[:, None], around[1]], axis=1)))
    return np.concatenate(found)
