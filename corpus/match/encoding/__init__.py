"""Texts to unit vectors: encoders, pieces of texts, back ends, a cache of what is built from an encoder."""
