"""Download of the registry's sources: one folder each, whole and checked, with a `SOURCE.yaml` beside it."""
