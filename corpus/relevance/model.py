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
from corpus.relevance.features import FEATURE_VERSION
from corpus.relevance.second.scorer import Second
from corpus.relevance.training import Trained

MODEL_FILE, SECOND_FILE, METRICS_FILE = "model/model.bin", "model/second.npz", "metrics.json"


@dataclass(frozen=True)
class AgentClassifier:
    """The trained classifier.

    `score` gives the probability of agent data for texts. Where it decides alone, pages at or above
    `threshold` are wanted; where there is a second scorer, those at or above `first_threshold` are shown to
    it, and its rule decides.
    """

    threshold: float
    metadata: dict[str, Any]
    _model: Any
    second: Second | None = None

    @property
    def first_threshold(self) -> float:
        """From which score pages are shown to the second scorer; without one, the threshold itself."""
        return self.second.rule.first_threshold if self.second else self.threshold

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
        addresses = urls if with_url else [""] * len(urls)
        return fasttext_model.score_pages(self._model, texts, addresses)


def load(folder: str) -> AgentClassifier:
    """`AgentClassifier.load` by a plain name, for processes that are told what to call."""
    return AgentClassifier.load(folder)


def rough_scorer(folder: str) -> Callable[[Sequence[str]], list[float]]:
    """What scores texts that have lost their layout, by the classifier in a folder."""
    model = AgentClassifier.load(folder)._model
    return functools.partial(fasttext_model.score_rough, model)


def load_second(folder: str, threshold: float | None = None) -> Second | None:
    """The second scorer by a plain name, its rule's threshold exchanged; None where there is none."""
    second = AgentClassifier.load(folder).second
    return second.with_threshold(threshold) if second and threshold is not None else second


def save(
    folder: str, trained: Trained, *, url_words: bool, folds: int, second: Second | None = None
) -> dict[str, list[OutputFile]]:
    """Write model/model.bin, model/second.npz and metrics.json; what the manifest is to say of them."""
    head = second.head.to_bytes() if second else b""
    metrics = {
        "threshold": trained.threshold,
        "feature_version": FEATURE_VERSION,
        "url_words": url_words,
        "model_sha256": hashlib.sha256(trained.model).hexdigest(),
        "model_bytes": len(trained.model),
        "trained_on": len(trained.used),
        "folds": folds,
        "second": {**second.metadata(), "bytes": len(head)} if second else None,
        **trained.metrics,
    }
    described = json.dumps(metrics, indent=1, sort_keys=True).encode() + b"\n"
    models = [(MODEL_FILE, trained.model), *([(SECOND_FILE, head)] if second else [])]
    found: dict[str, list[OutputFile]] = {"model": [], "metrics": []}
    for name, path, data in (*(("model", *model) for model in models), ("metrics", METRICS_FILE, described)):
        storage.write_bytes(storage.join(folder, path), data)
        found[name].append(OutputFile(path, 0, len(data), hashlib.sha256(data).hexdigest()))
    return found


@functools.lru_cache(maxsize=2)
def _load(folder: str) -> AgentClassifier:
    tables = manifest.read(folder).tables
    files = {file.path: file for name in ("model", "metrics") for file in tables.get(name, ())}
    if MODEL_FILE not in files:
        raise UserError(f"{storage.redact(folder)} holds no {MODEL_FILE}; jobs/classifier.py makes one.")
    data, metadata = _verified(folder, files[MODEL_FILE]), json.loads(_verified(folder, files[METRICS_FILE]))
    if metadata.get("feature_version") != FEATURE_VERSION:
        raise UserError(
            f"{storage.redact(folder)} was trained on features of version {metadata.get('feature_version')}, "
            f"and this code computes version {FEATURE_VERSION}; run jobs/classifier.py again."
        )
    second = None
    if metadata.get("second"):
        second = Second.restore(_verified(folder, files[SECOND_FILE]), metadata["second"], folder)
    return AgentClassifier(float(metadata["threshold"]), metadata, _from_bytes(data), second)


def _verified(folder: str, file: OutputFile) -> bytes:
    """The content of a file, which must be the one that the manifest names."""
    path = storage.join(folder, file.path)
    data = storage.read_bytes(path)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise UserError(
            f"{storage.redact(path)} is not the one that its manifest names (sha256 differs); "
            "run jobs/classifier.py again."
        )
    return data


def _from_bytes(data: bytes) -> Any:
    """fastText opens files only, by name: the verified bytes go through a private one."""
    handle, path = tempfile.mkstemp(suffix=".bin", prefix="hephaestus-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        return fasttext_model.load(path)
    finally:
        os.unlink(path)
