"""The keys of `jobs/match.py`."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.engine.config import JobConfig, option


@dataclass(frozen=True, kw_only=True)
class MatchConfig(JobConfig):
    """`min_score` belongs to the encoder: another encoder has another scale."""

    seeds: tuple[str, ...] = option("finished stage folders with seeds (seeds, hygiene, harvest)")
    input: tuple[str, ...] = option("finished stage folders with a table pages (dedup or filter)")
    encoder: str = option(
        "sentence-transformers model by name or folder; 'packaged' is the MiniLM of the extra 'embed'",
        "packaged",
    )
    device: str = option("torch device that encodes: cpu, cuda, mps", "cpu")
    max_tokens: int = option("tokens of a text that the encoder sees at once", 256, least=16, most=32768)
    max_chunks: int = option(
        "pieces of a page that are encoded, from its start; the best one counts", 1, least=1, most=64
    )
    max_seeds_per_source: int = option(
        "seeds taken from one source, so that none owns the result", 150, least=1
    )
    min_score: float = option(
        "pages whose nearest seed is less alike (cosine) are dropped", 0.25, least=-1, most=1
    )
    map_points: int = option(
        "seeds, kept and dropped pages on the map, of each at most this many", 200, least=0, most=5000
    )
