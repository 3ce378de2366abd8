"""The coarse pass of one run: taught on the driver by its sample, written as files for the executors."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from corpus.engine import storage
from corpus.match.coarse import shortlist, static, student
from corpus.match.coarse.shortlist import Measured
from corpus.match.config import MatchConfig
from corpus.match.encoding.encoder import Vectors, load_encoder
from corpus.match.encoding.texts import Chunk, shown
from corpus.match.index.files import SeedIndex, read_index
from corpus.match.score.batches import LIMITS, STUDENT, Scoring

_MOST_TAUGHT = 5000  # chunks: the inverse that teaches them takes minutes beyond


@dataclass(frozen=True)
class Threshold:
    """Pages are encoded from `least` on; `lost` selected pages of the sample lie below."""

    least: float
    lost: int


@dataclass(frozen=True)
class Learned:
    """Files of the coarse pass, thresholds to try (highest first), and what it says of the sample's pages."""

    folder: str
    sha256: dict[str, str]
    thresholds: list[Threshold]
    coarse: Mapping[str, float]
    selected: int
    pages: int
    facts: dict[str, Any]

    def loss(self, threshold: Threshold, rate: float, found: int) -> float:
        """The share of selected pages that is lost, where `found` were found outside the sample."""
        return shortlist.loss(threshold.lost, rate, found + self.selected)


class Sample:
    """The sample as arrays: all chunks in a row, and which of them each page has."""

    FEWEST: ClassVar[int] = 200  # pages; with fewer the coarse pass learns nothing

    def __init__(self, table: pa.Table, dimensions: int) -> None:
        """`table`: id, title, text, agent_score, pieces, nearest; in the order of the ids."""
        self.ids: list[str] = table.column("id").to_pylist()
        self.nearest: list[list[dict[str, Any]]] = table.column("nearest").to_pylist()
        scores = table.column("agent_score").to_pylist()
        self.agent_scores = np.array([np.nan if s is None else s for s in scores], np.float64)
        self.texts: list[str] = []
        vectors, counts = [], []
        for title, text, pieces in zip(
            *(table.column(name).to_pylist() for name in ("title", "text", "pieces"))
        ):
            self.texts += [shown(text, Chunk(piece["start"], piece["end"]), title) for piece in pieces]
            vectors += [np.frombuffer(piece["vector"], np.float16) for piece in pieces]
            counts.append(len(pieces))
        self.vectors = (
            np.stack(vectors).astype(np.float32) if vectors else np.empty((0, dimensions), np.float32)
        )
        self.starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)

    def best(self, of_chunks: Vectors) -> Vectors:
        """The maximum over each page's chunks."""
        found: Vectors = np.maximum.reduceat(of_chunks, self.starts)
        return found


def learn(table: pa.Table, config: MatchConfig, scoring: Scoring, scratch: str) -> Learned:
    """Teach the coarse pass, measure it on its own pages, each left out in turn, and write its files."""
    index = read_index(scoring.folder)
    sample = Sample(table, index.vectors.shape[1])
    folder = static.distilled(load_encoder(scoring.encoder))
    words = static.load_static(folder, scoring.encoder.max_tokens).encode(sample.texts)
    taught = np.unique(np.linspace(0, len(words) - 1, min(len(words), _MOST_TAUGHT)).round()).astype(np.int64)
    model, without = student.teach(words[taught], sample.vectors[taught])
    guessed = model.vectors(words)
    guessed[taught] = without
    limits = _limits(index, sample, config)
    full = np.array([_slack(hits, limits) for hits in sample.nearest], np.float32)
    rows, scores = index.nearest(guessed, scoring.hits)
    measured = Measured(full, sample.best(shortlist.slack(scores, rows, limits)))
    selected = measured.selected(config.coarse_selects)
    lowest = np.float32(full[selected].min())
    if config.coarse_selects is not None or lowest < 0:  # executors are to count the selected ones alike
        limits, measured = limits + lowest, Measured(full - lowest, measured.coarse - lowest)
    thresholds = [
        Threshold(least, int((measured.coarse[selected] < least).sum()))
        for least in measured.thresholds(selected, config.coarse_loss)
    ]
    files = {
        static.TABLE: (folder / static.TABLE).read_bytes(),
        static.TOKENIZER: (folder / static.TOKENIZER).read_bytes(),
        STUDENT: model.to_bytes(),
        LIMITS: _as_npy(limits),
    }
    target = storage.join(scratch, "coarse")
    for name, data in files.items():
        storage.write_bytes(storage.join(target, name), data)
    agreement = float(np.corrcoef(measured.coarse, measured.full)[0, 1]) if len(full) > 1 else 1.0
    return Learned(
        folder=target,
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        thresholds=thresholds,
        coarse=dict(zip(sample.ids, measured.coarse.tolist())),
        selected=int(selected.sum()),
        pages=len(sample.ids),
        facts={"selected_in_sample": int(selected.sum()), "correlation": round(agreement, 4)},
    )


def _limits(index: SeedIndex, sample: Sample, config: MatchConfig) -> shortlist.Floats:
    first = sample.vectors[sample.starts]
    return shortlist.limits_of(
        index.seeds.column("kind").to_pylist(),
        shortlist.background(index, first, sample.agent_scores),
        min_score=config.min_score if config.coarse_selects is None else -1.0,
        min_margin=config.min_margin if config.coarse_selects is None else 0.0,
        thresholds=config.thresholds if config.coarse_selects is None else {},
    )


def _slack(hits: list[dict[str, Any]], limits: shortlist.Floats) -> float:
    return float(max(hit["score"] - float(limits[hit["seed_row"]]) for hit in hits))


def _as_npy(array: shortlist.Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
