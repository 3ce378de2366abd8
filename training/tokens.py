"""The tokenizer's side of the data path.

Which one, how large, and how a document becomes ids with one separator.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from corpus.engine.errors import UserError
from training.arrays import Int32, Int64
from training.shards import ShardSet


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer by its facts.

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
    facts = shards.tokenizer
    if path is None and facts:
        local = Path(facts["root"]) / str(facts.get("path"))
        where = str(local) if local.is_dir() else facts.get("name")
        return Tokenizer(where, facts.get("vocab_size"), facts.get("eos_token_id"), facts.get("sha256"))
    if path is None:
        return Tokenizer(None, None, None, None)
    digest = _digest(Path(path))
    tokenised = any(file.tokenised for source in shards.sources for file in source.files)
    made_by = _digest(Path(facts["root"]) / str(facts.get("path"))) if facts else None
    if tokenised and made_by and digest and made_by != digest:
        raise UserError(
            f"tokenizer={path} is not the tokenizer of the shards' input_ids; leave it out, "
            "or shard again with it."
        )
    loaded = Tokenizer(path, None, None, digest).loaded
    return Tokenizer(path, len(loaded), loaded.eos_token_id, digest)


def _digest(folder: Path) -> str | None:
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    canonical = json.dumps(json.loads(file.read_text("utf-8")), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
