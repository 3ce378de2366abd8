from __future__ import annotations

import hashlib
import json

import pytest

from corpus.engine import manifest, storage
from corpus.engine.manifest import Manifest, OutputFile
from corpus.relevance import fasttext_model
from corpus.relevance.features import FEATURE_VERSION, fasttext_line
from corpus.relevance.labels import AGENT, GENERAL
from corpus.relevance.model import METRICS_FILE, MODEL_FILE


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished classifier stage with a small real model that tells pages of `api` from pages of `news`."""
    folder = str(tmp_path_factory.mktemp("classifier"))
    lines = []
    for n in range(100):
        for label, words in ((AGENT, f"api{n}call "), (GENERAL, f"news{n}day word{n} ")):
            lines.append((label, fasttext_line(words * 20, "http://example.org/")))
    model = fasttext_model.train(lines, fasttext_model.Settings(strength=10.0))
    metadata = {"threshold": 0.6, "feature_version": FEATURE_VERSION}
    files = {"model": (MODEL_FILE, fasttext_model.to_bytes(model))}
    files["metrics"] = (METRICS_FILE, json.dumps(metadata).encode())
    tables = {}
    for name, (path, data) in files.items():
        storage.write_bytes(storage.join(folder, path), data)
        tables[name] = [OutputFile(path, 0, len(data), hashlib.sha256(data).hexdigest())]
    manifest.write(folder, Manifest("classifier", "test", {}, [], {"funnel": ""}, tables))
    return folder
