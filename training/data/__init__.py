"""Shards to batches: what is read, in which order, packed how, and where it stands."""
