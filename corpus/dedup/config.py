"""The keys of `jobs/dedup.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus.dedup.minhash import Banding
from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class DedupConfig(JobConfig):
    """Defaults follow the field's habit of word 5-grams at Jaccard 0.8, and state the recall there."""

    input: tuple[str, ...] = option(
        "finished stage folders with a table pages, or Parquet with id, url and text"
    )
    threshold: float = option(
        "Jaccard similarity of two shingle sets from which they are near duplicates", 0.8, least=0.3, most=1
    )
    recall: float = option(
        "wanted chance that a pair at exactly that similarity is compared; sets bands and rows",
        0.99,
        least=0.5,
        most=0.9999,
    )
    shingle_size: int = option(
        "words per shingle; one character counts as a word in scripts without spaces", 5, least=1, most=30
    )
    min_words: int = option(
        "texts with fewer words are duplicates only if their texts are the same", 8, least=1
    )
    max_words: int = option(
        "longer texts are not compared for near duplicates, only for equality", 5_000_000, least=1000
    )
    hubs: int = option(
        "pages of a hash bucket, best first, that are compared with all others in it; doubles each round",
        16,
        least=1,
    )
    rounds: int = option(
        "rounds in which buckets with more pages than hubs are gone through", 4, least=1, most=20
    )
    local_edges: int = option(
        "graphs with at most this many verified pairs are solved on the driver",
        200_000,
        least=0,
        volatile=True,
    )
    component_rounds: int = option("limit of rounds for the connected components", 50, least=2, volatile=True)
    seed: int = option("seed of the hash functions", 1, least=0)

    def banding(self) -> Banding:
        return Banding.derive(self.threshold, self.recall)

    def describe(self) -> dict[str, Any]:
        """What follows from the keys: how likely a pair is compared at which similarity."""
        banding = self.banding()
        return {
            "threshold": self.threshold,
            "bands": banding.bands,
            "rows": banding.rows,
            "recall_at_threshold": round(banding.chance(self.threshold), 4),
            "collision_curve": banding.curve(),
        }
