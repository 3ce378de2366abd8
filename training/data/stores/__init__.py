"""Shards that lie elsewhere: ranges of their bytes, lists of their files, a disk cache of what was read."""
