"""The trained second scorer: extracted texts to calibrated chances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corpus.engine import storage
from corpus.engine.errors import UserError
from corpus.match.encoding.encoder import EncoderSettings, load_encoder
from corpus.match.encoding.texts import reach, whole
from corpus.relevance.second.head import Head
from corpus.relevance.second.logistic import Floats
from corpus.relevance.second.rule import Calibration, Rule
from corpus.relevance.second.structure import STRUCTURE_VERSION, vector

NONE, STRUCTURE = "none", "structure"  # no second scorer; one without an encoder


@dataclass(frozen=True)
class Second:
    """`encoder` is `structure` where the layout alone is looked at, else the name of an encoder."""

    head: Head
    encoder: str
    max_tokens: int
    calibration: Calibration
    rule: Rule

    def score(self, texts: Sequence[str], titles: Sequence[str], urls: Sequence[str]) -> list[float]:
        """The chance that each extracted text is wanted, in their order; each depends on its page alone."""
        if not texts:
            return []
        layout = np.array([vector(*page) for page in zip(texts, titles, urls, strict=True)])
        found = self.head.logits(layout, embed(self.encoder, self.max_tokens, texts, titles))
        return [float(chance) for chance in self.calibration.chances(found)]

    def judge(
        self, texts: Sequence[str], titles: Sequence[str], urls: Sequence[str], first: Sequence[float]
    ) -> list[tuple[float, bool]]:
        """For pages that passed the first threshold: second score, and whether the joint rule keeps it."""
        scores = self.score(texts, titles, urls)
        joint = self.rule.chances(np.array(first, dtype=np.float64), np.array(scores, dtype=np.float64))
        return [(score, bool(chance >= self.rule.threshold)) for score, chance in zip(scores, joint)]

    def with_threshold(self, threshold: float) -> Second:
        return replace(self, rule=replace(self.rule, threshold=threshold))

    def metadata(self) -> dict[str, Any]:
        """What `restore` needs beside the head's bytes."""
        return {
            "encoder": self.encoder,
            "max_tokens": self.max_tokens,
            "structure_version": STRUCTURE_VERSION,
            "calibration": vars(self.calibration),
            "rule": self.rule.plain(),
        }

    @staticmethod
    def restore(data: bytes, metadata: dict[str, Any], folder: str) -> Second:
        """Raises UserError where it was trained on a layout of another version."""
        if metadata["structure_version"] != STRUCTURE_VERSION:
            raise UserError(
                f"the second scorer in {storage.redact(folder)} was trained on layouts of version "
                f"{metadata['structure_version']}, and this code computes version {STRUCTURE_VERSION}; run "
                "jobs/classifier.py again."
            )
        return Second(
            Head.from_bytes(data),
            str(metadata["encoder"]),
            int(metadata["max_tokens"]),
            Calibration(**metadata["calibration"]),
            Rule.of(metadata["rule"]),
        )


def embed(encoder: str, max_tokens: int, texts: Sequence[str], titles: Sequence[str]) -> Floats:
    """Embeddings of the texts' beginnings [texts, dimensions]; no columns without an encoder."""
    if encoder == STRUCTURE or not texts:
        return np.empty((len(texts), 0))
    shown = [seen(title, text, max_tokens) for title, text in zip(titles, texts, strict=True)]
    return load_encoder(EncoderSettings(encoder, max_tokens)).encode(shown).astype(np.float64)


def seen(title: str, text: str, max_tokens: int) -> str:
    """The part of a page that an encoder can see."""
    return whole(title, text[: 2 * reach(max_tokens, 1)])[: reach(max_tokens, 1)]
