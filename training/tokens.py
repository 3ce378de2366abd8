"""The tokenizer's side of the data path.

Which one, how large, and how a document becomes ids with one separator.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from corpus.engine.errors import UserError
from training.arrays import Int32, Int64
from training.shards import ShardSet

TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer by its facts; `sha256` is that of its tokenizer.json.

    The object itself is loaded only when text has to be encoded or files copied.
    """

    path: str | None
    vocab_size: int | None
    eos: int | None
    sha256: str | None

    @cached_property
    def loaded(self) -> Any:
        """The Hugging Face tokenizer. Raises UserError where there is none to load."""
        from transformers import AutoTokenizer

        if self.path is None:
            raise UserError("the shards have no input_ids and name no tokenizer; give tokenizer=FOLDER.")
        try:
            return AutoTokenizer.from_pretrained(self.path)
        except (OSError, ValueError) as error:
            raise UserError(f"cannot load the tokenizer {self.path}: {str(error).splitlines()[0]}") from error

    @cached_property
    def _frame(self) -> tuple[list[int], list[int]]:
        """Ids before and after each document: BOS where the tokenizer puts one, and exactly one EOS."""
        tokenizer = self.loaded
        if tokenizer.eos_token_id is None:
            raise UserError(f"the tokenizer {self.path} has no end-of-sequence token, which parts documents.")
        with_special = tokenizer("a")["input_ids"]
        begins = tokenizer.bos_token_id is not None and with_special[0] == tokenizer.bos_token_id
        return [tokenizer.bos_token_id] if begins else [], [tokenizer.eos_token_id]

    def encode(self, texts: Sequence[str]) -> tuple[Int32, Int64]:
        """Ids of all documents in one array, and their offsets [documents + 1]. Empty texts get no ids."""
        before, after = self._frame
        encoded = self.loaded(
            list(texts), add_special_tokens=False, return_attention_mask=False, verbose=False
        )
        documents = [[*before, *ids, *after] if ids else [] for ids in encoded["input_ids"]] if texts else []
        offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
        values = np.fromiter((i for ids in documents for i in ids), dtype=np.int32, count=int(offsets[-1]))
        return values, offsets


def find_tokenizer(shards: ShardSet, path: str | None) -> Tokenizer:
    """The tokenizer named by the config, else by the shards' manifest, else none.

    Raises UserError if the one named in the config is not the one that made the shards' ids.
    """
    by_shards = _of_manifest(shards.tokenizer)
    if path is None:
        return by_shards
    tokenised = any(file.tokenised for source in shards.sources for file in source.files)
    if tokenised and not gives_same_ids(Path(path), by_shards):
        raise UserError(
            f"tokenizer={path} is not the tokenizer of the shards' input_ids; leave it out, "
            "or shard again with it."
        )
    file = Path(path) / TOKENIZER
    digest = _sha256(file) if file.is_file() else None
    loaded = Tokenizer(path, None, None, digest).loaded
    return Tokenizer(path, len(loaded), loaded.eos_token_id, digest)


def gives_same_ids(folder: Path, tokenizer: Tokenizer) -> bool:
    """Whether the tokenizer.json in `folder` turns text into the same ids as `tokenizer`.

    True where one of the two is not known. Raises UserError for a file that is no tokenizer.
    """
    file = folder / TOKENIZER
    if tokenizer.sha256 is None or not file.is_file() or _sha256(file) == tokenizer.sha256:
        return True
    own = Path(tokenizer.path) / TOKENIZER if tokenizer.path else None
    return own is not None and own.is_file() and _what_decides_ids(own) == _what_decides_ids(file)


def _of_manifest(facts: Mapping[str, Any]) -> Tokenizer:
    if not facts:
        return Tokenizer(None, None, None, None)
    local = Path(facts["root"]) / str(facts.get("path"))
    where = str(local) if local.is_dir() else facts.get("name")
    return Tokenizer(where, facts.get("vocab_size"), facts.get("eos_token_id"), facts.get("sha256"))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _what_decides_ids(file: Path) -> dict[str, Any]:
    """The parts of a tokenizer that ids depend on, each in one spelling.

    Libraries write the same tokenizer in different bytes, and special tokens around a document are ours.
    """
    from tokenizers import Tokenizer as FastTokenizer

    try:
        parts = json.loads(FastTokenizer.from_file(str(file)).to_str())
    except Exception as error:  # the library raises bare Exception for a file that it cannot parse
        raise UserError(f"{file} is not a tokenizer: {error}") from error
    return {name: parts.get(name) for name in ("model", "normalizer", "pre_tokenizer", "added_tokens")}
