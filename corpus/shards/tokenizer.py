"""A tokenizer as shards need it: whole documents to ids, each with exactly one separator.

Text is encoded without special tokens, so that the name of one inside a page is only text; then each document
gets a beginning token if the tokenizer's own configuration asks for it, and exactly one end token.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers import Tokenizer

from corpus.engine import storage
from corpus.engine.errors import DataError, UserError
from corpus.shards.tokenising import cuts

Int32 = npt.NDArray[np.int32]

FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")
# The library keeps some 80 bytes per token until a batch is encoded: 20 MB for this much text, at most 100.
BATCH_CHARACTERS = 1 << 20
PIECE_CHARACTERS = 1 << 16  # of a long document, where it may be cut
MOST_IN_LIST = 2**31 - 1  # what the offsets of a list<int32> column can say
_COMMON_ENDS = ("<|endoftext|>", "</s>", "<|end_of_text|>", "[SEP]")


@dataclass(frozen=True)
class DocumentTokenizer:
    """`encode` gives whole documents as the trainer reads them; `sha256` is that of tokenizer.json."""

    tokenizer: Tokenizer
    eos_id: int
    bos_id: int | None
    sha256: str
    cuts_are_exact: bool = False

    @property
    def vocab_size(self) -> int:
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: Sequence[str]) -> pa.ListArray | pa.LargeListArray:
        """list<int32>, one list per text: [bos] ids eos; large_list<int32> for more than 2^31 ids in all."""
        ids: list[list[Int32]] = [[] for _ in texts]
        for batch in self._batches(texts):
            encodings = self.tokenizer.encode_batch_fast(
                [text for _, text in batch], add_special_tokens=False
            )
            for (number, text), encoding in zip(batch, encodings):
                found = np.fromiter(encoding.ids, np.int32, len(encoding))
                ids[number].append(self._plain(text) if self._is_special[found].any() else found)
        return self._framed(ids)

    def _framed(self, ids: list[list[Int32]]) -> pa.ListArray | pa.LargeListArray:
        head = [] if self.bos_id is None else [np.array([self.bos_id], np.int32)]
        tail = np.array([self.eos_id], np.int32)
        whole = [part for parts in ids for part in (*head, *parts, tail)]
        lengths = [sum(map(len, parts)) + len(head) + 1 for parts in ids]
        values = pa.array(np.concatenate(whole) if whole else np.empty(0, np.int32))
        if len(values) > MOST_IN_LIST:
            offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
            return pa.LargeListArray.from_arrays(pa.array(offsets), values)
        offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
        return pa.ListArray.from_arrays(pa.array(offsets), values)

    def _batches(self, texts: Sequence[str]) -> Iterator[list[tuple[int, str]]]:
        """(number of the text, a piece of it), in batches of about BATCH_CHARACTERS."""
        batch: list[tuple[int, str]] = []
        characters = 0
        for number, text in enumerate(texts):
            for piece in cuts.pieces(text, PIECE_CHARACTERS) if self.cuts_are_exact else (text,):
                batch.append((number, piece))
                characters += len(piece)
                if characters >= BATCH_CHARACTERS:
                    yield batch
                    batch, characters = [], 0
        if batch:
            yield batch

    def _plain(self, text: str) -> Int32:
        """Ids of a text in which the library found special tokens although it was told not to.

        Their names stand in the model's own vocabulary, or they are not marked as special. So each name is
        encoded as its first character and the rest. A special id that is still there stands for characters
        that the vocabulary does not know, and is left out: as a separator it would say what is not so.
        """
        tokens = [str(self.tokenizer.id_to_token(number)) for number in self.special_ids]
        names = sorted(tokens, key=len, reverse=True)
        found = re.finditer("|".join(map(re.escape, names)), text)
        edges = [0, *(name.start() + 1 for name in found), len(text)]
        parts = [text[a:b] for a, b in pairwise(edges) if a < b]
        encodings = self.tokenizer.encode_batch_fast(parts, add_special_tokens=False)
        ids = np.array([number for encoding in encodings for number in encoding.ids], np.int32)
        return ids[~self._is_special[ids]]

    @cached_property
    def special_ids(self) -> list[int]:
        """Ids that no text may give: of the tokens marked as special, and of those that frame a document."""
        added = self.tokenizer.get_added_tokens_decoder()
        marked = {int(number) for number, token in added.items() if token.special}
        return sorted(marked | {self.eos_id, *([] if self.bos_id is None else [self.bos_id])})

    @cached_property
    def _is_special(self) -> npt.NDArray[np.bool_]:
        """Shape (ids,)."""
        highest = max(self.tokenizer.get_vocab(with_added_tokens=True).values())
        table = np.zeros(highest + 1, np.bool_)
        table[self.special_ids] = True
        return table


def load(folder: str, sha256: str = "") -> DocumentTokenizer:
    """The tokenizer in a folder on any store; one of the same content is parsed once per process.

    Raises UserError if there is none, DataError if its tokenizer.json does not have the hash `sha256`.
    """
    name = storage.redact(folder)
    try:
        data = storage.read_bytes(storage.join(folder, FILES[0]))
    except (OSError, UserError) as error:
        raise UserError(f"{name} holds no tokenizer.json; give tokenizer= a folder that does.") from error
    digest = hashlib.sha256(data).hexdigest()
    if sha256 and digest != sha256:
        raise DataError(
            f"{name}/tokenizer.json is not the tokenizer that this run began with: its sha256 is "
            f"{digest[:16]}..., not {sha256[:16]}...; remove the output folder and run again."
        )
    return _parse(data, json.dumps(_settings(folder)), name)


@lru_cache(maxsize=4)
def _parse(data: bytes, settings: str, name: str) -> DocumentTokenizer:
    try:
        tokenizer = Tokenizer.from_str(data.decode("utf-8"))
        definition = tokenizer.to_str()
    except Exception as error:  # the library raises bare Exception for a file that it cannot parse
        raise UserError(f"{name}/tokenizer.json is not a tokenizer: {error}.") from error
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None  # equal texts must have equal ids
    said = json.loads(settings)
    bos = _token_id(tokenizer, said.get("bos_token")) if said.get("add_bos_token") else None
    end = _end_id(tokenizer, said, name)
    return DocumentTokenizer(tokenizer, end, bos, hashlib.sha256(data).hexdigest(), cuts.is_exact(definition))


def _settings(folder: str) -> dict[str, Any]:
    """tokenizer_config.json over special_tokens_map.json. Raises UserError for one that is no JSON object."""
    found: dict[str, Any] = {}
    for file in (FILES[2], FILES[1]):
        path = storage.join(folder, file)
        if storage.exists(path):
            try:
                found |= dict(json.loads(storage.read_bytes(path)))
            except (ValueError, TypeError) as error:
                raise UserError(f"{storage.redact(path)} is no JSON object: {error}.") from error
    return found


def _token_id(tokenizer: Tokenizer, token: Any) -> int | None:
    name = token.get("content") if isinstance(token, dict) else token
    found = tokenizer.token_to_id(name) if name else None
    return None if found is None else int(found)


def _end_id(tokenizer: Tokenizer, settings: Mapping[str, Any], name: str) -> int:
    for candidate in (settings.get("eos_token"), *_COMMON_ENDS):
        found = _token_id(tokenizer, candidate)
        if found is not None:
            return found
    raise UserError(f"the tokenizer in {name} has no end token; name one as eos_token in {FILES[1]}.")
