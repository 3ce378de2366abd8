"""Text to ids by the Rust tokenizer: whole batches, special tokens inside text as text.

What a page quotes must not end a document or open a turn, so the names of special tokens in a text are
encoded as the characters that they are. The shard job does the same: ids made here are those it would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np
from tokenizers import Tokenizer as FastTokenizer

from training.data.arrays import Bool, Int32, Int64, bounds

# What one call encodes: enough for all threads of the library, which keeps some 80 bytes per token meanwhile.
BATCH_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class Encoder:
    """`special` [ids]: which ids no text may give: of tokens marked as special or put around a document."""

    tokenizer: Any
    eos: int
    bos: int | None
    special: Bool

    @classmethod
    def of(cls, tokenizer: Any, eos: int, bos: int | None) -> Encoder:
        """From a tokenizers.Tokenizer, of which a copy is taken and set to encode text as text."""
        copy = FastTokenizer.from_str(tokenizer.to_str())
        copy.no_truncation()
        copy.no_padding()
        copy.encode_special_tokens = True
        if getattr(copy.model, "dropout", None):
            copy.model.dropout = None  # equal texts must have equal ids
        added = copy.get_added_tokens_decoder()
        names = [int(number) for number, token in added.items() if token.special]
        special = np.zeros(max(copy.get_vocab(with_added_tokens=True).values()) + 1, np.bool_)
        special[[*names, eos, *([] if bos is None else [bos])]] = True
        return cls(copy, eos, bos, special)

    def documents(self, texts: Sequence[str]) -> tuple[Int32, Int64]:
        """[bos] ids eos of each text that has ids, in one array with its offsets [texts + 1]."""
        found = [self._batch(batch) for batch in _batches(texts)]
        ids = np.concatenate([part for part, _ in found]) if found else np.zeros(0, np.int32)
        lengths = np.concatenate([part for _, part in found]) if found else np.zeros(0, np.int64)
        return self._framed(ids, lengths)

    def _framed(self, ids: Int32, lengths: Int64) -> tuple[Int32, Int64]:
        head, filled = int(self.bos is not None), lengths > 0
        offsets = bounds(lengths + (head + 1) * filled)
        out = np.empty(int(offsets[-1]), np.int32)
        inside = np.ones(len(out), np.bool_)
        inside[offsets[1:][filled] - 1] = False
        out[offsets[1:][filled] - 1] = self.eos
        if self.bos is not None:
            inside[offsets[:-1][filled]] = False
            out[offsets[:-1][filled]] = self.bos
        out[inside] = ids
        return out, offsets

    def _batch(self, texts: Sequence[str]) -> tuple[Int32, Int64]:
        """Ids of all texts one behind the other, and how many each has."""
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        lengths = np.fromiter(map(len, encodings), np.int64, len(encodings))
        ids = _flat(encodings, int(lengths.sum()))
        hit = self.special[ids]
        if not hit.any():
            return ids, lengths
        owners = np.repeat(np.arange(len(texts)), lengths)
        parts = np.split(ids, bounds(lengths)[1:-1])
        for text in np.unique(owners[hit]).tolist():
            parts[text] = self.plain(texts[text])
        return np.concatenate(parts), np.array([len(part) for part in parts], np.int64)

    def plain(self, text: str) -> Int32:
        """Ids of a text in which the library found special tokens although it was told not to.

        Their names stand in the model's own vocabulary, or they are not marked as special. So each name is
        encoded as its first character and the rest. A special id that is still there stands for characters
        that the vocabulary does not know, and is left out.
        """
        names = sorted(
            (self.tokenizer.id_to_token(i) or "" for i in np.flatnonzero(self.special).tolist()), key=len
        )
        found = re.finditer("|".join(re.escape(name) for name in reversed(names) if name), text)
        edges = [0, *(name.start() + 1 for name in found), len(text)]
        parts = [text[a:b] for a, b in pairwise(edges) if a < b]
        encodings = self.tokenizer.encode_batch_fast(parts, add_special_tokens=False)
        ids = _flat(encodings, sum(map(len, encodings)))
        return ids[~self.special[ids]]


def _flat(encodings: Sequence[Any], count: int) -> Int32:
    return np.fromiter(chain.from_iterable(encoding.ids for encoding in encodings), np.int32, count)


def _batches(texts: Sequence[str]) -> Iterable[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
