"""Ablations: the same training on corpora that lack one thing, compared by benchmark loss at equal tokens."""
