"""Where a tokenizer comes from: a folder, a name on the hub, or training on the data itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.shards.tokenizer import FILES, DocumentTokenizer, load

TRAINED = "bpe:"
FOLDER = "tokenizer"  # below the stage's
END_OF_TEXT = "<|endoftext|>"
_LEAST_VOCABULARY = 512
_SLOW = (
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)


def identify(spec: str) -> list[dict[str, str]]:
    """The content of the tokenizer that `spec` names, as inputs of the stage; nothing for one to be trained.

    Raises UserError for one that cannot be used, before anything else is read.
    """
    if spec.startswith(TRAINED):
        _vocabulary(spec)
        return []
    if is_place(spec):
        load(_with_fast(spec))
    else:
        load(from_hub(spec)["folder"])
    return [
        {"path": f"{storage.redact(spec)}/{name}", "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files_of(spec).items()
    ]


def resolve(spec: str, texts: Iterable[str], folder: str) -> DocumentTokenizer:
    """Put the tokenizer that `spec` names into `folder` and load it from there.

    `bpe:N` trains on `texts`; a folder is copied; anything else is asked of the Hugging Face hub.
    """
    if spec.startswith(TRAINED):
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END_OF_TEXT, "bos_token": None}
        trained = train_bpe(texts, _vocabulary(spec)).to_str().encode("utf-8")
        files = {FILES[0]: trained, FILES[1]: json.dumps(settings, indent=1).encode("utf-8")}
    else:
        files = files_of(spec)
    for name, data in files.items():
        storage.write_bytes(storage.join(folder, name), data)
    return load(folder)


def files_of(spec: str) -> dict[str, bytes]:
    """The files of the tokenizer in a folder or on the hub, by name."""
    folder = _with_fast(spec) if is_place(spec) else from_hub(spec)["folder"]
    paths = {name: storage.join(folder, name) for name in FILES}
    found = {name: storage.read_bytes(path) for name, path in paths.items() if storage.exists(path)}
    return {FILES[1]: b"{}", **found}


def is_place(spec: str) -> bool:
    """Whether `spec` is a folder, and not a name on the hub."""
    return "://" in spec or storage.is_folder(spec) or spec.startswith((".", "/", "~"))


def revision_of(spec: str) -> str:
    """The commit of a tokenizer from the hub; empty for others."""
    return "" if spec.startswith(TRAINED) or is_place(spec) else from_hub(spec)["revision"]


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


@lru_cache(maxsize=8)
def from_hub(spec: str) -> Mapping[str, str]:
    """`folder` with the files of ORG/NAME or ORG/NAME@REVISION, and the `revision` that they are of."""
    from huggingface_hub import snapshot_download

    name, _, revision = spec.partition("@")
    try:
        folder = snapshot_download(name, revision=revision or None, allow_patterns=[*FILES, *_SLOW])
    except Exception as error:  # the client raises many kinds for "not there", "not allowed", "not reachable"
        raise UserError(
            f"tokenizer={spec} is neither a folder nor to be had from the hub: {storage.reason_of(error)}."
        ) from error
    _with_fast(folder, spec)
    return {"folder": folder, "revision": storage.resolve(folder)[1].rstrip("/").rsplit("/", 1)[-1]}


def _with_fast(folder: str, spec: str = "") -> str:
    """`folder`. Raises UserError where it has no tokenizer.json but what a slow tokenizer is made of."""
    if storage.exists(storage.join(folder, FILES[0])):
        return folder
    slow: Sequence[str] = [name for name in _SLOW if storage.exists(storage.join(folder, name))]
    if slow:
        name = storage.redact(spec or folder)
        raise UserError(
            f"{name} holds a slow tokenizer ({slow[0]}) and no tokenizer.json; make the fast one with "
            f"transformers.AutoTokenizer.from_pretrained({name!r}).save_pretrained(FOLDER) "
            "and give tokenizer=FOLDER."
        )
    load(folder)  # says what is missing
    return folder


def _vocabulary(spec: str) -> int:
    size = spec[len(TRAINED) :]
    if not size.isdigit() or int(size) < _LEAST_VOCABULARY:
        raise UserError(
            f"tokenizer={spec}: give a vocabulary of at least {_LEAST_VOCABULARY} tokens, such as bpe:4096."
        )
    return int(size)


def facts(found: DocumentTokenizer, spec: str, files: Mapping[str, str]) -> dict[str, Any]:
    """What the manifest says of the tokenizer in `tokenizer/`; `files` are its hashes by name."""
    said: dict[str, Any] = {"name": storage.redact(spec), "path": FOLDER, "vocab_size": found.vocab_size}
    if commit := revision_of(spec):
        said["revision"] = commit
    said |= {"eos_token_id": found.eos_id, "bos_token_id": found.bos_id, "sha256": found.sha256}
    return said | {"files": dict(files), "cuts_long_texts": found.cuts_are_exact}
