"""Semantic near-duplicates among the pages that pass the scores: cells, leaders, verified pairs, clusters."""
