"""The trained classifier as the filter uses it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.engine import manifest, storage
from corpus.engine.errors import UserError
from corpus.engine.manifest import OutputFile
from corpus.relevance import fasttext_model
from corpus.relevance.features import FEATURE_VERSION, fasttext_line
from corpus.relevance.training import Trained

MODEL_FILE, METRICS_FILE = "model/model.bin", "metrics.json"


@dataclass(frozen=True)
class AgentClassifier:
    """The trained classifier.

    `score` gives the probability of agent data for light texts; pages at or above `threshold` are wanted.
    """

    threshold: float
    metadata: dict[str, Any]
    _model: Any

    @staticmethod
    def load(folder: str) -> AgentClassifier:
        """The classifier in a finished stage folder on any store, one per process.

        Raises UserError if the stage is not finished, the model is not the one that its manifest names, or it
        was trained on features of another version.
        """
        return _load(folder.rstrip("/"))

    def score(self, texts: Sequence[str], urls: Sequence[str]) -> list[float]:
        """Scores in the order of the texts; 0 for an empty one. `urls` must be as many as `texts`."""
        with_url = bool(self.metadata.get("url_words"))
        pairs = zip(texts, urls, strict=True)
        return fasttext_model.scores(self._model, [fasttext_line(t, u if with_url else "") for t, u in pairs])


def load(folder: str) -> AgentClassifier:
    """`AgentClassifier.load` by a plain name, for processes that are told what to call."""
    return AgentClassifier.load(folder)


def line_scorer(folder: str) -> Callable[[Sequence[str]], list[float]]:
    """What scores lines of tokens by the classifier in a folder."""
    return functools.partial(fasttext_model.scores, AgentClassifier.load(folder)._model)


def save(folder: str, trained: Trained, *, url_words: bool, folds: int) -> dict[str, list[OutputFile]]:
    """Write model/model.bin and metrics.json; what the manifest is to say of them."""
    metrics = {
        "threshold": trained.threshold,
        "feature_version": FEATURE_VERSION,
        "url_words": url_words,
        "model_sha256": hashlib.sha256(trained.model).hexdigest(),
        "model_bytes": len(trained.model),
        "trained_on": len(trained.used),
        "folds": folds,
        **trained.metrics,
    }
    described = json.dumps(metrics, indent=1, sort_keys=True).encode() + b"\n"
    found = {}
    for name, path, data in (("model", MODEL_FILE, trained.model), ("metrics", METRICS_FILE, described)):
        storage.write_bytes(storage.join(folder, path), data)
        found[name] = [OutputFile(path, 0, len(data), hashlib.sha256(data).hexdigest())]
    return found


@functools.lru_cache(maxsize=2)
def _load(folder: str) -> AgentClassifier:
    tables = manifest.read(folder).tables
    files = [file for file in tables.get("model", ()) if file.path == MODEL_FILE]
    if not files:
        raise UserError(f"{folder} is a finished stage without {MODEL_FILE}; run jobs/classifier.py for one.")
    path = storage.join(folder, MODEL_FILE)
    data = storage.read_bytes(path)
    if hashlib.sha256(data).hexdigest() != files[0].sha256:
        raise UserError(
            f"{path} is not the model that its manifest names (sha256 differs); run jobs/classifier.py again."
        )
    metadata = json.loads(storage.read_bytes(storage.join(folder, METRICS_FILE)))
    if metadata.get("feature_version") != FEATURE_VERSION:
        raise UserError(
            f"{folder} was trained on features of version {metadata.get('feature_version')}, and this code "
            f"computes version {FEATURE_VERSION}; run jobs/classifier.py again."
        )
    return AgentClassifier(float(metadata["threshold"]), metadata, _from_bytes(data))


def _from_bytes(data: bytes) -> Any:
    """fastText opens files only, by name: the verified bytes go through a private one."""
    handle, path = tempfile.mkstemp(suffix=".bin", prefix="hephaestus-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        return fasttext_model.load(path)
    finally:
        os.unlink(path)
