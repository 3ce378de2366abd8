"""Which pages stay: scores put together, thresholds, ranks in groups of any size, one decision."""
