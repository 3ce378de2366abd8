"""Benchmark loss: negative log-likelihood per byte of gold answers under a benchmark's own prompts."""
