"""The work on Arrow batches: what the executors run. No Spark here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.engine import storage
from corpus.match.coarse.shortlist import Floats, slack
from corpus.match.coarse.static import TABLE, TOKENIZER, StaticModel, load_static
from corpus.match.coarse.student import Student
from corpus.match.encoding.encoder import (
    DOCUMENT,
    GPU_BATCH,
    QUERY,
    Encoder,
    EncoderSettings,
    Vectors,
    load_encoder,
)
from corpus.match.encoding.texts import Chunk, chunks, shown
from corpus.match.index.files import SeedIndex, local_folder, read_index
from corpus.match.score.schema import EMBEDDINGS, SCORED

Batches = Iterator[pa.RecordBatch]
BatchFunction = Callable[[Batches], Batches]
STUDENT, LIMITS = "student.npz", "limits.npy"
_ROWS = 64  # pages that are worked on at once: their texts lie in memory as Python strings
_GATHERED = 4 * GPU_BATCH  # chunks that are encoded at once: fewer would leave most of a GPU's batches empty
_SLICES = 128  # of so many pages that wait for that many chunks; of their texts only the shortlist is kept
_OF_BATCH = ["id", "url", "text_hash"]
_PIECE = pa.struct([field for field in EMBEDDINGS if field.name not in ("id", "text_hash")])
SEED_VECTORS = pa.schema(
    [(name, pa.string()) for name in ("seed_id", "source", "kind", "title")] + [("vector", pa.binary())]
)
# SCORED, what EMBEDDINGS is made of, and whether the encoder's score passes the limits of the coarse pass
WORK = pa.schema([*SCORED, ("text_hash", pa.int64()), ("pieces", pa.list_(_PIECE)), ("selected", pa.bool_())])


@dataclass(frozen=True)
class Coarse:
    """Where the files of the coarse pass lie (name to sha256), and the score from which pages are encoded."""

    folder: str
    sha256: dict[str, str]
    least: float


@dataclass(frozen=True)
class Scoring:
    """What an executor needs to know. Models and index are opened there, once per process."""

    encoder: EncoderSettings
    folder: str
    max_chunks: int = 1
    hits: int = 10
    coarse: Coarse | None = None


@dataclass
class Page:
    """One page on its way: its chunks and, once encoded, their vectors."""

    title: str | None
    text: str
    chunks: list[Chunk]
    vectors: Vectors | None = None
    coarse: float | None = None
    rows: list[int] = field(default_factory=list)

    def shown(self) -> list[str]:
        return [shown(self.text, chunk, self.title) for chunk in self.chunks]


@dataclass(frozen=True)
class Slice:
    """Rows of a batch, their pages, and those of them that are to be encoded."""

    batch: pa.RecordBatch
    pages: list[Page]
    there: list[Page]


def encode_seeds(settings: EncoderSettings) -> BatchFunction:
    """(seed_id, source, kind, title, text) to SEED_VECTORS: the vector of the start, null without text."""

    def run(batches: Batches) -> Batches:
        encoder = load_encoder(settings)
        for batch in batches:
            pairs = zip(batch.column("title").to_pylist(), batch.column("text").to_pylist())
            pages = [
                Page(title, text or "", chunks(text or "", settings.max_tokens, 1)) for title, text in pairs
            ]
            there = [page for page in pages if page.chunks]
            found = iter(halves(encoder.encode([page.shown()[0] for page in there], QUERY)))
            columns: dict[str, Any] = {name: batch.column(name) for name in SEED_VECTORS.names[:-1]}
            columns["vector"] = [next(found) if page.chunks else None for page in pages]
            yield pa.RecordBatch.from_pydict(columns, schema=SEED_VECTORS)

    return run


def score_pages(scoring: Scoring) -> BatchFunction:
    """(id, url, text_hash, title, text) to WORK. With a coarse pass only what it shortlists is encoded."""

    def run(batches: Batches) -> Batches:
        encoder = load_encoder(scoring.encoder)
        index = read_index(scoring.folder)
        guess = load_guess(scoring) if scoring.coarse else None
        limits = guess.limits if guess else None
        waiting: list[Slice] = []
        for batch in batches:
            for at in range(0, batch.num_rows, _ROWS):
                waiting.append(_shortlisted(batch.slice(at, _ROWS), scoring, index, guess))
                chunks_ = sum(len(page.chunks) for one in waiting for page in one.there)
                if chunks_ >= _GATHERED or len(waiting) >= _SLICES:
                    yield from _scored(waiting, scoring, encoder, index, limits)
                    waiting = []
        yield from _scored(waiting, scoring, encoder, index, limits)

    return run


def score_known(scoring: Scoring) -> BatchFunction:
    """(id, url, text_hash, pieces) to WORK: vectors of an earlier run against the seeds of this one."""

    def run(batches: Batches) -> Batches:
        index = read_index(scoring.folder)
        for batch in batches:
            pages = []
            for pieces in batch.column("pieces").to_pylist():
                vectors = np.stack([np.frombuffer(piece["vector"], np.float16) for piece in pieces])
                places = [Chunk(piece["start"], piece["end"]) for piece in pieces]
                pages.append(Page(None, "", places, vectors.astype(np.float32)))
            yield _rows(batch, pages, index, scoring.hits, None)

    return run


def _shortlisted(batch: pa.RecordBatch, scoring: Scoring, index: SeedIndex, guess: Guess | None) -> Slice:
    size, most = scoring.encoder.max_tokens, scoring.max_chunks
    pairs = zip(batch.column("title").to_pylist(), batch.column("text").to_pylist())
    pages = [Page(title, text or "", chunks(text or "", size, most)) for title, text in pairs]
    there = [page for page in pages if page.chunks]
    if guess is not None and scoring.coarse is not None:
        guess.score(there, index, scoring.hits)
        least = scoring.coarse.least
        there = [page for page in there if page.coarse is not None and page.coarse >= least]
    encoded = set(map(id, there))
    for page in pages:
        if id(page) not in encoded:
            page.title, page.text = None, ""
    return Slice(batch.select(_OF_BATCH), pages, there)


def _scored(
    slices: list[Slice], scoring: Scoring, encoder: Encoder, index: SeedIndex, limits: Floats | None
) -> Batches:
    """WORK of the slices, in their order; all that they have to encode is encoded at once."""
    there = [page for one in slices for page in one.there]
    vectors = encoder.encode([piece for page in there for piece in page.shown()], DOCUMENT)
    at = 0
    for page in there:
        page.vectors = vectors[at : at + len(page.chunks)].astype(np.float16).astype(np.float32)
        at += len(page.chunks)
    for one in slices:
        yield _rows(one.batch, one.pages, index, scoring.hits, limits)


def _rows(
    batch: pa.RecordBatch, pages: list[Page], index: SeedIndex, hits: int, limits: Floats | None
) -> pa.RecordBatch:
    encoded = [page for page in pages if page.vectors is not None]
    found = iter(page_hits(encoded, index, hits))
    made = [_row(page, next(found) if page.vectors is not None else None, limits) for page in pages]
    columns: dict[str, Any] = {name: batch.column(name) for name in _OF_BATCH}
    for name in WORK.names:
        if name not in columns:
            columns[name] = [row[name] for row in made]
    return pa.RecordBatch.from_pydict(columns, schema=WORK)


def _row(page: Page, hits: list[dict[str, Any]] | None, limits: Floats | None) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(WORK.names)
    row |= {"coarse_score": page.coarse, "shortlisted": hits is not None, "selected": False}
    if hits is not None and page.vectors is not None:
        best = hits[0]["chunk"] if hits else 0
        pieces = halves(page.vectors)
        row["nearest"] = hits
        row["chunk_start"], row["chunk_end"] = page.chunks[best]
        row["vector"] = pieces[best]
        row["pieces"] = [
            {"chunk": at, "start": chunk.start, "end": chunk.end, "vector": vector}
            for at, (chunk, vector) in enumerate(zip(page.chunks, pieces))
        ]
        row["selected"] = limits is not None and any(
            hit["score"] >= float(limits[hit["seed_row"]]) for hit in hits
        )
    return row


def page_hits(pages: list[Page], index: SeedIndex, most: int) -> list[list[dict[str, Any]]]:
    """The nearest seeds of each encoded page: a seed counts with the chunk that is most like it."""
    vectors = [page.vectors for page in pages if page.vectors is not None]
    if not vectors:
        return []
    rows, scores = index.nearest(np.concatenate(vectors), most)
    found, at = [], 0
    for page in pages:
        end = at + len(page.chunks)
        best: dict[int, tuple[float, int]] = {}
        for chunk, (line, values) in enumerate(zip(rows[at:end].tolist(), scores[at:end].tolist())):
            for row, score in zip(line, values):
                if row >= 0 and (row not in best or score > best[row][0]):
                    best[row] = (score, chunk)
        order = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:most]
        found.append([{"seed_row": row, "score": score, "chunk": chunk} for row, (score, chunk) in order])
        at = end
    return found


@dataclass(frozen=True)
class Guess:
    """The coarse pass, ready to run."""

    static: StaticModel
    student: Student
    limits: Floats

    def score(self, pages: list[Page], index: SeedIndex, hits: int) -> None:
        """Set `coarse` of each page: how far its best chunk is guessed to lie above a seed's limit."""
        pieces = [piece for page in pages for piece in page.shown()]
        if not pieces:
            return
        rows, scores = index.nearest(self.student.vectors(self.static.encode(pieces)), hits)
        above = slack(scores, rows, self.limits)
        at = 0
        for page in pages:
            page.coarse = float(above[at : at + len(page.chunks)].max())
            at += len(page.chunks)


def load_guess(scoring: Scoring) -> Guess:
    assert scoring.coarse is not None
    files = tuple(sorted(scoring.coarse.sha256.items()))
    return _load_guess(scoring.coarse.folder, files, scoring.encoder.max_tokens)


@lru_cache(maxsize=1)
def _load_guess(folder: str, sha256: tuple[tuple[str, str], ...], max_tokens: int) -> Guess:
    local: Path = local_folder(folder, dict(sha256))
    student = Student.from_bytes(storage.read_bytes(str(local / STUDENT)))
    limits = np.load(local / LIMITS, mmap_mode="r", allow_pickle=False)
    return Guess(load_static(local, max_tokens), student, limits)


def halves(vectors: npt.NDArray[np.float32]) -> list[bytes]:
    """Each row as float16 bytes."""
    return [row.tobytes() for row in vectors.astype("<f2")]


__all__ = [
    "TABLE",
    "TOKENIZER",
    "Coarse",
    "Guess",
    "Page",
    "Scoring",
    "encode_seeds",
    "score_known",
    "score_pages",
]
