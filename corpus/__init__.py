"""Hephaestus-Forge, the corpus half: from crawl archives to token-mixed Parquet shards."""

__version__ = "0.1.0"
