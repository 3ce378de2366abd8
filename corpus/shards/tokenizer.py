"""Any Hugging Face fast tokenizer, or a byte-level BPE trained on the data, behind one small class.

Text is encoded without special tokens, so that the name of one inside a page is only text; then each document
gets a beginning token if the tokenizer's own configuration asks for it, and exactly one end token.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from corpus.engine import storage
from corpus.engine.errors import UserError

TRAINED = "bpe:"
END_OF_TEXT = "<|endoftext|>"
FILES = ("tokenizer.json", "tokenizer_config.json")
_COMMON_ENDS = ("<|endoftext|>", "</s>", "<|end_of_text|>", "[SEP]")


@dataclass(frozen=True)
class DocumentTokenizer:
    """`encode` gives whole documents as the trainer reads them; `sha256` identifies the vocabulary."""

    tokenizer: Tokenizer
    eos_id: int
    bos_id: int | None
    sha256: str

    @property
    def vocab_size(self) -> int:
        return int(self.tokenizer.get_vocab_size(with_added_tokens=True))

    def encode(self, texts: Sequence[str]) -> pa.ListArray:
        """list<int32>, one list per text: [bos] ids eos."""
        encodings = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        head = [] if self.bos_id is None else [self.bos_id]
        pieces = [np.array([*head, *encoding.ids, self.eos_id], dtype=np.int32) for encoding in encodings]
        offsets = np.zeros(len(pieces) + 1, dtype=np.int32)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        values = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, type=pa.int32()))


@lru_cache(maxsize=4)
def load(folder: str) -> DocumentTokenizer:
    """The tokenizer in a folder on any store, cached per process. Raises UserError if it is none."""
    try:
        data = storage.read_bytes(storage.join(folder, FILES[0]))
    except (OSError, UserError) as error:
        raise UserError(
            f"{storage.redact(folder)} holds no tokenizer.json; give tokenizer= a folder that does."
        ) from error
    try:
        tokenizer = Tokenizer.from_str(data.decode("utf-8"))
    except Exception as error:  # the library raises bare Exception for a file that it cannot parse
        raise UserError(f"{storage.redact(folder)}/tokenizer.json is not a tokenizer: {error}.") from error
    settings = _settings(folder)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    bos = _token_id(tokenizer, settings.get("bos_token")) if settings.get("add_bos_token") else None
    return DocumentTokenizer(
        tokenizer, _end_id(tokenizer, settings, folder), bos, hashlib.sha256(data).hexdigest()
    )


def identify(spec: str) -> list[dict[str, str]]:
    """The content of the tokenizer that `spec` names, as an input of the stage; nothing for others.

    Raises UserError for a folder or a vocabulary that cannot be used, before anything is read.
    """
    if spec.startswith(TRAINED):
        _vocabulary(spec)
        return []
    if not storage.exists(storage.join(spec, FILES[0])):
        if storage.is_folder(spec):
            load(spec)  # says what is missing
        return []
    load(spec)
    paths = [storage.join(spec, name) for name in FILES]
    return [
        {"path": storage.redact(path), "sha256": hashlib.sha256(storage.read_bytes(path)).hexdigest()}
        for path in paths
        if storage.exists(path)
    ]


def _vocabulary(spec: str) -> int:
    size = spec[len(TRAINED) :]
    if not size.isdigit() or int(size) < 512:
        raise UserError(f"tokenizer={spec}: give a vocabulary of at least 512 tokens, such as bpe:4096.")
    return int(size)


def resolve(spec: str, texts: Iterable[str], folder: str) -> DocumentTokenizer:
    """Put the tokenizer that `spec` names into `folder` and load it from there.

    `bpe:N` trains on `texts`; a folder is copied; anything else is asked of the Hugging Face hub.
    """
    if spec.startswith(TRAINED):
        _save(train_bpe(texts, _vocabulary(spec)), {"eos_token": END_OF_TEXT, "bos_token": None}, folder)
    elif storage.exists(storage.join(spec, FILES[0])):
        for name in FILES:
            there = storage.exists(storage.join(spec, name))
            storage.write_bytes(
                storage.join(folder, name), storage.read_bytes(storage.join(spec, name)) if there else b"{}"
            )
    else:
        _from_hub(spec, folder)
    return load(folder)


def train_bpe(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """A byte-level BPE: lossless on any text. The result does not depend on the order of `texts`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _save(tokenizer: Tokenizer, settings: dict[str, Any], folder: str) -> None:
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **settings}
    storage.write_bytes(storage.join(folder, FILES[0]), tokenizer.to_str().encode("utf-8"))
    storage.write_bytes(storage.join(folder, FILES[1]), json.dumps(settings, indent=1).encode("utf-8"))


def _from_hub(name: str, folder: str) -> None:
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise UserError(
            f"tokenizer={name} is no folder; to fetch it by name install hephaestus-forge[train]."
        ) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except Exception as error:  # the hub's client raises many kinds for "not there" and "not reachable"
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"tokenizer={name} is neither a folder nor to be had from the hub: {first}"
        ) from error
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer.save_pretrained(scratch)
        for file in sorted(Path(scratch).iterdir()):
            if file.name in FILES:
                storage.write_bytes(storage.join(folder, file.name), file.read_bytes())


def _settings(folder: str) -> dict[str, Any]:
    path = storage.join(folder, FILES[1])
    return dict(json.loads(storage.read_bytes(path))) if storage.exists(path) else {}


def _token_id(tokenizer: Tokenizer, token: Any) -> int | None:
    name = token.get("content") if isinstance(token, dict) else token
    found = tokenizer.token_to_id(name) if name else None
    return None if found is None else int(found)


def _end_id(tokenizer: Tokenizer, settings: dict[str, Any], folder: str) -> int:
    for candidate in (settings.get("eos_token"), *_COMMON_ENDS):
        found = _token_id(tokenizer, candidate)
        if found is not None:
            return found
    raise UserError(
        f"the tokenizer in {folder} has no end token; name one as eos_token in tokenizer_config.json."
    )
