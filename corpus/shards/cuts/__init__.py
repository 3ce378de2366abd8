"""The exact fill of a source's tokens."""
