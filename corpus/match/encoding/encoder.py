"""Texts to unit vectors with any sentence-transformers model, its prompts, and a choice of back ends.

On CPU each text is encoded alone. Padding costs nothing then, and a text's vector cannot depend on the texts
beside it, so results are the same for any partitioning; measured, it is as fast as batches of 32. On a GPU
batches are sorted by length and filled up to a few fixed shapes, for the same reason.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.engine.errors import UserError
from corpus.match.encoding import exported
from corpus.match.encoding.names import PACKAGED, located

QUERY, DOCUMENT = "query", "document"  # seeds ask, pages answer
TORCH, OPENVINO = "torch", "openvino"
BACKENDS = ("auto", TORCH, OPENVINO)
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
_PROMPTS = {QUERY: ("query",), DOCUMENT: ("document", "passage", "corpus")}  # names that models give them
GPU_BATCH = 128  # texts; batches of fewer are filled up
_SHAPES = (16, 32, 64, 96, 128, 192, 256, 384, 512)  # tokens of a padded batch; longer ones in steps of 512
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class EncoderSettings:
    """All that decides about a text's vector, and the threads that make it."""

    name: str = PACKAGED
    max_tokens: int = 256
    device: str = "cpu"
    threads: int = 1
    backend: str = TORCH
    precision: str = "auto"
    query_prompt: str | None = None
    document_prompt: str | None = None


class Encoder:
    """A sentence encoder with a fixed length of input. Raises UserError if the model cannot be loaded."""

    def __init__(self, settings: EncoderSettings) -> None:
        if settings.backend == OPENVINO and settings.device != "cpu":
            raise UserError(
                f"backend=openvino encodes on the CPU; with device={settings.device} use backend=torch."
            )
        self.settings = settings
        self._model: Any = _load(settings)
        if kind := _cast_to(settings):
            _ = self.sha256  # of the weights as they are stored: precision does not change the identity
            self._model.to(kind)
        if settings.device != "cpu":
            _fix_shapes(self._model)
        self.backend = self._choose_backend()

    def encode(self, texts: Sequence[str], role: str = DOCUMENT) -> Vectors:
        """Unit vectors, float32 [texts, dimensions]. `role` chooses the prompt: query or document."""
        if not texts:
            return np.empty((0, 0), np.float32)
        vectors = self._model.encode(
            [readable(text) for text in texts],
            prompt=self.prompt(role) or None,
            batch_size=1 if self.settings.device == "cpu" else GPU_BATCH,  # sorted by length inside
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, np.float32)

    def prompt(self, role: str) -> str:
        """What is put before a text: as configured, or as the model's own configuration has it."""
        given = self.settings.query_prompt if role == QUERY else self.settings.document_prompt
        if given is not None:
            return given
        own = self._model.prompts or {}
        return next((own[name] for name in _PROMPTS[role] if own.get(name)), "")

    @cached_property
    def sha256(self) -> str:
        """Identifies weights and vocabulary: what is built from an encoder is kept under it."""
        import torch

        digest = hashlib.sha256(json.dumps(sorted(self.tokenizer.get_vocab().items())).encode())
        for name, value in sorted(self._model.state_dict().items()):
            digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            stored = value.detach().cpu().contiguous().view(-1).view(torch.uint8)  # numpy has no bfloat16
            digest.update(memoryview(stored.numpy()))
        return digest.hexdigest()

    @property
    def tokenizer(self) -> Any:
        return self._model.tokenizer

    def embed_ids(self, ids: npt.NDArray[np.int64]) -> Vectors:
        """Vectors of ready token ids [texts, tokens], as the model pools them: float32, of any length."""
        import torch

        rows = torch.from_numpy(np.ascontiguousarray(ids)).to(self._model.device)
        features = {"input_ids": rows, "attention_mask": torch.ones_like(rows)}
        if "token_type_ids" in self.tokenizer.model_input_names:
            features["token_type_ids"] = torch.zeros_like(rows)
        with torch.inference_mode():
            found = self._model(features)["sentence_embedding"]
        return np.asarray(found.float().cpu().numpy(), np.float32)

    def _choose_backend(self) -> str:
        """The back end that runs: with `auto` OpenVINO on CPUs where it is installed and takes the model."""
        wanted, device = self.settings.backend, self.settings.device
        if wanted == TORCH or device != "cpu" or (wanted == "auto" and not exported.is_there()):
            return TORCH
        try:
            exported.replace_transformer(
                self._model, self.sha256, precision=self.settings.precision, threads=self.settings.threads
            )
        except exported.ExportError as error:
            if wanted == OPENVINO:
                raise UserError(
                    f"the encoder '{self.settings.name}' fails on OpenVINO ({error}); take backend=torch."
                ) from error
            return TORCH
        return OPENVINO


@lru_cache(maxsize=2)
def load_encoder(settings: EncoderSettings) -> Encoder:
    """The encoder, once per process."""
    return Encoder(settings)


def readable(text: str) -> str:
    """The text without halves of surrogate pairs, which no tokenizer takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _load(settings: EncoderSettings) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # Spark's workers are forked
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging
    except ImportError as error:
        raise UserError(
            "matching needs sentence-transformers, which is not there; install hephaestus-forge[embed]."
        ) from error
    device = settings.device
    if device == "cpu":
        torch.set_num_threads(settings.threads)  # of the executor's core, else tasks fight for all cores
    logging.disable_progress_bar()
    path = located(settings.name)
    try:
        local = os.path.isdir(path)
        model = SentenceTransformer(path, device=device, local_files_only=local or _offline())
    except Exception as error:  # the hub, the network and damaged folders raise many kinds
        raise UserError(
            f"cannot load the encoder '{settings.name}': it is no folder of a sentence-transformers model, "
            f"and the hub does not give it ({_first_line(error)}); check the name, or give a folder."
        ) from error
    model.max_seq_length = settings.max_tokens
    model.eval()
    return model


def _cast_to(settings: EncoderSettings) -> Any:
    """The torch type that the weights are turned into; None where they stay as they were loaded."""
    import torch

    if settings.device != "cpu":
        return getattr(torch, _gpu_precision(settings))
    if settings.precision in ("bfloat16", "float16") and settings.backend == TORCH:
        return getattr(torch, settings.precision)
    return None


def _gpu_precision(settings: EncoderSettings) -> str:
    import torch

    if settings.precision != "auto":
        return settings.precision
    if not settings.device.startswith("cuda"):
        return "float32"
    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def _fix_shapes(model: Any) -> None:
    """Fill every batch up to one of a few shapes: kernels are chosen by shape, and their sums differ in the
    last bits.

    So a text's vector does not depend on how many texts share its batch. On how long the longest of them is
    it depends by the shape alone, in the last bits of the encoder's precision.
    """
    import torch

    forward = model.forward

    def fixed(features: dict[str, Any], **more: Any) -> dict[str, Any]:
        rows, tokens = features["input_ids"].shape
        longer = next((shape for shape in _SHAPES if shape >= tokens), -(-tokens // 512) * 512)
        room = (0, longer - tokens, 0, max(GPU_BATCH - rows, 0))
        padding = {"input_ids": model.tokenizer.pad_token_id or 0}
        filled = {
            name: torch.nn.functional.pad(value, room, value=padding.get(name, 0))
            if isinstance(value, torch.Tensor) and value.shape == (rows, tokens)
            else value
            for name, value in features.items()
        }
        filled["attention_mask"][rows:, 0] = 1  # a row without any token would divide by zero
        found = forward(filled, **more)
        return {**found, "sentence_embedding": found["sentence_embedding"][:rows]}

    model.forward = fixed


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:200]
