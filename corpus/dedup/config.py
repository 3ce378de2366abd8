"""The keys of `jobs/dedup.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus.dedup.minhash import Banding
from corpus.dedup.order import DEFAULT
from corpus.engine.config import JobConfig, option

INDEX_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class DedupConfig(JobConfig):
    """Defaults follow the field's habit of word 5-grams at Jaccard 0.8, and state the recall there."""

    input: tuple[str, ...] = option(
        "finished stage folders with a table pages, or Parquet with id, url and text"
    )
    index: tuple[str, ...] = option(
        "what the pages are compared with besides each other, and what always stays: folders of earlier "
        "runs, or seeds, benchmarks and other tables with id and text",
        (),
    )
    survivor: tuple[str, ...] = option(
        "which of two duplicates stays, by the first key in which they differ: score (higher), length "
        "(longer), date (earlier), id (smaller, always last); -date turns a key round",
        DEFAULT,
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
    containment: float | None = option(
        "a page is a duplicate too if its survivor has this share of its shingles, whatever their Jaccard "
        "similarity; null: Jaccard alone decides",
        None,
        least=0.5,
        most=1,
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
    boilerplate: bool = option(
        "remove lines that repeat across the pages of a host from the texts that stay; the table boilerplate "
        "lists them either way",
        True,
    )
    boilerplate_pages: int = option(
        "kept pages of a host from which on a line may be boilerplate", 20, least=2
    )
    boilerplate_share: float = option(
        "share of the host's kept pages from which on it is", 0.3, least=0.01, most=1
    )
    hubs: int = option(
        "pages of a hash bucket, best first, that are compared with all others in it; doubles each round",
        16,
        least=1,
    )
    rounds: int = option(
        "rounds in which shingles that more pages than hubs share are gone through", 6, least=1, most=20
    )
    sample: int = option(
        "pages on which recall and precision are measured against exact Jaccard similarity; 0 for none",
        1000,
        least=0,
        most=5000,
    )
    components: str = option(
        "who finds the clusters of graphs too large for the driver: dataframes, or graphframes where its jar "
        "is present",
        "dataframes",
        choices=("dataframes", "graphframes"),
    )
    local_edges: int = option(
        "graphs with at most this many verified pairs are solved on the driver",
        500_000,
        least=0,
        volatile=True,
    )
    component_rounds: int = option("limit of rounds for the connected components", 50, least=2, volatile=True)
    seed: int = option("seed of the hash functions", 1, least=0)

    def banding(self) -> Banding:
        return Banding.derive(self.threshold, self.recall)

    def sketch_settings(self) -> dict[str, int]:
        """What two sketches must have in common to be compared; an index is written down with it."""
        banding = self.banding()
        return {
            "format": INDEX_FORMAT,
            "shingle_size": self.shingle_size,
            "min_words": self.min_words,
            "max_words": self.max_words,
            "bands": banding.bands,
            "rows": banding.rows,
            "seed": self.seed,
        }

    def describe(self) -> dict[str, Any]:
        """What follows from the keys: how likely a pair is compared at which similarity."""
        banding = self.banding()
        return {
            "threshold": self.threshold,
            "bands": banding.bands,
            "rows": banding.rows,
            "recall_at_threshold": round(banding.chance(self.threshold), 4),
            "collision_curve": banding.curve(),
            "survivor": ",".join(self.survivor),
            "index_settings": self.sketch_settings(),
        }
