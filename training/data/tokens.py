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

from tokenizers import Tokenizer as FastTokenizer

from corpus.engine.errors import DataError, UserError
from training.data.arrays import Int32, Int64
from training.data.encoding import Encoder
from training.data.shards import ShardSet

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
    bos: int | None = None
    says_bos: bool = False  # whether the shards' manifest says what begins a document, be it nothing

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
    def encoder(self) -> Encoder:
        """Text to ids. Raises UserError for a tokenizer without an end-of-sequence token."""
        tokenizer = self.loaded
        if tokenizer.eos_token_id is None:
            raise UserError(f"the tokenizer {self.path} has no end-of-sequence token, which parts documents.")
        if not tokenizer.is_fast:
            raise UserError(f"the tokenizer {self.path} has no tokenizer.json; give one that has.")
        # By the file where there is one, as the shard job does: transformers builds some kinds anew, and
        # some of those give other ids.
        file = Path(self.path or "") / TOKENIZER
        fast = FastTokenizer.from_file(str(file)) if file.is_file() else tokenizer.backend_tokenizer
        begins = self.bos is not None if self.says_bos else _adds_bos(tokenizer)
        bos = (self.bos if self.says_bos else tokenizer.bos_token_id) if begins else None
        return Encoder.of(fast, tokenizer.eos_token_id, bos)

    def encode(self, texts: Sequence[str]) -> tuple[Int32, Int64]:
        """Ids of all documents in one array, and their offsets [documents + 1]. Empty texts get no ids.

        Each document ends with one separator, and begins with BOS where the shards' manifest says so, or,
        where that is silent, where the tokenizer puts one.
        """
        return self.encoder.documents(texts)


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
    return Tokenizer(path, len(loaded), loaded.eos_token_id, digest, by_shards.bos, by_shards.says_bos)


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
    """Raises DataError where the file on this machine is not the one whose hash the manifest gives."""
    if not facts:
        return Tokenizer(None, None, None, None)
    local = Path(facts["root"]) / str(facts.get("path"))
    where = str(local) if local.is_dir() else facts.get("name")
    size, eos, sha256 = (facts.get(key) for key in ("vocab_size", "eos_token_id", "sha256"))
    file = Path(str(where)) / TOKENIZER
    if sha256 is not None and file.is_file() and (digest := _sha256(file)) != sha256:
        raise DataError(
            f"{file} is not the tokenizer that the manifest of the shards names (sha256 {digest[:16]}..., "
            f"not {str(sha256)[:16]}...); put that one back, or shard again."
        )
    return Tokenizer(where, size, eos, sha256, facts.get("bos_token_id"), "bos_token_id" in facts)


def _adds_bos(tokenizer: Any) -> bool:
    return tokenizer.bos_token_id is not None and tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _what_decides_ids(file: Path) -> dict[str, Any]:
    """The parts of a tokenizer that ids depend on, each in one spelling.

    Libraries write the same tokenizer in different bytes, and special tokens around a document are ours.
    """
    try:
        parts = json.loads(FastTokenizer.from_file(str(file)).to_str())
    except Exception as error:  # the library raises bare Exception for a file that it cannot parse
        raise UserError(f"{file} is not a tokenizer: {error}") from error
    return {name: parts.get(name) for name in ("model", "normalizer", "pre_tokenizer", "added_tokens")}
